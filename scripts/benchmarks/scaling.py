"""How cost grows: everything at a size and at ten times it, over three decades.

The ratio is the time at ten times the size by the time at the size; the exponent of growth is its logarithm to the base
of ten: 1 is none, 10 is linear, 100 is the square. The page also gets the exponent fitted to all sizes.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import torch

from randquant import RandomizedQuantization
from randquant.data.store import Store, StoreWriter
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.folder import plan_folder
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from randquant.probes.solvers.lanes import Lane, LinearSettings, train
from randquant.scripts.measuring.pair import Call, Pair


def scaling(device: str) -> Iterator[Pair]:
    """Clips prepared, rows of a store opened, points, bins and classes."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _decades("recordings prepared", (10, 100, 1_000, 10_000), partial(_prepared, Path(folder)))
        yield from _decades(
            "rows of a store opened", (10_000, 100_000, 1_000_000, 10_000_000), partial(_opened, Path(folder))
        )
    yield from _decades("points quantized, 16 clouds", (100, 1_000, 10_000, 100_000), partial(_quantized, device, 8))
    yield from _decades(
        "bins, 64 clouds of 1,024 points", (2, 20, 200, 2_000), lambda bins: _quantized(device, bins, 1_024, 64)
    )
    yield from _decades("points, of which 64 farthest", (100, 1_000, 10_000, 100_000), partial(_farthest, device))
    yield from _decades("classes, linear probe epoch", (10, 100, 1_000, 10_000), partial(_probed, device))


def _decades(what: str, sizes: tuple[int, ...], made: Callable[[int], Call]) -> Iterator[Pair]:
    calls = {size: made(size) for size in sizes}
    for size, larger in itertools.pairwise(sizes):
        yield Pair(f"{what}: {size:,}", calls[size], calls[larger], f"{larger:,}", size, grows=True)


def _prepared(folder: Path, count: int) -> Call:
    root, numbers = folder / f"clips-{count}", itertools.count()
    root.mkdir()
    for number in range(count):
        soundfile.write(root / f"{number}.wav", np.zeros(1_600, np.int16), 16_000)
    return lambda: prepare(plan_folder(root), folder / f"prepared-{count}-{next(numbers)}", workers=1)


def _opened(folder: Path, rows: int) -> Call:
    writer = StoreWriter(folder / f"store-{rows}", kind="tables", plan="benchmark")
    most = 50_000
    with writer.begin():
        starts = range(0, rows, most)
        for number, start in enumerate(starts):
            places = range(start, min(start + most, rows))
            with writer.shard(number) as shard:
                columns = {"path": [f"row {row}" for row in places], "label": [f"{row % 100}" for row in places]}
                shard.extend(np.zeros((len(places), 1), np.float32), columns)
        writer.finish(len(starts), {})
    return lambda: Store.open(writer.path).rows(rows // 2)


def _quantized(device: str, bins: int, points: int, clouds: int = 16) -> Call:
    return partial(RandomizedQuantization(bins, dim=-2), torch.randn(clouds, points, 3, device=device))


def _farthest(device: str, points: int) -> Call:
    return partial(farthest_point_sampling, torch.randn(1, points, 3, device=device), 64)


def _probed(device: str, classes: int) -> Call:
    x, targets = torch.randn(4_000, 128, device=device), torch.arange(4_000, device=device) % classes
    lanes = [Lane(slice(0, 3_000), slice(3_000, 4_000), 0)]
    return lambda: train(x, targets, lanes, classes, LinearSettings((1e-3,), max_epochs=1))
