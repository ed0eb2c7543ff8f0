"""Measure speed, always in pairs: a fast form beside its slow or plain twin, run in turn.

    python -m scripts.benchmark                         # everything, a few minutes
    python -m scripts.benchmark --only quantize log_mel
    python -m scripts.benchmark --device cuda --out benchmark.json

prints, for each pair, the median time of either and the median of the ratios taken run by run: on a shared machine
the ratio holds when the times do not.
"""

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import soundfile
import soxr
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audio.augment import RandomResizeCrop
from audio.encoder import AudioNTT2020
from audio.logmel import FrontEnd, LogMel
from data_prep.folder import plan_folder
from data_prep.preparation import prepare
from randquant import RandomizedQuantization
from randquant.allocator import keep_freed_memory
from randquant.atomic import write_json
from randquant.command import run
from randquant.errors import UsageError
from randquant.probes.linear import Lane, LinearSettings, train

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
        only: groups to measure: quantize, log_mel, crop, encoder, probe, prepare.
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


def _probe(device: str) -> Iterator[Pair]:
    """One epoch of linear evaluation of 20,000 x 2,048 features, 18,000 of them for training."""
    x = torch.randn(20_000, 2048, device=device)
    rates = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
    lanes = [Lane(slice(0, 18_000), slice(18_000, 20_000), seed) for seed in range(3)]
    settings = LinearSettings(rates, max_epochs=1)

    def alone(targets: Tensor, classes: int) -> None:
        for rate in rates * len(lanes):
            layer = nn.Linear(2048, classes, device=device)
            adam = torch.optim.Adam(layer.parameters(), rate, weight_decay=settings.weight_decay)
            for rows in torch.randperm(18_000).to(device).split(settings.batch_size):
                adam.zero_grad()
                F.cross_entropy(layer(x[rows]), targets[rows]).backward()
                adam.step()
            with torch.no_grad():
                (layer(x[18_000:]).argmax(1) == targets[18_000:]).float().mean().item()

    for classes in (10, 35):
        targets = torch.arange(20_000, device=device) % classes
        yield Pair(
            f"linear probe epoch, 3 x 5, {classes} classes",
            lambda targets=targets, classes=classes: train(x, targets, lanes, classes, settings),  # type: ignore[misc]
            lambda targets=targets, classes=classes: alone(targets, classes),  # type: ignore[misc]
            "torch.nn.Linear one by one",
        )


def _prepare(_device: str) -> Iterator[Pair]:
    """Preparing 600 recordings of 2 s by two processes, which also write a store, against two that only decode."""
    import joblib

    with tempfile.TemporaryDirectory() as folder:
        for rate, channels in ((44_100, 2), (16_000, 1)):
            root = Path(folder, str(rate))
            root.mkdir()
            noise = torch.randn(rate * 2, channels).mul_(0.1).numpy()
            paths = [root / f"{number}.wav" for number in range(600)]
            for path in paths:
                soundfile.write(path, noise, rate)
            stores = (Path(folder, f"store-{rate}-{number}") for number in itertools.count())
            yield Pair(
                f"600 x 2 s, {rate / 1000:g} kHz, {channels} channels, 2 workers",
                lambda root=root, stores=stores: prepare(plan_folder(root), next(stores), workers=2),  # type: ignore[misc]
                lambda paths=paths: joblib.Parallel(2)(joblib.delayed(_decode)(paths[half::2]) for half in (0, 1)),  # type: ignore[misc]
                "two loops of soundfile and soxr",
            )


def _decode(paths: list[Path]) -> int:
    """Samples of these recordings at 16 kHz, decoded the plain way."""
    count = 0
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        count += len(soxr.resample(samples.mean(axis=1), rate, 16_000))
    return count


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
    "probe": _probe,
    "prepare": _prepare,
}

if __name__ == "__main__":
    raise SystemExit(run(benchmark, description=__doc__))
