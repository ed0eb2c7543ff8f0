"""A store of 600 shards on a system that allows 256 open files, by the commands that read one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.many_shards import write_many_shards

ROOT = Path(__file__).parents[2]
SHARDS = 600

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from randquant.cli.command import run
from randquant.scripts.doctor import COMMANDS
from randquant.scripts.pretrain_audio import pretrain_audio
from randquant.scripts.probe_audio import probe
folder = sys.argv[1]
commands = (
    (pretrain_audio, f"--data {folder}/store --out {folder}/run --d 64 --hidden_size 16 --unit_seconds 0.1 --steps 1 "
                     "--batch_size 32 --workers 2 --accelerator cpu"),
    (probe, f"--checkpoint {folder}/run --task {folder}/store --out {folder}/probe.json --probes ridge "
            f"--cache {folder}/cache --device cpu"),
    (COMMANDS, f"store --store {folder}/store"),
)
sys.exit(sum(run(command, flags.split()) for command, flags in commands))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on open files to set")
def test_more_shards_than_open_files(tmp_path: Path) -> None:
    write_many_shards(tmp_path / "store", SHARDS, "audio")
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "is whole: 600 items, 600 shards" in done.stdout
