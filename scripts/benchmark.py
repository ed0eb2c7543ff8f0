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
from typing import TYPE_CHECKING

from randquant.cli.command import run
from randquant.errors import UsageError
from randquant.files.atomic import write_json
from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.scripts.benchmarks.pair import Pair

GROUPS: LateRegistry["Callable[[str], Iterator[Pair]]"] = LateRegistry(
    "randquant.scripts.benchmarks",
    {
        "quantize": "quantize:quantize",
        "log_mel": "sound:log_mel",
        "crop": "sound:resize_crop",
        "encoder": "sound:audio_encoder",
        "probe": "probe:linear_probe",
        "prepare": "sound:prepare_recordings",
        "point_augment": "points:point_augmentations",
        "farthest_points": "points:farthest_points",
        "point_encoder": "points:point_encoders",
        "point_pretrain": "points:point_pretraining",
        "packed": "packed:packed_clouds",
        "reductions": "packed:reductions",
        "meshes": "meshes:meshes",
        "images": "images:image_augmentations",
        "startup": "startup:startup",
        "export": "export:exported",
    },
)


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
    # Late, since they load torch, which --help does not need.
    import torch

    from randquant.scripts.benchmarks.pair import HEADER, in_columns
    from randquant.training.memory import keep_freed_memory

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
