"""The script for `accelerate launch`: its config by parsing, its run by one process and by two, its refusals."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

import labkit
from labkit.distributed import LOOPBACK
from labkit.finetune import main
from labkit.scripts import script_of

CONFIG = Path(labkit.__file__).parent / "launch" / "fsdp_flan_t5.yaml"
LAUNCH = [
    "-m",
    "accelerate.commands.launch",
    "--mixed_precision",
    "no",
    "--dynamo_backend",
    "no",
    "--num_machines",
    "1",
]


def run(*command, **environment):
    """A command of this interpreter: its exit status, and what it printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ACCELERATE", "FSDP"))}
    cpu = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": LOOPBACK, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, *command], env={**clean, **cpu, **environment}, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout, done.stderr


def test_accelerate_reads_the_config_as_it_is_meant():
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    arguments = launch_command_parser().parse_args(["--config_file", str(CONFIG), "-m", "labkit.finetune"])
    given, defaults, _ = _validate_launch_command(arguments)
    assert given.use_fsdp and given.fsdp_version == 2 and given.fsdp_reshard_after_forward is True
    assert given.mixed_precision == "bf16" and given.num_processes == 8 and defaults.distributed_type.value == "FSDP"
    known = vars(launch_command_parser().parse_args(["labkit.finetune"]))  # unknown keys are copied without a word
    for name, value in yaml.safe_load(CONFIG.read_text())["fsdp_config"].items():
        assert name in known and getattr(given, name) == value


def test_the_config_names_the_block_of_the_model_that_is_loaded():
    from transformers.models.t5 import modeling_t5

    settings = yaml.safe_load(CONFIG.read_text())["fsdp_config"]
    assert hasattr(modeling_t5, settings["fsdp_transformer_layer_cls_to_wrap"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU the config gets what it asks for")
def test_a_config_that_asks_for_fsdp_and_does_not_get_it_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert main(["--steps", "1"]) == 2
    assert "The config asks for FSDP, but this machine has no GPU" in capsys.readouterr().err


def test_fewer_than_one_step_is_refused(capsys):
    assert main(["--steps", "0"]) == 2
    assert "steps is 0: take 1 or more." in capsys.readouterr().err


def world(rank, ranks):
    return f"rank {rank} of {ranks}"


def test_the_notebooks_script_runs_under_accelerate_too(tmp_path):
    script = tmp_path / "world.py"
    script.write_text(script_of(world))
    status, out, err = run(*LAUNCH, "--multi_gpu", "--num_processes", "2", str(script))
    assert status == 0, err
    assert out.split("\n")[0] == "rank 0 of 2"


def test_the_notebooks_script_does_not_pretend_to_be_fsdp(tmp_path):
    script = tmp_path / "world.py"
    script.write_text(script_of(world))
    status, _, err = run(str(script), ACCELERATE_USE_FSDP="true")
    assert status == 1 and "the config asks for FSDP, and this script shards by itself" in err


@pytest.mark.slow
def test_accelerate_launches_it_on_the_cpu():
    status, out, err = run(*LAUNCH, "--cpu", "--num_processes", "1", "-m", "labkit.finetune", "--steps", "2")
    assert status == 0, err
    assert "NO, 1 processes: loss" in out


@pytest.mark.slow
def test_torchrun_launches_it_in_two_processes():
    status, out, err = run(
        "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "labkit.finetune", "--steps", "2"
    )
    assert status == 0, err
    assert "MULTI_CPU, 2 processes: loss" in out
