"""Preparation by two workers beside two processes that decode in a plain loop and write what comes out into one file.

The loops check nothing, cannot resume, do not wait for the disk and hash nothing. The second twin also hashes what it
writes, as a store must: SHA-256 is a limit that no other way of writing lifts.
"""

import hashlib
import itertools
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.folder import plan_folder
from randquant.data_prep.own_files.meshes import plan_meshes
from randquant.data_prep.own_files.pictures import plan_images
from randquant.data_prep.shapes import mesh_reader
from randquant.scripts.benchmarks.meshes import write_torus
from randquant.scripts.measuring.pair import Pair

Decode = Callable[[Path], NDArray]


class Kind(NamedTuple):
    """Files of one kind: how many, how one is written and read, how they are planned."""

    name: str
    files: int
    write: Callable[[Path], None]
    suffix: str
    decode: Decode
    plan: Callable[[Path], Plan]
    loop: str
    hashed: bool = False  # whether there is a twin that hashes, where that counts


def preparation(_device: str) -> Iterator[Pair]:
    """Recordings that are and are not resampled, meshes, pictures; planned before, as the loops get their paths."""
    for kind in _kinds():
        with tempfile.TemporaryDirectory() as folder:
            root, numbers = Path(folder, "files"), itertools.count()
            root.mkdir()
            paths = [root / f"{number:05}{kind.suffix}" for number in range(kind.files)]
            for path in paths:
                kind.write(path)
            plan = kind.plan(root)
            for hashed in (False, True) if kind.hashed else (False,):
                yield Pair(
                    f"{kind.files:,} {kind.name}, 2 workers",
                    lambda plan=plan, folder=folder, numbers=numbers: prepare(  # type: ignore[misc]
                        plan, Path(folder, f"store-{next(numbers)}"), workers=2
                    ),
                    partial(_loops, paths, kind.decode, Path(folder), hashed),
                    kind.loop + (", hashed" if hashed else ""),
                    kind.files,
                )


def _loops(paths: list[Path], decode: Decode, folder: Path, hashed: bool) -> None:
    context = multiprocessing.get_context("fork")
    halves = [(paths[half::2], decode, folder / f"half-{half}", hashed) for half in (0, 1)]
    both = [context.Process(target=_loop, args=half) for half in halves]
    for process in both:
        process.start()
    for process in both:
        process.join()
    if any(process.exitcode for process in both):
        raise RuntimeError("a loop failed")


def _loop(paths: list[Path], decode: Decode, out: Path, hashed: bool) -> None:
    digest = hashlib.sha256()
    with open(out, "wb") as file:
        for path in paths:
            rows = decode(path)
            rows.tofile(file)
            if hashed:
                digest.update(rows.data)


def _kinds() -> Iterator[Kind]:
    for count, rate, channels, seconds in ((3000, 16_000, 1, 2), (60, 16_000, 1, 60), (500, 44_100, 2, 2)):
        noise = (np.random.default_rng(0).standard_normal((rate * seconds, channels)) * 0.1).astype(np.float32)
        same = rate == 16_000
        yield Kind(
            f"recordings of {seconds} s, {rate / 1000:g} kHz, {channels} ch",
            count,
            partial(soundfile.write, data=noise, samplerate=rate),
            ".wav",
            _samples if same else _resampled,
            plan_folder,
            "two loops of soundfile" if same else "two loops of soundfile and soxr",
            same,
        )
    read = mesh_reader().read
    yield Kind(
        "meshes of 3,200 faces",
        400,
        _torus,
        ".off",
        lambda path: next(iter(read(path)[1])),
        plan_meshes,
        "two loops of the same reader",
    )
    yield Kind(
        "pictures of 96 x 96, PNG",
        1500,
        _picture,
        ".png",
        _pixels,
        partial(plan_images, unlabelled=True),
        "two loops of Pillow",
    )


def _samples(path: Path) -> NDArray[np.int16]:
    return soundfile.read(path, dtype="int16")[0]


def _resampled(path: Path) -> NDArray[np.int16]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    resampled = soxr.resample(samples.mean(axis=1), rate, 16_000)
    return np.clip(np.rint(resampled * 32_768), -32_768, 32_767).astype(np.int16)


def _torus(path: Path) -> None:
    write_torus(path, 1.0, steps=40)


def _picture(path: Path) -> None:
    from PIL import Image

    shades = np.random.default_rng(0).integers(0, 8, (96, 96, 3)) * 30
    Image.fromarray(shades.astype(np.uint8)).save(path)


def _pixels(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
