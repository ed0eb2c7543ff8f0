"""Clouds of any size: packed batches against padded ones, and reductions with torch-scatter against those without."""

from collections.abc import Callable, Iterator
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor

from randquant.packed import PackedBatch
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points import segment
from randquant.pointcloud.points.first_points import filled
from randquant.scripts.measuring.pair import Call, Pair

CLOUDS, SMALLEST, LARGEST = 16, 64, 1024
Batch = tuple[Tensor | PackedBatch, Tensor | None, Tensor | None]  # what an encoder takes


def packed_clouds(device: str) -> Iterator[Pair]:
    """16 clouds of 64 to 1,024 points, most of them small, packed and padded to the largest."""
    clouds = _clouds(device)
    packed, padded = PackedBatch.of(clouds), _padded(clouds)
    said = f"of {CLOUDS} clouds"
    for make in ENCODERS.values():
        if not make.trains_packed:
            continue
        encoder = make(d=256).to(device)  # type: ignore[call-arg]
        whole: Batch = (packed, None, None)
        for what, work in (("step", _step), ("embedding", _embed)):
            fast, slow = partial(work, encoder, whole), partial(work, encoder, padded)
            name = f"{type(encoder).__name__}-256 {what} {said}"
            yield Pair(name, fast, slow, "padded to the largest", CLOUDS)
            if segment.torch_scatter_there():
                yield Pair(name, fast, _without_scatter(fast), "without torch-scatter", CLOUDS)
                yield Pair(name, _without_scatter(fast), slow, "padded; both without torch-scatter", CLOUDS)


def reductions(device: str) -> Iterator[Pair]:
    """Maximum and mean over clouds with their gradients, by each backend that is there, against PyTorch's own."""
    offsets = PackedBatch.of(_clouds(device)).offsets
    rows = torch.randn(int(offsets[-1]), 256, device=device, requires_grad=True)
    backends: list[segment.Backend] = [*(["torch_scatter"] if segment.torch_scatter_there() else []), "scatter"]  # type: ignore[list-item]
    for reduction in ("max", "mean"):
        native = partial(_reduce, rows, offsets, reduction, "native")
        for backend in backends:
            name = f"{reduction} over {CLOUDS} clouds by {backend}"
            yield Pair(name, partial(_reduce, rows, offsets, reduction, backend), native, "native", CLOUDS)


def _clouds(device: str) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    share = torch.rand(CLOUDS, generator=generator)
    sizes = (SMALLEST * (LARGEST / SMALLEST) ** share).long().tolist()
    sizes[0] = LARGEST
    return [torch.randn(size, 3, generator=generator).to(device) for size in sizes]


def _padded(clouds: list[Tensor]) -> Batch:
    """Every cloud as many points as the largest, its own over and over, and which of them are genuine."""
    most = max(map(len, clouds))
    points = torch.stack([torch.from_numpy(filled(cloud.cpu().numpy(), most)) for cloud in clouds])
    kept = torch.stack([torch.arange(most) < len(cloud) for cloud in clouds])
    return points.to(clouds[0].device), None, kept.to(clouds[0].device)


def _step(encoder: PointEncoder, batch: Batch) -> None:
    encoder.train()
    encoder(*batch).square().mean().backward()


def _embed(encoder: PointEncoder, batch: Batch) -> None:
    encoder.eval()
    with torch.inference_mode():
        encoder(*batch)


def _reduce(rows: Tensor, offsets: Tensor, reduction: segment.Reduction, backend: segment.Backend) -> None:
    rows.grad = None
    segment.segment_reduce(rows, offsets, reduction, backend=backend).sum().backward()


def _without_scatter(call: Callable[[], object]) -> Call:
    def run() -> object:
        with patch("randquant.pointcloud.points.segment._torch_scatter", lambda: None):
            return call()

    return run
