"""Packed batches: the concatenated rows (ΣN, ...) of many clouds, `offsets` (S + 1,) says where each begins."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


class PackedBatch:
    """Clouds of any size in one tensor, without padding.

    Args:
        rows: (ΣN, ...), cloud after cloud.
        offsets: (S + 1,) int64 on the device of the rows; it starts with 0, ascends and ends with ΣN. Not checked, as
            that would wait for the device.
    """

    def __init__(self, rows: Tensor, offsets: Tensor) -> None:
        self.rows, self.offsets = rows, offsets
        self._sizes: list[int] | None = None  # by hand: Python 3.11's cached_property takes a lock, which no graph can
        self._cloud: Tensor | None = None

    @classmethod
    def of(cls, clouds: Sequence[Tensor]) -> "PackedBatch":
        """Clouds (N, ...) of one device, dtype and row shape."""
        sizes = [len(cloud) for cloud in clouds]
        packed = cls(torch.cat(list(clouds)), torch.tensor([0, *sizes]).cumsum(0).to(clouds[0].device))
        packed._sizes = sizes
        return packed

    @classmethod
    def joined(cls, batches: Sequence["PackedBatch"]) -> "PackedBatch":
        """The clouds of several batches as one."""
        sizes = torch.cat([batch.offsets.diff() for batch in batches])
        rows = torch.cat([batch.rows for batch in batches])
        return cls(rows, torch.nn.functional.pad(sizes.cumsum(0), (1, 0)))

    def with_rows(self, rows: Tensor) -> "PackedBatch":
        """The same clouds with other rows (ΣN, ...)."""
        other = PackedBatch(rows, self.offsets)
        other._sizes, other._cloud = self._sizes, self._cloud
        return other

    def only(self, kept: Tensor) -> "PackedBatch":
        """The clouds without the rows that are not kept (ΣN,) bool."""
        before = torch.nn.functional.pad(kept.cumsum(0), (1, 0))
        return PackedBatch(self.rows[kept], before[self.offsets])

    def taken(self, numbers: Tensor) -> "PackedBatch":
        """The clouds of these numbers (K,) int64, in their order; one may come several times."""
        sizes = self.offsets.diff()[numbers]
        offsets = torch.nn.functional.pad(sizes.cumsum(0), (1, 0))
        shift = torch.repeat_interleave(self.offsets[numbers] - offsets[:-1], sizes)
        return PackedBatch(self.rows[torch.arange(len(shift), device=shift.device) + shift], offsets)

    def first_rows(self) -> Tensor:
        """The first row of every cloud (S, ...), none of which may be empty."""
        return self.rows[self.offsets[:-1]]

    def to(self, device: str | torch.device) -> "PackedBatch":
        """The same on another device."""
        other = PackedBatch(self.rows.to(device), self.offsets.to(device))
        other._sizes = self._sizes
        return other

    def __len__(self) -> int:
        """S."""
        return len(self.offsets) - 1

    @property
    def sizes(self) -> list[int]:
        """Rows of each cloud; asks the device once unless the batch was made by `of`."""
        if self._sizes is None:
            self._sizes = self.offsets.diff().tolist()
        return self._sizes

    @property
    def cloud(self) -> Tensor:
        """(ΣN,) int64: the number of the cloud that each row belongs to."""
        if self._cloud is None:
            self._cloud = cloud_of_row(self.offsets, len(self.rows))
        return self._cloud

    def split(self) -> tuple[Tensor, ...]:
        """The clouds (N, ...) one by one."""
        return self.rows.split(self.sizes)

    def clouds(self, first: int, last: int) -> "PackedBatch":
        """Some of the clouds, `last` not among them."""
        start, stop = self.offsets[first], self.offsets[last]
        return PackedBatch(self.rows[start:stop], self.offsets[first : last + 1] - start)

    def windows(self, size: int) -> Iterator["PackedBatch"]:
        """At most `size` rows at a time, in order, each with the S + 1 offsets of the parts of clouds that it holds."""
        for first in range(0, len(self.rows), size):
            part = self.rows[first : first + size]
            yield PackedBatch(part, (self.offsets - first).clamp(0, len(part)))


def cloud_of_row(offsets: Tensor, rows: int) -> Tensor:
    """(rows,) int64: the number of the cloud that each packed row belongs to, found on the device."""
    at = torch.arange(rows, device=offsets.device, dtype=offsets.dtype)
    return torch.searchsorted(offsets[1:].contiguous(), at, right=True).clamp(max=offsets.shape[0] - 2)
