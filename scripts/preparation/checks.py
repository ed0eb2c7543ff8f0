"""The commands of `scripts.doctor`, each with the flags of its plan."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

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
class FolderOfMedia(Folder):
    """A folder of recordings or pictures.

    Attributes:
        out: file for the list of recordings or pictures that are missing or unreadable, or for the report (.json).
        decode: decode every recording or picture instead of reading its header.
    """

    decode: bool = False


@dataclass(frozen=True)
class FolderOfTable:
    """A folder with one table.

    Attributes:
        root: folder with the file, or the file.
    """

    root: Path


_FOLDERS = {"audio": FolderOfMedia, "points": Folder, "images": FolderOfMedia}


def command(name: str, line: str) -> Callable[..., None]:
    """The command of that name.

    Args:
        name: of a command of `scripts.doctor`.
        line: what the list of commands says of it.
    """
    if name in _OWN:
        return _OWN[name]
    made = _of_dataset(DATASETS[name] if name in DATASETS else EXCHANGE[name])
    made.__doc__ = line
    return made


def _of_dataset(dataset: Dataset) -> Callable[[Any], None]:
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
    return command


def _table_command(dataset: Dataset[TablePlan]) -> Callable[[FolderOfTable], None]:
    def command(settings: FolderOfTable) -> None:
        from randquant.data_prep.tables.examination import examine_table

        say(*_about(dataset, settings.root))
        _refuse_packed(dataset, settings.root)
        say(*examine_table(dataset, _planned(dataset, settings.root, partial(dataset.plan, settings.root))))

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


_OWN: dict[str, Callable[..., None]] = {"repeats": repeats, "store": whole_store}
