"""Randomized quantization's kernels beside the plain form and beside a copy of as many bytes, by the same draw."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from randquant import QuantizationParams, RandomizedQuantization
from randquant.kernels.chosen import plain_form
from randquant.scripts.measuring.pair import Call, Pair

Dims = int | tuple[int, ...]
SHAPES: list[tuple[str, tuple[int, ...], Dims, int]] = [  # what, shape, dim, bins
    ("pictures", (256, 3, 224, 224), (-2, -1), 8),
    ("pictures", (256, 3, 224, 224), (-2, -1), 32),
    ("spectrograms", (1024, 1, 64, 96), -1, 8),
    ("spectrograms", (8192, 1, 64, 96), -1, 8),
    ("clouds", (512, 2048, 3), -2, 8),
    ("clouds", (4096, 2048, 3), -2, 32),
]
PACKED = (4096, 2048, 8)  # clouds, points on average, bins
REPEATS = 10  # a graph of so many hides how long a launch takes
CPU_SHARE = 16  # of the batch that a CPU gets


def kernels(device: str) -> Iterator[Pair]:
    """On a GPU each run is a graph of ten; batches larger than its L2 cache are in the list for every layout."""
    for dtype in (torch.float32, torch.bfloat16) if device == "cuda" else (torch.float32,):
        for what, shape, dim, bins in SHAPES:
            x = torch.randn(_batch(shape[0], device), *shape[1:], device=device).to(dtype)
            augment = RandomizedQuantization(bins, dim)
            yield from _pairs(f"{what} {tuple(x.shape)}, {bins} bins", augment, x)
        clouds, points, bins = PACKED
        sizes = torch.randint(points // 2, points + points // 2, (_batch(clouds, device),))
        offsets = torch.nn.functional.pad(sizes.cumsum(0), (1, 0)).to(device)
        x = torch.randn(int(sizes.sum()), 3, device=device).to(dtype)
        yield from _pairs(f"{len(sizes)} packed clouds, {bins} bins", RandomizedQuantization(bins, 0), x, offsets)


def _pairs(what: str, augment: RandomizedQuantization, x: Tensor, offsets: Tensor | None = None) -> Iterator[Pair]:
    params = augment.make_params(x, offsets=offsets)
    apply = _repeated(partial(augment.transform, x, params, offsets=offsets), x)
    plainly = _repeated(partial(_plainly, augment, x, params, offsets), x)
    copy = _repeated(partial(torch.empty_like(x).copy_, x), x)
    whole = _repeated(partial(augment, x, offsets=offsets), x)
    name = f"{what}, {str(x.dtype).removeprefix('torch.')}"
    yield Pair(f"RQ of {name}", apply, plainly, "plain form")
    yield Pair(f"RQ of {name}", apply, copy, "memory copy")
    yield Pair(f"draw and RQ of {name}", whole, copy, "memory copy")


def _plainly(augment: RandomizedQuantization, x: Tensor, params: QuantizationParams, offsets: Tensor | None) -> Tensor:
    with plain_form():
        return augment.transform(x, params, offsets=offsets)


def _repeated(call: Call, x: Tensor) -> Call:
    """On a GPU a graph of `REPEATS`, which launches as one."""
    if x.device.type != "cuda":
        return call
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(REPEATS):
            call()
    return graph.replay


def _batch(size: int, device: str) -> int:
    return size if device == "cuda" else max(1, size // CPU_SHARE)
