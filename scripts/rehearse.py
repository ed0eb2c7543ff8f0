"""Rehearse a public dataset at its published number of synthetic items, to measure time and memory.

    python -m scripts.rehearse --dataset nsynth --work /tmp/rehearsal                    all 305,979 of its items
    python -m scripts.rehearse --dataset nsynth --work /tmp/rehearsal --count 3000       in the same proportions

writes the dataset's tree with its lists and tables, every recording a hundredth of a second of noise, and runs the
commands of a user on it, each as a process that may hold 1,024 files open: doctor, prepare, opening the store, one step
of training, one probe (ridge regression on features of an untrained encoder). The probe uses clips of 0.07 s
instead of the published length. AudioSet, which has no labels here, is not probed, and its recordings, links to a few,
are opened by the doctor but not read into the store. It prints what each stage cost,

    | dataset | items  | stage   | seconds | CPU  | memory, MB | workers | all, own | files | processes |

prints the doctor's verdict, and deletes what it wrote, except `--work/<dataset>-<count>.json`. Linux only. The numbers
measure the cost of many items, not of long recordings.
"""

import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.errors import DataError, UsageError
from randquant.files.atomic import read_json, write_json
from randquant.installation.commands import module_of
from randquant.scripts.rehearsal.chain import CHAINS
from randquant.scripts.rehearsal.measured import Cost, measured

Name = Literal["us8k", "modelnet", "spcv2", "spcv2-12", "voxceleb1", "voxforge", "nsynth", "audioset"]
Stage = Literal["doctor", "prepare", "open", "train", "probe"]
HEADER = ("dataset", "items", "stage", "seconds", "CPU", "memory, MB", "workers", "all, own", "files", "processes")


def rehearse(
    dataset: Name,
    work: Path,
    count: int | None = None,
    stages: list[Stage] | None = None,
    open_files: int = 1024,
    keep: bool = False,
) -> None:
    """Rehearse one dataset.

    Args:
        dataset: which one.
        work: folder to write into; a few GB for the largest.
        count: items, in the published proportions; the published number by default.
        stages: which of doctor, prepare, open, train and probe, all by default; the last three need prepare, and with
            --keep what an earlier call left.
        open_files: that each process may hold at once.
        keep: leave the tree, the store and the logs.
    """
    from randquant.installation.computer import versions  # late, since it loads torch, which --help does not need

    if not Path("/proc/self/task").is_dir():
        raise DataError("costs are read from /proc, which this system has not; rehearse on Linux.")
    if open_files < 64:
        raise UsageError(f"--open_files should be at least 64, got {open_files}.")
    folder = work / dataset
    began = time.monotonic()
    try:
        root = CHAINS[dataset].write(folder / "tree", items=count)
    except ValueError as error:
        raise UsageError(f"--count {count} is too few for {dataset} ({error}); give more.") from None
    record: dict[str, Any] = {
        "dataset": dataset,
        "items": count,
        "writing_seconds": round(time.monotonic() - began, 1),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "versions": versions(),
    }
    costs = {}
    print(_row(HEADER), _row(["---"] * len(HEADER)), sep="\n", flush=True)
    for stage, command in CHAINS[dataset].commands(dataset, root, folder).items():
        if stages is not None and stage not in stages:
            continue
        log = folder / f"{stage}.log"
        module = module_of(command[0].removeprefix("scripts."))
        costs[stage] = measured([sys.executable, "-m", module, *command[1:]], log, open_files=open_files)
        print(_row(row(dataset, count, stage, costs[stage])), flush=True)
    record |= {"stages": {stage: asdict(cost) for stage, cost in costs.items()}, **_found(folder)}
    write_json(work / f"{dataset}-{count or 'all'}.json", record)
    print("\n".join(closing(record)))
    if not keep:
        shutil.rmtree(folder)


def row(dataset: str, items: int | None, stage: str, cost: Cost) -> list[str]:
    """One line of the table."""
    numbers = (cost.seconds, cost.processor_seconds, cost.memory, cost.workers_memory, cost.own_memory)
    shown = [f"{number:,.0f}" if number >= 10 else f"{number:.1f}" for number in numbers]
    return [dataset, f"{items:,}" if items else "all", stage, *shown, str(cost.files), str(cost.processes)]


def closing(record: Mapping[str, Any]) -> list[str]:
    """What the doctor said, what the store holds, and what opening it took."""
    lines = [f"tree written in {record['writing_seconds']:,.0f} s"]
    if "doctor" in record:
        lines.append(f"doctor: {record['doctor']}")
    if "store" in record:
        store = record["store"]
        lines.append(
            f"store: {counted(store['items'], 'items')} in {counted(store['shards'], 'shards')}, "
            f"{store['megabytes']:,.1f} MB, of which "
            f"the manifest is {store['manifest_megabytes']:,.1f} MB"
        )
    if "opening" in record:
        opening = record["opening"]
        lines.append(
            f"opened in {opening['open']:.2f} processor seconds, train selected in {opening['select']:.2f}; "
            f"{opening['memory']:,.0f} MB held"
        )
    return lines


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _found(folder: Path) -> dict[str, Any]:
    """What the stages said and left, as far as they were run."""
    found: dict[str, Any] = {}
    if (folder / "doctor.log").exists():
        found["doctor"] = _last_line(folder / "doctor.log")
    if (folder / "open.log").exists():
        found["opening"] = json.loads(_last_line(folder / "open.log"))
    if (folder / "store" / "store.json").exists():
        found["store"] = _sizes(folder / "store")
    return found


def _last_line(log: Path) -> str:
    return log.read_text().strip().splitlines()[-1]


def _sizes(store: Path) -> dict[str, Any]:
    info = read_json(store / "store.json")
    return {
        "items": info["items"],
        "shards": len(info["shards"]),
        "megabytes": sum(path.stat().st_size for path in store.rglob("*") if path.is_file()) / 1e6,
        "manifest_megabytes": (store / "manifest.parquet").stat().st_size / 1e6,
    }


if __name__ == "__main__":
    raise SystemExit(run(rehearse, description=__doc__))
