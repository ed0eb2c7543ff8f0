"""Training by two processes of one thread each, beside one process of one thread, of the same joint batch.

Worth measuring only where two cores are free: the seconds are those of the steps alone, as the run's log has them.
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from randquant.scripts.measuring.pair import Pair

CLIPS, BATCH, STEPS = 256, 64, 12
_WARM = 4  # steps before the rate is read


class _Trainings:
    """Trainings of a folder of noises, and the seconds that their steps took, as a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds, self._runs = folder, 0.0, 0
        noise = (0.1 * np.random.default_rng(0).standard_normal((CLIPS, 16_000))).astype(np.float32)
        (folder / "noises").mkdir()
        for number, samples in enumerate(noise):
            soundfile.write(folder / "noises" / f"{number}.wav", samples, 16_000)
        self._command("prepare", "folder", "--root", str(folder / "noises"), "--out", str(folder / "store"))

    def clock(self) -> float:
        """Seconds of all steps so far."""
        return self.seconds

    def train(self, processes: int) -> None:
        """Some steps; those after the first ones count."""
        self._runs += 1
        run = self.folder / f"run-{self._runs}"
        flags = f"--d 512 --steps {STEPS} --batch_size {BATCH} --log_every {_WARM} --accelerator cpu"
        words = [*flags.split(), "--data", str(self.folder / "store"), "--out", str(run), "--devices", str(processes)]
        self._command("pretrain_audio", *words)
        with open(run / "log.csv", encoding="utf-8", newline="") as file:
            rates = [float(row["value"]) for row in csv.DictReader(file) if row["name"] == "items_per_second"]
        self.seconds += BATCH * STEPS * len(rates[1:]) / sum(rates[1:])

    def _command(self, name: str, *words: str) -> None:
        one = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-m", "randquant", name, *words], check=True, env=one, capture_output=True)


def two_processes(_device: str) -> Iterator[Pair]:
    """BYOL of log-mels, 64 clips a step, over gloo."""
    with tempfile.TemporaryDirectory() as folder:
        trainings = _Trainings(Path(folder))
        yield Pair(
            f"{STEPS} steps of {BATCH} clips by two processes",
            partial(trainings.train, 2),
            partial(trainings.train, 1),
            "one process",
            BATCH * STEPS,
            clock=trainings.clock,
            warm_up=False,
        )
