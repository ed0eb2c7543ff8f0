"""Measure speed in pairs: a fast implementation and its plain reference, run alternately.

    python -m scripts.benchmark                         # everything, several minutes
    python -m scripts.benchmark --only quantize log_mel
    python -m scripts.benchmark --only point_augment farthest_points point_encoder point_pretrain meshes
    python -m scripts.benchmark --only packed reductions    # clouds of any size; more pairs with torch-scatter
    python -m scripts.benchmark --only images --threads 1
    python -m scripts.benchmark --only export --threads 2   # exported files against their encoders
    python -m scripts.benchmark --device cuda --out benchmark.json

prints, for each pair, the median time of either and the median of the ratios taken run by run: on a shared machine
the ratio is more reliable than the times.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from randquant.cli.command import run
from randquant.errors import UsageError
from randquant.files.atomic import write_json
from randquant.scripts.benchmarks.export import exported
from randquant.scripts.benchmarks.images import image_augmentations
from randquant.scripts.benchmarks.meshes import meshes
from randquant.scripts.benchmarks.packed import packed_clouds, reductions
from randquant.scripts.benchmarks.pair import HEADER, Pair, in_columns
from randquant.scripts.benchmarks.points import farthest_points, point_augmentations, point_encoders, point_pretraining
from randquant.scripts.benchmarks.probe import linear_probe
from randquant.scripts.benchmarks.quantize import quantize
from randquant.scripts.benchmarks.sound import audio_encoder, log_mel, prepare_recordings, resize_crop
from randquant.scripts.benchmarks.startup import startup
from randquant.training.memory import keep_freed_memory

GROUPS: dict[str, Callable[[str], Iterator[Pair]]] = {
    "quantize": quantize,
    "log_mel": log_mel,
    "crop": resize_crop,
    "encoder": audio_encoder,
    "probe": linear_probe,
    "prepare": prepare_recordings,
    "point_augment": point_augmentations,
    "farthest_points": farthest_points,
    "point_encoder": point_encoders,
    "point_pretrain": point_pretraining,
    "packed": packed_clouds,
    "reductions": reductions,
    "meshes": meshes,
    "images": image_augmentations,
    "startup": startup,
    "export": exported,
}


def benchmark(
    only: list[str] | None = None, runs: int = 9, threads: int = 0, device: str = "cpu", out: Path | None = None
) -> None:
    """Measure pairs and print a table.

    Args:
        only: groups to measure: quantize; log_mel, crop, encoder, prepare (sound); probe; point_augment,
            farthest_points, point_encoder, point_pretrain, packed, reductions, meshes (shapes); images; export
            (files against their encoders); startup (every command's help against import torch).
        runs: times each pair is run.
        threads: of the CPU; 0 means all.
        device: cpu or cuda.
        out: JSON file for the numbers.
    """
    unknown = set(only or []) - GROUPS.keys()
    if unknown:
        raise UsageError(f"--only takes {', '.join(GROUPS)}, got {', '.join(sorted(unknown))}.")
    if runs < 1:
        raise UsageError(f"--runs should be at least 1, got {runs}.")
    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory()
    print(HEADER)
    results = []
    for group in only or list(GROUPS):
        for pair in GROUPS[group](device):
            numbers = pair.measure(runs, device)
            results.append({"group": group, **numbers})
            print(in_columns(numbers), flush=True)
    if out is not None:
        about = {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": device, "runs": runs}
        write_json(out, {"about": about, "results": results})


if __name__ == "__main__":
    raise SystemExit(run(benchmark, description=__doc__))
