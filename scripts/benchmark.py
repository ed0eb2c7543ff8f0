"""Measure speed in pairs: a fast implementation and its plain reference, run alternately.

    python -m scripts.benchmark                         # everything, several minutes
    python -m scripts.benchmark --only quantize log_mel
    python -m scripts.benchmark --only point_augment farthest_points point_encoder point_pretrain meshes
    python -m scripts.benchmark --only packed reductions    # clouds of any size; more pairs with torch-scatter
    python -m scripts.benchmark --only sound_encoder --threads 2
    python -m scripts.benchmark --only images --threads 1
    python -m scripts.benchmark --only probe_paths --threads 1 --runs 1   # --large: half an hour
    python -m scripts.benchmark --only export --threads 2   # exported files against their encoders
    python -m scripts.benchmark --only embed --files 1000   # scripts.embed against loops written by hand
    python -m scripts.benchmark --device cuda --json benchmark.json
    python -m scripts.benchmark --device cuda --only kernels   # RQ against the plain form and a copy of as many bytes
    python -m scripts.benchmark --only quantize --against benchmark.json   # what has become slower since
    python -m scripts.benchmark --only encoder --profile                   # where the time goes
    python -m scripts.benchmark --only quantize --page BENCHMARKS.md       # write the page's table

prints what the machine can do at most and, for each pair, the median time of either and the median and middle half of
the ratios taken run by run: on a shared machine the ratio is more reliable than the times.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.files.writable import require_writable
from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.scripts.measuring.pair import Line, Pair
    from randquant.scripts.measuring.stored_run import StoredRun

GROUPS: LateRegistry["Callable[..., Iterator[Pair]]"] = LateRegistry(
    "randquant.scripts.benchmarks",
    {
        "quantize": "quantize:quantize",
        "kernels": "kernels:kernels",
        "log_mel": "sound:log_mel",
        "crop": "sound:resize_crop",
        "stored_crops": "stored_crops:stored_crops",
        "encoder": "sound:audio_encoder",
        "sound_encoder": "sound_encoder:sound_encoder",
        "sound_pretrain": "sound_pretraining:sound_pretraining",
        "sound_published": "sound_pretraining:published_pretraining",
        "probe": "probe:linear_probe",
        "probe_paths": "probe:probe_paths",
        "prepare": "preparation:preparation",
        "point_augment": "points:point_augmentations",
        "farthest_points": "points:farthest_points",
        "point_encoder": "points:point_encoders",
        "point_pretrain": "points:point_pretraining",
        "packed": "packed:packed_clouds",
        "reductions": "packed:reductions",
        "meshes": "meshes:meshes",
        "images": "images:image_augmentations",
        "scaling": "scaling:scaling",
        "memory": "memory:memory",
        "two_processes": "two_processes:two_processes",
        "startup": "startup:startup",
        "export": "export:exported",
        "embed": "embed:embeddings",
    },
)
Sizes = Mapping[str, Mapping[str, int]]  # arguments of groups by name
_LONG = ("probe_paths", "sound_published")  # groups measured only where they are asked for


def benchmark(
    only: list[str] | None = None,
    runs: int = 9,
    threads: int = 0,
    files: int | None = None,
    large: bool = False,
    device: Literal["cpu", "cuda"] = "cpu",
    json: Path | None = None,
    against: Path | None = None,
    page: Path | None = None,
    profile: bool = False,
) -> int:
    """Measure pairs and print a table.

    Args:
        only: groups to measure: quantize, kernels (RQ); log_mel, crop, stored_crops, encoder, sound_encoder,
            sound_pretrain, sound_published (the step against a plain program: minutes, so only where asked) (sound);
            prepare; probe, probe_paths (whole evaluations against fits one by one: many minutes, so only where asked);
            point_augment, farthest_points, point_encoder, point_pretrain, packed, reductions, meshes (shapes); images;
            export (files against their encoders); embed (the command against loops written by hand); startup (every
            command's help against the imports of all); scaling (everything at ten times its size); memory (of
            commands, likewise); two_processes (a training by two processes against one).
        runs: times each pair is run.
        threads: of the CPU; 0 means all.
        files: recordings and meshes of embed, 100 by default; other groups have sizes of their own.
        large: probe_paths at 20,000 x 2,048 instead of 5,000 x 512: half an hour.
        device: cpu or cuda.
        json: file for the numbers.
        against: file of an earlier run with --json; tells which ratios fell by more than their noise, and exits with 1
            where one did.
        page: Markdown file whose marks, as in BENCHMARKS.md, get the tables.
        profile: show the costliest operations of each fast form instead of measuring.
    """
    # Late, since they load torch, which --help does not need.
    import torch

    from randquant.kept_memory import keep_freed_memory
    from randquant.scripts.measuring.stored_run import StoredRun

    _check(only or [], runs, files)
    _check_written(json, page)
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda cannot be used here, torch sees no GPU; leave it out.")
    before = None if against is None else StoredRun.read(against)
    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory()
    groups = only or [group for group in GROUPS if group not in _LONG]
    sizes: Sizes = {"embed": {} if files is None else {"files": files}, "probe_paths": {"large": large}}
    if profile:
        _profile(groups, device, sizes)
        return 0
    measured = _measure(groups, runs, device, sizes)
    _write(measured, json, page, device)
    return 0 if before is None else _compare(measured, before)


def _write(measured: "StoredRun", json: Path | None, page: Path | None, device: str) -> None:
    from randquant.scripts.measuring.page import write_page

    if json is not None:
        measured.write(json)
    if page is not None:
        for group in write_page(page, measured):
            say(
                f"{page} has no mark for {group} on {device} with {measured.threads} threads; its table is not written."
            )


def _check(only: list[str], runs: int, files: int | None) -> None:
    unknown = set(only) - GROUPS.keys()
    if unknown:
        raise UsageError(f"--only takes {', '.join(GROUPS)}, got {', '.join(sorted(unknown))}.")
    if runs < 1:
        raise UsageError(f"--runs should be at least 1, got {runs}.")
    if files is not None and files < 1:
        raise UsageError(f"--files should be at least 1, got {files}.")


def _check_written(json: Path | None, page: Path | None) -> None:
    """Before minutes of measuring, not after."""
    if page is not None and not page.is_file():
        raise UsageError(f"--page {page} is no file; give the page that has the marks.")
    for path in (json, page):
        if path is not None:
            require_writable(path)


def _pairs(group: str, device: str, sizes: Sizes) -> "Iterator[Pair]":
    return GROUPS[group](device, **sizes.get(group, {}))


def _profile(groups: list[str], device: str, sizes: Sizes) -> None:
    from randquant.scripts.measuring.profile import costliest

    for pair in (pair for group in groups for pair in _pairs(group, device, sizes)):
        say("", pair.name, *costliest(pair, device))


def _measure(groups: list[str], runs: int, device: str, sizes: Sizes) -> "StoredRun":
    from randquant.installation.computer import computed_on
    from randquant.scripts.measuring.limits import measured_limits
    from randquant.scripts.measuring.page import cells, header, in_columns
    from randquant.scripts.measuring.stored_run import StoredRun

    limits = measured_limits(device)
    say(str(limits))
    lines: list[Line] = []
    for group in groups:
        for pair in _pairs(group, device, sizes):
            if not lines or lines[-1].unit != pair.unit:
                print(in_columns(header(pair.unit)))
            lines.append(pair.measure(group, runs, device))
            print(in_columns(cells(lines[-1])), flush=True)
    return StoredRun(**computed_on(device), runs=runs, limits=limits, lines=lines)


def _compare(measured: "StoredRun", before: "StoredRun") -> int:
    from randquant.scripts.measuring.stored_run import slower

    now, then = measured.circumstances(), before.circumstances()
    differing = [f"{name} {then.get(name)} -> {now[name]}" for name in now if now[name] != then.get(name)]
    if differing:
        say(f"NOTE: the two runs differ in more than the code: {', '.join(differing)}.")
    found = slower(measured.lines, before.lines)
    for new, old in found:
        say(f"slower: {new.name} against {new.twin}: ratio {old.ratio:.1f} -> {new.ratio:.1f}")
    say(f"{len(found)} of {len(measured.lines)} ratios fell by more than their noise.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(run(benchmark, description=__doc__))
