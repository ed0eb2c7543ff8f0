"""The commands of `scripts.prepare`, each with the flags of its plan."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from randquant.audio.samples import Intake, check_array_rate
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.exchange.registry import EXCHANGE
from randquant.data_prep.fetching.archives import archives_in, stem, unpacked_file, unpacked_root
from randquant.data_prep.layout import holds_tree
from randquant.data_prep.options import options, with_options
from randquant.data_prep.own_files.clouds import plan_clouds
from randquant.data_prep.own_files.folder import plan_folder
from randquant.data_prep.own_files.labelled import plan_labelled
from randquant.data_prep.own_files.meshes import plan_meshes
from randquant.data_prep.own_files.pictures import plan_images
from randquant.data_prep.recordings import recordings_reader
from randquant.data_prep.synthetic.compositions.plan import plan_made_up_shapes
from randquant.data_prep.synthetic.registry import MINIATURES, prepared_by
from randquant.data_prep.synthetic.tables import TABLE, small_table
from randquant.data_prep.tables.plan import TablePlan
from randquant.data_prep.tables.settings import OwnTable
from randquant.data_prep.unpacked import archives_identity, made_of_archives
from randquant.errors import UsageError
from randquant.scripts.preparation.settings import (
    Labelled,
    MadeUp,
    OwnPictures,
    OwnSounds,
    Public,
    PublicSounds,
    PublicTable,
    PublicWholeFiles,
    Settings,
    Sounds,
)

_MAY_GO = "holds what was unpacked; the store does not need it, so it may be deleted."


def command(name: str, line: str) -> Callable[..., None]:
    """The command of that name.

    Args:
        name: of a command of `scripts.prepare`.
        line: what the list of commands says of it.
    """
    if name.startswith("synthetic-"):
        miniature = name.removeprefix("synthetic-")
        return synthetic_table if miniature == "table" else _of_miniature(miniature)
    if name in DATASETS:
        made: Callable[..., None] = _of_dataset(DATASETS[name])
    elif name in EXCHANGE:
        made = _of_files(EXCHANGE[name].plan)
    else:
        made = _OWN[name]
    made.__doc__ = line
    return made


def folder(settings: OwnSounds) -> None:
    """Every recording below a folder."""
    _prepare(plan_folder(settings.root, arrays=settings.sample_rate is not None), settings)


def labelled(settings: Labelled) -> None:
    """The recordings that a table names."""
    _prepare(plan_labelled(settings.csv, settings.root), settings)


def table(settings: OwnTable) -> None:
    """One table."""
    _prepare(settings.plan(), settings)


@wraps(small_table)
def synthetic_table(**flags: Any) -> None:
    """The command that writes a small table of mixed columns."""
    file = small_table(**flags) / TABLE
    say(f"{file}: prepare it with python -m scripts.prepare table --csv {file} --label plan --out STORE")


def _of_files(plan: Callable[..., Plan], takes: type[Settings] = Settings) -> Callable[[Settings], None]:
    """The command that prepares a user's own shapes or pictures, with the flags of their plan."""

    def command(settings: Settings) -> None:
        root = settings.root
        if isinstance(settings, OwnPictures) and root.is_file() and stem(root.name) != root.name:
            root = unpacked_file(root, _unpacked(settings))
        _prepare(plan(**{**options(settings, plan), "root": root}), settings)
        if root != settings.root:
            say(f"{root} {_MAY_GO}")

    command.__annotations__["settings"] = with_options(takes, plan)
    return command


def _of_made_up(plan: Callable[..., Plan]) -> Callable[[MadeUp], None]:
    """The command that prepares what is drawn, with the flags of its plan."""

    def command(settings: MadeUp) -> None:
        _prepare(plan(**options(settings, plan)), settings)

    command.__annotations__["settings"] = with_options(MadeUp, plan)
    return command


def _of_dataset(dataset: Dataset) -> Callable[[Public], None]:
    """The command that prepares a public dataset, with the flags of its plan."""
    public = {"audio": PublicSounds, "tables": PublicTable}.get(dataset.kind, Public)
    public = PublicWholeFiles if dataset.whole_files else public

    def command(settings: Public) -> None:
        _prepare_public(dataset, settings)

    command.__annotations__["settings"] = with_options(public, dataset.plan, without=("root",))
    return command


def _of_miniature(name: str) -> Callable[..., None]:
    """The command that writes a small dataset, with the flags of what writes it."""
    write = MINIATURES[name]

    @wraps(write)
    def command(**flags: Any) -> None:
        root = write(**flags)
        for dataset in prepared_by(name):
            say(f"{root}: prepare it with python -m scripts.prepare {dataset} --root {root} --out STORE")

    return command


def _prepare_public(dataset: Dataset, settings: Public | PublicTable) -> None:
    """From archives or from a tree to a store."""
    out = settings.out
    archives = archives_in(settings.root, dataset)
    if dataset.alternatives and len(archives) > 1:
        names = " and ".join(path.name for paths, _ in archives for path in paths)
        raise UsageError(f"{settings.root} holds {names}; keep one there, each makes its own store.")
    if made_of_archives(out, dataset, settings.root, gone=settings.download):
        _close(Store.open(out), complete=True)
        return
    if settings.download:
        if holds_tree(settings.root, dataset):
            raise UsageError(
                f"{settings.root} holds {dataset.title} unpacked already; leave out --download, or give an empty "
                "--root to fetch the archives into."
            )
        from randquant.data_prep.fetching.download import download  # late, since --help does not need its libraries

        download(dataset, settings.root)
        archives = archives_in(settings.root, dataset)
    unpacked = _unpacked(settings)
    plan = dataset.plan(**{**options(settings, dataset.plan), "root": unpacked_root(settings.root, dataset, unpacked)})
    if archives:
        plan = replace(plan, source={**plan.source, "archives": archives_identity(archives)})
    _prepare(plan, settings)
    if archives:
        say(f"{unpacked} {_MAY_GO}")


def _unpacked(settings: Public | PublicTable | OwnPictures) -> Path:
    """Where archives are unpacked."""
    return settings.unpack or settings.out.with_name(f"{settings.out.name}.unpacked")


def _prepare(plan: Plan | TablePlan, settings: Settings | MadeUp | PublicTable | OwnTable) -> None:
    complete = Store.exists(settings.out)
    if isinstance(plan, TablePlan):
        from randquant.data_prep.tables.prepare import prepare_table

        store = prepare_table(plan, settings.out)
    else:
        assert isinstance(settings, Settings | MadeUp)
        if isinstance(settings, Sounds):
            plan = replace(plan, reader=recordings_reader(_intake(settings)))
        store = prepare(plan, settings.out, workers=settings.workers, strict=settings.strict, dask=settings.dask)
    _close(store, complete=complete)


def _intake(settings: Sounds) -> Intake:
    array_rate = settings.sample_rate if isinstance(settings, OwnSounds) else None
    if array_rate is not None:
        check_array_rate(array_rate)
    return Intake(settings.channel, settings.peak_normalise, array_rate)


def _close(store: Store, *, complete: bool) -> None:
    from randquant.data_prep.examine.summary import summary

    if complete:
        say(f"{store.path} is complete already; nothing was done.")
    say(*summary(store))


_OWN: dict[str, Callable[..., None]] = {
    "folder": folder,
    "labelled": labelled,
    "meshes": _of_files(plan_meshes),
    "clouds": _of_files(plan_clouds),
    "made-up-shapes": _of_made_up(plan_made_up_shapes),
    "images": _of_files(plan_images, OwnPictures),
    "table": table,
}
