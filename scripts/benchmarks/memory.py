"""How peak memory grows: commands on some recordings of a tenth of a second, and on ten times as many.

The "clock" is the highest resident memory, in MB, of a process that a command has to itself.
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from randquant.scripts.measuring.pair import Pair

ITEMS = 1_000, 10_000
ENCODER = "untrained:AudioNTT2020:512"
_CLASSES = 10
_SPLITS = "train", "train", "train", "valid", "test"
# A child starts with the peak of its parent, so it is the child of a small one.
_PEAK = (
    "import resource, subprocess, sys\n"
    "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == 'darwin' else 1024))"
)
Words = Callable[["Recordings", Path], list[str]]  # of a command that writes below a path


def memory(_device: str) -> Iterator[Pair]:
    """Of `prepare`, `probe_audio` and `embed`, in a minute."""
    with tempfile.TemporaryDirectory() as folder:
        yield from pairs({count: Recordings(Path(folder) / f"{count}", count) for count in ITEMS})


def pairs(recordings: "dict[int, Recordings]") -> Iterator[Pair]:
    """Each command on few recordings and on many."""
    few, many = ITEMS
    held = 0.0

    def peak(words: Words, count: int) -> None:
        nonlocal held
        held += recordings[count].run(words) / 1e3

    for words in (prepared, probed, embedded):
        less, more = (partial(peak, words, count) for count in ITEMS)
        name = f"{words(recordings[few], Path())[0]}: {few:,} recordings"
        yield Pair(name, less, more, f"{many:,}", clock=lambda: held, warm_up=False, unit="MB", grows=True)


class Recordings:
    """Noises of a tenth of a second in ten classes, as WAV files and prepared, for commands to run on."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.runs = folder, 0
        (folder / "wav").mkdir(parents=True)
        noise = (0.1 * np.random.default_rng(0).standard_normal((count, 1_600))).astype(np.float32)
        with open(folder / "labels.csv", "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(("path", "label", "split"))
            for number, samples in enumerate(noise):
                soundfile.write(folder / "wav" / f"{number}.wav", samples, 16_000)
                table.writerow((f"{number}.wav", number % _CLASSES, _SPLITS[number // _CLASSES % len(_SPLITS)]))
        self.run(prepared)
        (folder / "1").rename(folder / "store")

    def run(self, words: Words) -> float:
        """Run a command; the highest memory of its process, in MB."""
        self.runs += 1
        command = [sys.executable, "-m", "randquant", *words(self, self.folder / f"{self.runs}")]
        one = {**os.environ, "OMP_NUM_THREADS": "1"}
        peak = [sys.executable, "-S", "-c", _PEAK, *command]
        return int(subprocess.run(peak, check=True, env=one, capture_output=True, text=True).stdout) / 1e6


def prepared(recordings: Recordings, out: Path) -> list[str]:
    """Files to a store."""
    labels, root = recordings.folder / "labels.csv", recordings.folder / "wav"
    return f"prepare labelled --csv {labels} --root {root} --out {out} --workers 1".split()


def probed(recordings: Recordings, out: Path) -> list[str]:
    """A store to features and the accuracy of neighbours."""
    flags = f"probe_audio --checkpoint {ENCODER} --task {recordings.folder / 'store'} --probes knn"
    return f"{flags} --out {out}.json --cache {out}-cache --device cpu".split()


def embedded(recordings: Recordings, out: Path) -> list[str]:
    """Files to a table of vectors."""
    root = recordings.folder / "wav"
    return f"embed --checkpoint {ENCODER} --input {root} --out {out}.parquet --device cpu".split()
