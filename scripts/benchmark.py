"""Measure speed, always in pairs: a fast form beside its slow or plain twin, run in turn.

    python -m scripts.benchmark                         # everything, a few minutes
    python -m scripts.benchmark --only quantize log_mel
    python -m scripts.benchmark --device cuda --out benchmark.json

prints, for each pair, the median time of either and the median of the ratios taken run by run: on a shared machine
the ratio holds when the times do not.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audio.augment import RandomResizeCrop
from audio.encoder import AudioNTT2020
from audio.logmel import FrontEnd, LogMel
from randquant import RandomizedQuantization
from randquant.allocator import keep_freed_memory
from randquant.atomic import write_json
from randquant.command import run
from randquant.errors import UsageError

Call = Callable[[], object]


class Pair:
    """A fast form and the twin it is compared with."""

    def __init__(self, name: str, fast: Call, twin: Call, twin_name: str) -> None:
        self.name, self.fast, self.twin, self.twin_name = name, fast, twin, twin_name

    def measure(self, runs: int, device: str) -> dict[str, Any]:
        """Median seconds of either after a warm-up, and the median ratio twin / fast."""
        for call in (self.fast, self.twin):
            _timed(call, device)
        times = [(_timed(self.fast, device), _timed(self.twin, device)) for _ in range(runs)]
        return {
            "name": self.name,
            "twin": self.twin_name,
            "seconds": statistics.median(fast for fast, _ in times),
            "twin_seconds": statistics.median(twin for _, twin in times),
            "ratio": statistics.median(twin / fast for fast, twin in times),
        }


def benchmark(
    only: list[str] | None = None, runs: int = 9, threads: int = 0, device: str = "cpu", out: Path | None = None
) -> None:
    """Measure pairs and print a table.

    Args:
        only: groups to measure: quantize, log_mel, crop, encoder.
        runs: times each pair is run.
        threads: of the CPU; 0 means all.
        device: cpu or cuda.
        out: JSON file for the numbers.
    """
    unknown = set(only or []) - GROUPS.keys()
    if unknown:
        raise UsageError(f"--only takes {', '.join(GROUPS)}, got {', '.join(sorted(unknown))}.")
    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory()
    print(f"{'what':<44} {'ms':>9}  {'twin':<34} {'ms':>9}  {'ratio':>6}")
    results = []
    for group in only or list(GROUPS):
        for pair in GROUPS[group](device):
            numbers = pair.measure(runs, device)
            results.append({"group": group, **numbers})
            print(
                f"{pair.name:<44} {numbers['seconds'] * 1e3:9.2f}  {pair.twin_name:<34} "
                f"{numbers['twin_seconds'] * 1e3:9.2f}  {numbers['ratio']:6.1f}",
                flush=True,
            )
    if out is not None:
        about = {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": device, "runs": runs}
        write_json(out, {"about": about, "results": results})


def original_formulation(x: Tensor, bins: int) -> Tensor:
    """RQ as first published: every entry compared with every bin, a (channels, bins, entries) tensor and a check."""
    channels = x.reshape(-1, 1, x.shape[-1])
    low, high = channels.amin(2, keepdim=True), channels.amax(2, keepdim=True)
    cuts = low + torch.rand(len(channels), bins - 1, 1, device=x.device) * (high - low)
    left, right = torch.cat([low, cuts], 1).sort(1).values, torch.cat([cuts, high + 1], 1).sort(1).values
    inside = (channels < right) & (channels >= left)
    if not bool((inside.sum(1) == 1).all()):
        raise AssertionError("an entry lies in no bin")
    index = inside.int().argmax(1, keepdim=True)
    values = left + torch.rand_like(left) * (right - left)
    return values.expand(-1, -1, x.shape[-1]).gather(1, index).reshape(x.shape)


def _quantize(device: str) -> Iterator[Pair]:
    for shape, bins in [((256, 64, 96), 8), ((256, 64, 96), 32), ((64, 3, 1024), 32), ((256, 1024, 64), 8)]:
        x = torch.randn(shape, device=device)
        augment = RandomizedQuantization(bins, dim=-1)
        yield Pair(
            f"RQ {tuple(shape)}, {bins} bins",
            lambda x=x, augment=augment: augment(x),  # type: ignore[misc]
            lambda x=x, bins=bins: original_formulation(x, bins),  # type: ignore[misc]
            "original formulation",
        )


def _log_mel(device: str) -> Iterator[Pair]:
    waveform = torch.randn(256, 15_200, device=device) * 0.1
    native = LogMel().to(device)
    for backend in ("torchaudio", "nnaudio", "librosa"):
        try:
            other = LogMel(FrontEnd(backend=backend)).to(device)
            other(waveform[:1])
        except UsageError as error:
            print(error, file=sys.stderr)
            continue
        yield Pair("log-mel of 256 x 0.95 s", lambda: native(waveform), lambda other=other: other(waveform), backend)  # type: ignore[misc]


def _crop(device: str) -> Iterator[Pair]:
    x = torch.randn(256, 1, 64, 96, device=device)
    crop = RandomResizeCrop()

    def loop() -> Tensor:
        canvas = F.pad(x, (24, 24))
        resized = []
        for sample, top, height, left, width in zip(canvas, *(p.tolist() for p in crop.make_params(x)), strict=True):
            cut = sample[None, :, top : top + height, left : left + width]
            resized.append(F.interpolate(cut, (64, 96), mode="bicubic", align_corners=True))
        return torch.cat(resized)

    yield Pair("random resize crop of 256", lambda: crop(x), loop, "F.interpolate one by one")


def _encoder(device: str) -> Iterator[Pair]:
    x = torch.randn(64, 1, 64, 96, device=device)
    encoder = AudioNTT2020(d=512).to(device)

    def step(model: nn.Module, dtype: torch.dtype) -> None:
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            model(x.contiguous(memory_format=torch.channels_last)).square().mean().backward()

    fast = AudioNTT2020(d=512).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    yield Pair(
        "AudioNTT2020-512 step of 64, bf16 channels-last",
        lambda: step(fast, torch.bfloat16),
        lambda: step(encoder, torch.float32),
        "float32",
    )


def _timed(call: Call, device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


GROUPS: dict[str, Callable[[str], Iterator[Pair]]] = {
    "quantize": _quantize,
    "log_mel": _log_mel,
    "crop": _crop,
    "encoder": _encoder,
}

if __name__ == "__main__":
    raise SystemExit(run(benchmark, description=__doc__))
