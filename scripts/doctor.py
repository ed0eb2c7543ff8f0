"""Check a dataset's folder before preparing it: is it complete, in the right layout, and readable?

    python -m scripts.doctor us8k --root URBANSOUND8K                  a public dataset, named below
    python -m scripts.doctor voxforge --root VOXFORGE --out lost.txt
    python -m scripts.doctor modelnet --root MODELNET40
    python -m scripts.doctor covtype --root COVTYPE                     a table is read to its end
    python -m scripts.doctor cifar10 --root CIFAR10
    python -m scripts.doctor hf --root FOLDER                           also webdataset, kaldi
    python -m scripts.doctor repeats --store STORE --out repeats.csv   test items repeated in train
    python -m scripts.doctor store STORE                               verify the hashes of a prepared store

Only `--out` is written: the missing and unreadable files, one per line, or the whole report if the name ends in
`.json`. By default the header of every recording is read, which finds missing, empty and truncated files and files that
are not audio; with `--decode` every recording is decoded, which also finds damage in the middle and takes about as long
as preparing. Pictures are checked in the same two ways; those that are there twice are found with `--decode`. Shapes
are always read completely; irregularities, such as merged headers, and duplicates are counted. It ends with one of

    whole: 8,732 recordings, as published, each opened; --decode reads them to the end       exit code 0
    partial: 8,730 of 8,732 recordings can be used                                           exit code 0
    more: 8,733 recordings where 8,732 are published; look for copies or another release     exit code 0
    error: ROOT is not usable: …                                                             exit code 1

Partial data can be prepared and probed; every later result then states the share. A folder is not usable if it has
another layout (the message says which folder to give, or what is missing), or if nothing in it can be read or
trained on.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.data_prep.dataset import Dataset, P
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.examine.doctor import examine
from randquant.data_prep.examine.report import first, report, write_report
from randquant.data_prep.exchange.registry import EXCHANGE
from randquant.data_prep.fetching.archives import archives_in
from randquant.data_prep.layout import is_marked, locate
from randquant.data_prep.options import options, with_options
from randquant.data_prep.tables.plan import TablePlan
from randquant.errors import DataError
from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text

# Options of a plan that say how files become rows, or which are used, and not what should be there.
_OF_ROWS = ("points", "sampling", "up", "seed", "validation", "test", "keep", "fold", "channel", "peak_normalise")


@dataclass(frozen=True)
class Folder:
    """A dataset's folder.

    Attributes:
        root: the dataset's folder.
        out: file for the list of missing, unreadable and irregular shapes, or for the report (.json).
        workers: processes; by default one per core.
    """

    root: Path
    out: Path | None = None
    workers: int | None = None


@dataclass(frozen=True)
class FolderOfSounds(Folder):
    """A folder of recordings.

    Attributes:
        out: file for the list of missing and unreadable recordings, or for the report (.json).
        decode: decode every recording instead of reading its header.
    """

    decode: bool = False


@dataclass(frozen=True)
class FolderOfPictures(Folder):
    """A folder of pictures.

    Attributes:
        out: file for the list of missing and unreadable pictures, or for the report (.json).
        decode: decode every picture instead of reading its header.
    """

    decode: bool = False


@dataclass(frozen=True)
class FolderOfTable:
    """A folder with one table.

    Attributes:
        root: folder with the file, or the file.
    """

    root: Path


_FOLDERS = {"audio": FolderOfSounds, "points": Folder, "images": FolderOfPictures}


def _command(dataset: Dataset) -> Callable[[Any], None]:
    """The command that checks a dataset, with the flags of its plan."""
    if dataset.kind == "tables":
        return _table_command(dataset)
    plan = dataset.plan

    def command(settings: Folder) -> None:
        # The split that is published, before a share of train becomes valid.
        unsplit = {share: 0 for share in ("validation", "test") if share in signature(plan).parameters}
        made = partial(plan, **options(settings, plan), **unsplit)
        check(dataset, settings.root, made, settings.out, getattr(settings, "decode", True), settings.workers)

    command.__annotations__["settings"] = with_options(_FOLDERS[dataset.kind], plan, without=_OF_ROWS)
    command.__doc__ = f"Check {dataset.title}."
    return command


def _table_command(dataset: Dataset[TablePlan]) -> Callable[[FolderOfTable], None]:
    def command(settings: FolderOfTable) -> None:
        from randquant.data_prep.tables.examination import examine_table

        say(*_about(dataset, settings.root))
        _refuse_packed(dataset, settings.root)
        say(*examine_table(dataset, _planned(dataset, settings.root, partial(dataset.plan, settings.root))))

    command.__doc__ = f"Check {dataset.title}."
    return command


def repeats(store: Path, out: Path | None = None) -> None:
    """Find what of test repeats something of train: the very same samples or points, or a copy of them.

    Of recordings, copies that were encoded, resampled, scaled or shifted since, across folds where the store has some;
    of shapes, another sample of the same surface.

    Args:
        store: of recordings or shapes, as scripts.prepare writes it.
        out: table to write (.csv): every item of test, the nearest of train, and how near it is.
    """
    from randquant.data_prep.examine.repeats import repeats_report

    lines, table = repeats_report(Store.open(store))
    if out is not None:
        write_text(out, csv_text(table))
    say(*lines)


def whole_store(store: Path) -> None:
    """Hash every shard of a store and hold it against what was written; damaged ones are listed.

    Args:
        store: as scripts.prepare writes it; may be typed without the flag, first of all.
    """
    opened = Store.open(store)
    damaged = opened.verification.damaged()
    say(*damaged)
    shards = counted(len(opened.info["shards"]), "shards")
    if damaged:
        total = len(opened.info["shards"])
        raise DataError(f"{store}: {len(damaged):,} of {total:,} shards are damaged, {len(opened):,} items in all.")
    say(f"{store} is whole: {counted(len(opened), 'items')}, {shards}, each with the SHA-256 of when it was written")


def check(
    dataset: Dataset,
    root: Path,
    plan: Callable[[], Plan],
    out: Path | None = None,
    decode: bool = False,
    workers: int | None = None,
) -> None:
    """Print what is in a dataset's folder and what is wrong with it.

    Raises:
        DataError: it is not usable, or its archives are not unpacked yet.
    """
    say(*_about(dataset, root))
    _refuse_packed(dataset, root)
    examination = examine(dataset, _planned(dataset, root, plan), decode=decode, workers=workers)
    say(*report(examination))
    if out is not None:
        write_report(examination, out)
        say(f"{out}: {len(examination.absent):,} missing and {len(examination.unreadable):,} unreadable are listed")
    if examination.problem:
        raise DataError(f"{root} is not usable: {examination.problem}")
    say(examination.sentence)


def _about(dataset: Dataset, root: Path) -> list[str]:
    return [f"{dataset.title} at {root}", f"  licence  {dataset.licence}", f"  source   {dataset.source}"]


def _planned(dataset: Dataset[P], root: Path, plan: Callable[[], P]) -> P:
    """The plan; where there is none, what the folder should look like goes before the error."""
    try:
        return plan()
    except DataError:
        say("expected below --root:")
        say(*(f"  {line}" for line in dataset.tree.strip().splitlines()))
        if root.is_dir() and locate(root, dataset) is None and not is_marked(root.absolute().parent, dataset):
            say(*_where_to_get(dataset))
        raise


def _where_to_get(dataset: Dataset) -> list[str]:
    if dataset.by_hand:
        return dataset.by_hand.strip().splitlines()
    return ["download from:", *(f"  {file.url}" for file in dataset.downloads)]


def _refuse_packed(dataset: Dataset, root: Path) -> None:
    archives = [path for paths, _ in archives_in(root, dataset) for path in paths]
    if not archives:
        return
    say(f"archives not unpacked: {len(archives):,}")
    say(*first([path.name for path in archives], hint=""))
    expected = [file.name for file in dataset.downloads if not (root / file.name).exists()]
    if expected:
        say(f"files that are not there: {', '.join(expected)}")
    raise DataError(
        f"{root} holds archives of {dataset.title} and not its tree, so nothing was checked; "
        f"python -m scripts.prepare {dataset.name} --root {root} --out STORE unpacks them, or unpack them by hand and "
        "run this again."
    )


COMMANDS: dict[str, Callable[..., None]] = {
    **{name: _command(dataset) for name, dataset in (DATASETS | EXCHANGE).items()},
    "repeats": repeats,
    "store": whole_store,
}


def flagged(argv: Sequence[str]) -> list[str]:
    """The same command line; a store that is named alone stands for --store."""
    lone = len(argv) > 1 and argv[0] == "store" and not argv[1].startswith("-")
    return [argv[0], "--store", *argv[1:]] if lone else list(argv)


if __name__ == "__main__":
    raise SystemExit(run(COMMANDS, flagged(sys.argv[1:]), description=__doc__))
