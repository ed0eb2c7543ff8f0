"""A vector is a function of its input: alone, beside longer ones, in any order and in batches of any size."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.registry import ENCODERS as AUDIO
from randquant.images.encoders.registry import ENCODERS as IMAGES
from randquant.packed import PackedBatch
from randquant.pointcloud.encoders.occupancy import Occupancy
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.registry import ENCODERS as POINTS
from randquant.tables.encoders.registry import ENCODERS as TABLES

RELATIVE = 1e-6  # the largest difference allowed, as a part of the vector's largest number
Encode = Callable[[Sequence[Tensor]], Tensor]


def audio_encoder(name: str) -> tuple[Encode, list[Tensor]]:
    encoder: AudioEncoder = AUDIO[name].of_width(64)

    def encode(clips: Sequence[Tensor]) -> Tensor:
        lengths = torch.tensor([clip.shape[-1] for clip in clips])
        padded = torch.full((len(clips), 1, encoder.n_mels, int(lengths.max())), torch.nan)
        for row, clip in zip(padded, clips, strict=True):
            row[..., : clip.shape[-1]] = clip
        return encoder(padded, "conv+output", lengths)

    ready(encoder)
    return encode, [torch.randn(1, encoder.n_mels, frames) for frames in (3, 57, 96, 8, 101, 24, 1)]


def point_encoder(encoder: PointEncoder) -> tuple[Encode, list[Tensor]]:
    ready(encoder)
    clouds = [torch.nn.functional.normalize(torch.randn(size, 3), dim=1) for size in (100, 256, 19, 1, 300, 130, 64)]
    return lambda batch: encoder(PackedBatch.of(list(batch))), clouds


def stacked(encoder: nn.Module, items: Tensor) -> tuple[Encode, list[Tensor]]:
    ready(encoder)
    return lambda batch: encoder(torch.stack(list(batch))), list(items)


def ready(encoder: nn.Module) -> None:
    """In eval mode, with the statistics that a training leaves."""
    for part in encoder.eval().modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.5, 2.0)


def image_encoder(name: str) -> tuple[Encode, list[Tensor]]:
    return stacked(IMAGES[name](width=0.25, size=32), torch.randn(5, 3, 32, 32))


def cloud_encoder(name: str) -> PointEncoder:
    make: Any = POINTS[name]
    return make(d=64)


def packed_clouds(name: str) -> tuple[Encode, list[Tensor]]:
    return point_encoder(Occupancy(cells=4) if name == "Occupancy" else cloud_encoder(name))


def clouds_of_one_size(name: str) -> tuple[Encode, list[Tensor]]:
    return stacked(cloud_encoder(name), torch.randn(5, 128, 3))


def table_encoder(name: str) -> tuple[Encode, list[Tensor]]:
    return stacked(TABLES[name](width=8), torch.randn(21, 54))


CASES = [
    *((audio_encoder, name) for name in AUDIO),
    *((packed_clouds, name) for name in [*POINTS, "Occupancy"]),
    *((clouds_of_one_size, name) for name in POINTS),
    *((image_encoder, name) for name in IMAGES),
    *((table_encoder, name) for name in TABLES),
]


@pytest.mark.parametrize(("make", "name"), CASES)
def test_company_order_and_size_of_the_batch_change_nothing(
    make: Callable[[str], tuple[Encode, list[Tensor]]], name: str
) -> None:
    encode, items = make(name)
    with torch.inference_mode():
        alone = torch.cat([encode([item]) for item in items])
        for size in (2, 3, len(items)):
            order = torch.randperm(len(items)).tolist()
            found = torch.cat([encode([items[place] for place in batch]) for batch in batches(order, size)])
            assert relative(found, alone[order]) <= RELATIVE


def batches(order: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (order[first : first + size] for first in range(0, len(order), size))


def relative(found: Tensor, expected: Tensor) -> float:
    """The largest difference within a row, as a part of the row's largest number."""
    return float(((found - expected).abs().amax(dim=1) / expected.abs().amax(dim=1)).max())


@pytest.mark.parametrize("name", POINTS)
def test_the_order_of_points_counts_for_centres_alone(name: str) -> None:
    """PointNetLite takes a cloud's first points for centres; the others start anywhere and end at the same."""
    encoder = cloud_encoder(name).eval()
    cloud = torch.nn.functional.normalize(torch.randn(1, 400, 3), dim=2)
    tail = torch.cat([torch.arange(128), 128 + torch.randperm(272)])
    anyhow = torch.randperm(400)
    with torch.inference_mode():
        vector = encoder(cloud)
        assert relative(encoder(cloud[:, tail]), vector) <= RELATIVE
        moved = relative(encoder(cloud[:, anyhow]), vector)
    assert (moved > 0.01) if name == "PointNetLite" else (moved <= RELATIVE)
