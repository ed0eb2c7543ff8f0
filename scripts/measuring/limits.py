"""What a machine can do at most: bytes copied and numbers multiplied in a second."""

import platform
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from randquant.files.json_record import Record

_COPIED = 1 << 28  # bytes, more than any cache holds
_LEAST_SECONDS = 0.02  # of a product, so that its start does not count
_TURNS = 5


@dataclass(frozen=True, kw_only=True)
class Limits(Record):
    """The best of a few turns, on the threads that the pairs have.

    Attributes:
        processor: its name.
        copy: GB/s of a memory copy, read and written bytes together.
        float32: GFLOP/s of a product of two square matrices.
        bfloat16: likewise.
    """

    processor: str
    copy: float
    float32: float
    bfloat16: float

    def __str__(self) -> str:
        return (
            f"{self.processor}: copies {self.copy:,.1f} GB/s, multiplies {self.float32:,.0f} GFLOP/s in float32 and "
            f"{self.bfloat16:,.0f} in bfloat16"
        )


def measured_limits(device: str) -> Limits:
    """Of this machine, in about a second."""
    source = torch.ones(_COPIED // 4, device=device)
    target = torch.empty_like(source)
    return Limits(
        processor=_processor(device),
        copy=2 * _COPIED / _seconds(lambda: target.copy_(source), device) / 1e9,
        float32=_product(torch.float32, device),
        bfloat16=_product(torch.bfloat16, device),
    )


def _product(dtype: torch.dtype, device: str) -> float:
    side, seconds = 128, 0.0
    while seconds < _LEAST_SECONDS:  # processors without bfloat16 take a thousand times as long for it
        side *= 2
        left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        seconds = _seconds(lambda left=left, right=right: left @ right, device)  # type: ignore[misc]
    return 2 * side**3 / seconds / 1e9


def _seconds(call: Callable[[], object], device: str) -> float:
    best = float("inf")
    for _ in range(_TURNS):
        began = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best


def _processor(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    try:
        named = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        named = None
    return named[1] if named else platform.processor() or platform.machine()
