"""A disk that fills up ends a command with one sentence and holds nothing of no use; with room again it goes on."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from randquant.cli.command import run
from randquant.scripts import embed, evaluate_modelnet, prepare, pretrain_audio, probe_audio
from tests.scripts.many_shards import write_many_shards

Command = Callable[..., None] | Mapping[str, Callable[..., None]]

COMMANDS: dict[str, tuple[Command, str]] = {
    "prepare": (prepare.COMMANDS, "folder --root {inputs}/recordings --out {disk}/store --workers 1"),
    "embed": (
        embed.embed,
        "--checkpoint untrained:AudioNTT2020:2048 --input {inputs}/recordings --out {disk}/table.parquet --workers 1",
    ),
    "probe_audio": (
        probe_audio.probe,
        "--checkpoint untrained:AudioNTT2020:512 --task {inputs}/audio --out {out}/probe.json --probes ridge "
        "--cache {disk}/cache --device cpu",
    ),
    "evaluate_modelnet": (
        evaluate_modelnet.evaluate,
        "--checkpoint untrained:PointNetLite:512 --store {inputs}/points --out {out}/probe.json --probes ridge "
        "--cache {disk}/cache --points 16 --device cpu",
    ),
    "pretrain_audio": (
        pretrain_audio.pretrain_audio,
        "--data {inputs}/audio --out {disk}/run --d 64 --hidden_size 16 --unit_seconds 0.1 --steps 1 --batch_size 16 "
        "--accelerator cpu",
    ),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    for kind in ("audio", "points"):
        write_many_shards(folder / kind, 64, kind)
    (folder / "recordings").mkdir()
    for number in range(64):
        noise = np.random.default_rng(number).normal(0, 0.1, 1600)
        soundfile.write(folder / "recordings" / f"{number}.wav", noise, 16_000)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True)
    except OSError:
        pytest.skip("there is no mount")
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk(name: str, inputs: Path, disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, flags = COMMANDS[name]
    words = flags.format(inputs=inputs, disk=disk, out=tmp_path).split()
    assert run(command, words) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line.lower() or "Trace" in line]
    assert len(errors) == 1
    assert f"{disk}/" in errors[0]
    assert "no space left on device; free space or write to another disk" in errors[0]
    assert not list(disk.rglob("*.partial*"))
    assert not list(disk.rglob("*.spool"))

    subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
    assert run(command, words) == 0
    assert not list(disk.rglob("*.partial*"))
