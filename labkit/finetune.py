"""Fine-tune a profile's model on its dialogues, on as many processes as the launcher starts.

    accelerate launch --config_file labkit/launch/fsdp_flan_t5.yaml -m labkit.finetune --profile base
    accelerate launch --cpu --num_processes 1 -m labkit.finetune --steps 2
    torchrun --nproc-per-node 2 -m labkit.finetune --steps 2

The strategy is the launcher's: FSDP where its config asks for that, else DDP, or a single process. Where FSDP was asked
for and accelerate did not turn it on, the script stops: each process would train a whole copy, and nobody would notice.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from labkit.data import load_dialogues
from labkit.errors import LabError
from labkit.models import load_model
from labkit.profile import EMBEDDED, profile
from labkit.tuning import IGNORED, training_batches

PROMPT = "Summarize the following conversation.\n\n{dialogue}\n\nSummary: "
LEARNING_RATE = 1e-4
ROWS = 8  # of a batch on each process


def finetune(name: str, steps: int) -> float:
    """The mean loss of the last step over all processes, after so many steps on the profile's training dialogues.

    Raises:
        LabError: as `load_model`; fewer than one step; FSDP was asked for and is not there.
    """
    if steps < 1:
        raise LabError(f"steps is {steps}: take 1 or more.")
    import torch
    from accelerate import Accelerator

    wanted = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    if wanted and not torch.cuda.is_available():
        raise LabError(_without_fsdp("this machine has no GPU, and accelerate turns FSDP on for GPUs only"))
    accelerator = Accelerator(cpu=not torch.cuda.is_available())  # unasked, CPU processes train apart
    if wanted and accelerator.distributed_type.value != "FSDP":
        raise LabError(_without_fsdp(f"accelerate set up {accelerator.distributed_type.value} instead"))
    run = profile(name, device="cpu", dtype="float32")  # accelerate takes the weights from there to its devices
    model, tokenizer = load_model(run)
    rows = load_dialogues(run)["train"]
    prompts = [PROMPT.format(dialogue=dialogue) for dialogue in rows["dialogue"]]
    here, processes = accelerator.process_index, accelerator.num_processes
    batches = training_batches(
        tokenizer, prompts, rows["summary"], batch_size=ROWS, steps=steps * processes, seed=run.seed
    )[here::processes]
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    model, optimizer = accelerator.prepare(model.train(), optimizer)
    for batch in batches:
        batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        tokens = (batch["labels"] != IGNORED).sum()
        everywhere = accelerator.reduce(tokens, "sum")
        loss = model(**batch).loss * tokens * processes / everywhere  # so that their mean is the batch's
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    mean = float(accelerator.reduce(loss.detach(), "mean"))
    accelerator.print(f"{accelerator.distributed_type.value}, {processes} processes: loss {mean:.3f}")
    accelerator.end_training()
    return mean


def _without_fsdp(reason: str) -> str:
    return (
        f"The config asks for FSDP, but {reason}: each process would train a whole copy of the model. Launch without "
        "use_fsdp, or where accelerate can turn it on."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 after a sentence on what cannot work."""
    parser = argparse.ArgumentParser(prog="labkit.finetune", description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", default=EMBEDDED, help="embedded, small, base, large or xl")
    parser.add_argument("--steps", type=int, default=100, help="optimizer steps")
    given = parser.parse_args(arguments)
    try:
        finetune(given.profile, given.steps)
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
