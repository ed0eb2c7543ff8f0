"""The command as typed: kill -9 and go on, two processes, bad input in one sentence."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file

from randquant.cli.command import run
from randquant.scripts.pretrain_audio import pretrain_audio
from randquant.training import loop

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 noises of 0.3 to 1.5 s, as a store."""
    folder = tmp_path_factory.mktemp("recordings")
    generator = np.random.default_rng(0)
    for number in range(24):
        noise = generator.normal(0, 0.1, int(16_000 * (0.3 + 0.05 * number)))
        soundfile.write(folder / f"{number}.wav", noise, 16_000)
    out = folder.parent / "store"
    assert command("prepare", "folder", "--root", folder, "--out", out).returncode == 0
    return out


def arguments(store: Path, out: Path, *more: object) -> list[str]:
    fixed = "--d 64 --steps 9 --batch_size 8 --checkpoint_every 2 --log_every 2 --accelerator cpu --hidden_size 64"
    return [str(word) for word in ["--data", store, "--out", out, *fixed.split(), *more]]


def command(script: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"scripts.{script}", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def here(*words: object) -> int:
    """The command in this process: starting another one costs seconds."""
    return run(pretrain_audio, [str(word) for word in words])


def same(first: Path, second: Path) -> bool:
    one, two = load_file(first / "encoder.safetensors"), load_file(second / "encoder.safetensors")
    return one.keys() == two.keys() and all(bool((one[name] == two[name]).all()) for name in one)


def test_kill_nine_and_run_again(tmp_path: Path, store: Path) -> None:
    flags = ["--method", "byol", "--augment", "rrc+mixup", "--momentum_schedule", "cosine"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert here(*arguments(store, whole, *flags)) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.pretrain_audio", *arguments(store, killed, *flags)],
        cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for_step(killed / "log.csv", 4, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert here(*arguments(store, killed, *flags)) == 0
    assert same(whole, killed)


def test_stopped_twice_and_run_again(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ["--method", "infonce", "--crops", "2", "--cache", "log_mel"]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert here(*arguments(store, whole, *flags)) == 0
    for last in (3, 6):
        with monkeypatch.context() as patched:
            patched.setattr(loop, "_seed_step", until(last))
            assert here(*arguments(store, stopped, *flags)) == 130
    assert here(*arguments(store, stopped, *flags)) == 0
    assert same(whole, stopped)


def until(last: int) -> Callable[..., None]:
    """The beginning of a step, which interrupts the one after `last`."""
    begin = loop._seed_step

    def begins(seed: int, step: int, *more: Any) -> None:
        if step > last:
            raise KeyboardInterrupt
        begin(seed, step, *more)

    return begins


def wait_for_step(log: Path, step: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and any(line.startswith(f"{step},") for line in log.read_text().splitlines()):
            return
        time.sleep(0.02)


def test_interrupt_saves_and_says_how_to_go_on(tmp_path: Path, store: Path) -> None:
    folder = tmp_path / "run"
    words = arguments(store, folder, "--method", "infonce")
    words[words.index("--steps") + 1] = "2000"
    words[words.index("--checkpoint_every") + 1] = "2000"
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.pretrain_audio", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    wait_for_step(folder / "log.csv", 2, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert (folder / "checkpoint.pt").exists()


def test_two_processes_train_together(tmp_path: Path, store: Path) -> None:
    result = command("pretrain_audio", *arguments(store, tmp_path / "run", "--devices", 2, "--method", "infonce"))
    assert result.returncode == 0, result.stderr
    assert "2 x cpu" in result.stderr
    assert (tmp_path / "run" / "encoder.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--augment", "rrc+magic"], 2, "rrc+magic"),
        (["--batchsize", "8"], 2, "did you mean --batch_size"),
        (["--method", "simsiam"], 2, "byol, mocov3, moco, simclr, infonce"),
        (["--data", "nowhere"], 1, "nowhere"),
        (["--devices", "2", "--batch_size", "3"], 2, "--batch_size"),
        (["--rq_bins", "1"], 2, "bins"),
        (["--batch_size", "512"], 2, "24 items"),
        (["--d", "0"], 2, "--d should be from 1"),
        (["--d", "100000000"], 2, "--d should be from 1"),
        (["--d", "65536", "--hidden_size", "131072"], 2, "GB"),
        (["--rq_bins", "1000000000"], 2, "--rq_bins should be from 2"),
        (["--together", "0"], 2, "--together"),
        (["--unit_seconds", "0.00001"], 2, "--unit_seconds"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, store: Path, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(*arguments(store, tmp_path / "run", *words)) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert says in last


def test_a_store_named_twice_and_a_unit_longer_than_every_recording_are_said(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments(store, tmp_path / "run", "--data", store, store, "--unit_seconds", 2, "--steps", 1)
    assert here(*words) == 0
    said = capsys.readouterr().err
    assert "--data holds the same items 2 times" in said
    assert "--unit_seconds 2 is longer than every recording (the longest lasts 1.45 s)" in said


def test_a_recipe_with_an_unknown_key_is_named(tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.yaml").write_text("learning_rat: 0.1\n")
    assert here("--config", tmp_path / "recipe.yaml", *arguments(store, tmp_path / "run")) == 2
    assert "learning_rat is not known here (did you mean learning_rate?)" in capsys.readouterr().err
