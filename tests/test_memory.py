import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from labkit.allocation import model_bytes, peak_allocated
from labkit.errors import LabError
from labkit.memory import (
    LOGITS,
    RECIPES,
    SHAPES,
    VOCABULARY,
    Recipe,
    Shape,
    in_words,
    kept_per_token,
    need_table,
    sequences_at,
    training_need,
)
from labkit.t5_memory import count_parameters, inference_estimate, training_estimate

TINY = Shape("tiny", layers=2, width=10, heads=3)
PLAIN = Recipe("plain", 4, 4, 8, 4)


def test_terms_of_training_are_added_up():
    count = 12 * 2 * 10**2 + 50_257 * 10
    assert TINY.parameters == count
    assert kept_per_token(TINY, 7) == 2 * (16 * 10 + 3 * 7)
    need = training_need(TINY, PLAIN, batch_size=5, length=7)
    assert (need.weights, need.gradients, need.optimizer) == (4 * count, 4 * count, 8 * count)
    assert need.activations == 4 * 5 * 7 * kept_per_token(TINY, 7)
    assert need.buffers == 4 * 5 * 7 * LOGITS * VOCABULARY
    assert need.total == need.weights + need.gradients + need.optimizer + need.activations + need.buffers


def test_published_sizes_come_out():
    for name, shape in SHAPES.items():
        figure, unit = float(name.split()[1][:-1]), {"M": 1e6, "B": 1e9}[name[-1]]
        assert shape.parameters == pytest.approx(figure * unit, rel=0.05), name


def test_mixed_precision_with_adam_in_fp32_saves_nothing_a_parameter():
    assert RECIPES["FP32, AdamW"].per_parameter == 16 == RECIPES["BF16, AdamW and master weights in FP32"].per_parameter
    assert RECIPES["BF16 throughout"].per_parameter == 8


def test_the_sequences_that_fit_fill_the_memory():
    shape = SHAPES["GPT-3 1.3B"]
    for bytes_each in (24, 80):
        fitting = sequences_at(shape, bytes_each, 2048)
        need = training_need(shape, RECIPES["FP32, AdamW"], 1, 2048)
        each = need.activations + need.buffers
        filled = need.total - each + fitting * each
        assert filled == pytest.approx(bytes_each * shape.parameters)


def test_the_table_has_a_row_a_term_and_says_how_many_gpus():
    table = need_table(SHAPES["GPT-3 175B"], PLAIN, 1, 2048)
    assert [row[0] for row in table.rows] == [
        "weights",
        "gradients",
        "optimizer",
        "activations",
        "temporary buffers",
        "all",
    ]
    assert table.rows[0][2] == 4 and table.rows[2][1] == "1.4 TB"
    assert table.title.startswith("GPT-3 175B, plain: ") and "GPUs of 80 GB" in table.title
    assert ": 1 GPU of 80 GB" in need_table(TINY, PLAIN, 1, 8).title


@pytest.mark.parametrize(
    ("size", "words"), [(999, "999 B"), (1000, "1 kB"), (38_123_456, "38.1 MB"), (4e9, "4 GB"), (2.8e12, "2.8 TB")]
)
def test_bytes_in_words(size, words):
    assert in_words(size) == words


@pytest.mark.parametrize("values", [(0, 8), (1, 0), (True, 8), (1, 8.5)])
def test_a_batch_that_is_none_is_refused(values):
    with pytest.raises(LabError, match="must be a whole number of 1 or more"):
        training_need(TINY, PLAIN, *values)


# T5, estimated and measured


def t5(**values) -> T5Config:
    base = {"d_model": 64, "d_ff": 160, "d_kv": 16, "num_heads": 4, "num_layers": 2, "num_decoder_layers": 2}
    base |= {"vocab_size": 512, "feed_forward_proj": "gated-gelu", "dropout_rate": 0.0, "decoder_start_token_id": 0}
    config = T5Config(**base | values)
    config._attn_implementation = "eager"
    return config


@pytest.mark.parametrize("values", [{}, {"tie_word_embeddings": False}, {"d_ff": 96, "num_decoder_layers": 3}])
def test_parameters_are_counted_from_the_configuration(values):
    config = t5(**values)
    assert count_parameters(config) == sum(each.numel() for each in T5ForConditionalGeneration(config).parameters())


@pytest.mark.parametrize(
    ("values", "batch"),
    [
        ({}, (4, 64, 16)),
        ({}, (2, 24, 40)),
        ({"dropout_rate": 0.1}, (4, 64, 16)),
        ({"d_ff": 96, "num_layers": 4}, (8, 48, 8)),
        ({"vocab_size": 4096}, (1, 16, 4)),
    ],
)
def test_estimates_are_within_a_twentieth_of_the_measurement(values, batch):
    config = t5(**values)
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(config).eval()
    size, source, target = batch
    ids = torch.randint(3, config.vocab_size, (size, source))
    labels = torch.randint(3, config.vocab_size, (size, target))

    def infer():
        with torch.inference_mode():
            model.generate(ids, do_sample=False, max_new_tokens=target, min_new_tokens=target)

    def train():
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        for _ in range(2):
            model(input_ids=ids, labels=labels).loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    measured = model_bytes(model) + peak_allocated(infer)
    assert inference_estimate(config, *batch).total == pytest.approx(measured, rel=0.05)
    model.train()
    measured = model_bytes(model) + peak_allocated(train)
    assert training_estimate(config, *batch).total == pytest.approx(measured, rel=0.05)


def test_the_peak_is_of_what_is_held_at_one_time():
    def work():
        for _ in range(3):
            torch.ones(1000)  # released again each time
        kept = [torch.ones(2000) for _ in range(2)]
        del kept

    assert peak_allocated(work) == 2 * 2000 * 4
    assert peak_allocated(lambda: None) == 0


def test_measuring_writes_nothing_to_stderr(capfd):
    peak_allocated(lambda: torch.ones(10))
    assert capfd.readouterr() == ("", "")


def test_bytes_of_a_model_count_shared_storage_once():
    model = T5ForConditionalGeneration(t5())
    assert model_bytes(model) == 4 * count_parameters(model.config)
    assert model_bytes(model.to(torch.bfloat16)) == 2 * count_parameters(model.config)
