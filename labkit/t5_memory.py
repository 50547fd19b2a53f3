"""How much memory a T5 takes, worked out from its configuration before a tensor exists.

Counted in float32, for eager attention and inputs of equal length, tensor by tensor as transformers' T5 makes them. In
training, activations are what autograd keeps because the backward pass needs it again, which is not only the outputs.
"""

from dataclasses import dataclass
from typing import Any

FLOAT = 4  # bytes of a number
INDEX = 2  # numbers that an integer of 8 bytes takes the room of


@dataclass(frozen=True)
class Estimate:
    """Bytes by what they hold at the moment when their sum is highest; buffers are what is needed for that moment."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    buffers: int

    @property
    def total(self) -> int:
        """The peak."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.buffers


def count_parameters(config: Any) -> int:
    """The parameters of a T5 with this configuration (a transformers T5Config)."""
    layers = config.num_layers * _encoder_layer(config) + config.num_decoder_layers * _decoder_layer(config)
    embeddings = config.vocab_size * config.d_model * (1 if config.tie_word_embeddings else 2)
    return embeddings + layers + 2 * config.d_model + 2 * config.relative_attention_num_buckets * config.num_heads


def training_estimate(config: Any, batch_size: int, source: int, target: int) -> Estimate:
    """The peak of a training step with AdamW from the second step on (the first one makes AdamW's two states).

    Follows the backward pass from the loss to the embeddings: activations go as gradients come.

    Args:
        source, target: tokens of each input and of each answer.
    """
    reads, writes = batch_size * source, batch_size * target
    encoder, decoder = _kept_encoder(config, source), _kept_decoder(config, source, target)
    norms = (3 * config.d_model + 1) * (reads + writes)  # the last one of each stack
    keys_values = 2 * _inner(config) * reads  # of cross-attention, in each layer of the decoder
    positions = (config.num_heads + INDEX) * (source**2 + target**2)  # the bias of each distance, and its number
    dropped = 2 * config.d_model * (reads + writes) if config.dropout_rate else 0
    kept = config.num_layers * encoder * reads + config.num_decoder_layers * (decoder * writes + keys_values)
    kept += norms + positions + dropped
    logits = writes * config.vocab_size
    head = config.vocab_size * config.d_model
    moments = [(0, kept, 3 * logits)]  # log-softmax, its gradient, and the gradient of the logits
    gradients = head
    for _ in range(config.num_decoder_layers):
        moments.append((gradients, kept, writes * (4 * config.d_ff + 2 * config.d_model)))
        kept, gradients = kept - decoder * writes - keys_values, gradients + _decoder_layer(config)
    for _ in range(config.num_layers):
        moments.append((gradients, kept, reads * (4 * config.d_ff + 2 * config.d_model)))
        kept, gradients = kept - encoder * reads, gradients + _encoder_layer(config)
    parameters = count_parameters(config)
    # At the end the gradients of a tied embedding, from the output layer and both inputs, are added up.
    moments.append((parameters, 0, 2 * head if config.tie_word_embeddings else 0))
    gradients, activations, buffers = max(moments, key=sum)
    return Estimate(*(FLOAT * number for number in (parameters, gradients, 2 * parameters, activations, buffers)))


def inference_estimate(config: Any, batch_size: int, source: int, target: int) -> Estimate:
    """The peak of generating up to `target` tokens greedily for each input, with a key-value cache.

    Either while the encoder reads, when a layer's inner state exists in several versions, or while the decoder writes,
    when the keys and values of all its layers are there. Nothing is kept for a backward pass.
    """
    width, inner, heads = config.d_model, _inner(config), config.num_heads
    reads = batch_size * source
    # Four versions of the residual stream (embeddings, the layer's input, what attention added to, and its norm) with
    # the weights of attention and four versions of the inner state, which is how T5 works out a GELU; or two versions
    # and what attention itself needs: queries, keys, values, and copies of two of them or a second version of scores.
    gelu = 4 * width + heads * source + 4 * config.d_ff
    attention = 3 * width + 3 * inner + heads * source + max(2 * inner, heads * source)
    reading = reads * max(gelu, attention) + heads * source**2
    cache = config.num_decoder_layers * 2 * inner * batch_size * (source + target)
    choosing = 3 * batch_size * config.vocab_size  # the last token's logits and what generate() makes of them
    weights = FLOAT * count_parameters(config)
    if reading > reads * width + cache + choosing:
        return Estimate(weights, 0, 0, 0, FLOAT * reading)
    return Estimate(weights, 0, 0, FLOAT * (reads * width + cache), FLOAT * choosing)


def _inner(config: Any) -> int:
    return config.num_heads * config.d_kv


def _feed_forward(config: Any) -> int:
    return (3 if config.is_gated_act else 2) * config.d_model * config.d_ff


def _encoder_layer(config: Any) -> int:
    """Parameters: four matrices of attention, the feed-forward layer, two norms."""
    return 4 * config.d_model * _inner(config) + _feed_forward(config) + 2 * config.d_model


def _decoder_layer(config: Any) -> int:
    """Parameters: attention twice, the feed-forward layer, three norms."""
    return 8 * config.d_model * _inner(config) + _feed_forward(config) + 3 * config.d_model


def _kept_encoder(config: Any, source: int) -> int:
    """Numbers that a layer of the encoder keeps for each of its tokens."""
    return 2 * _kept_around(config) + _kept_attention(config, source) + 2 * _inner(config) + _kept_inside(config)


def _kept_decoder(config: Any, source: int, target: int) -> int:
    """As `_kept_encoder`, of the decoder; without the keys and values of what it reads."""
    own, cross = _kept_attention(config, target), _kept_attention(config, source)
    return 3 * _kept_around(config) + own + 2 * _inner(config) + cross + _kept_inside(config)


def _kept_around(config: Any) -> int:
    """Of a sublayer: the input of its norm, the root mean square, what the norm scales and gives; dropout's mask."""
    return (4 if config.dropout_rate else 3) * config.d_model + 1


def _kept_attention(config: Any, keys: int) -> int:
    """The queries, the result, and for each head the softmax over the keys; with dropout its mask and what is left."""
    return 2 * _inner(config) + (3 if config.dropout_rate else 1) * config.num_heads * keys


def _kept_inside(config: Any) -> int:
    """Of the feed-forward layer.

    GELU as T5 works it out keeps its input, half of it, the tanh and 1 + tanh. With a gate come its output and the
    gate's, then what goes into the last matrix; dropout adds a mask.
    """
    kept = 7 if config.is_gated_act else 5
    return (kept + (1 if config.dropout_rate else 0)) * config.d_ff
