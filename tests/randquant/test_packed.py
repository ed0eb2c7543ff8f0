"""Packed batches against lists of clouds."""

import torch

from randquant.packed import PackedBatch


def test_packed_batches_are_lists_of_clouds() -> None:
    clouds = [torch.randn(size, 3) for size in (4, 1, 0, 7)]
    packed = PackedBatch.of(clouds)
    assert packed.offsets.tolist() == [0, 4, 5, 5, 12]
    assert (len(packed), packed.sizes) == (4, [4, 1, 0, 7])
    assert PackedBatch(packed.rows, packed.offsets).sizes == packed.sizes
    assert packed.cloud.tolist() == [0] * 4 + [1] + [3] * 7
    assert all(torch.equal(one, other) for one, other in zip(packed.split(), clouds, strict=True))
    both = PackedBatch.joined([packed, PackedBatch.of(clouds[:2])])
    assert both.sizes == [4, 1, 0, 7, 4, 1]
    assert torch.equal(both.rows, torch.cat([*clouds, *clouds[:2]]))
    assert torch.equal(both.clouds(3, 5).rows, torch.cat([clouds[3], clouds[0]]))
    assert both.clouds(3, 5).offsets.tolist() == [0, 7, 11]
    assert packed.with_rows(2 * packed.rows).to("cpu").sizes == packed.sizes


def test_windows_hold_every_row_once() -> None:
    packed = PackedBatch.of([torch.randn(size, 2) for size in (4, 1, 0, 7)])
    windows = list(packed.windows(5))
    assert [len(window.rows) for window in windows] == [5, 5, 2]
    assert torch.equal(torch.cat([window.rows for window in windows]), packed.rows)
    assert [window.sizes for window in windows] == [[4, 1, 0, 0], [0, 0, 0, 5], [0, 0, 0, 2]]
