"""Prepare recordings, shapes, pictures or a table once, into a store that training reads.

Every recording is decoded to 16 kHz mono:

    python -m scripts.prepare folder --root RECORDINGS --out STORE                    any tree of recordings
    python -m scripts.prepare labelled --csv TASK.csv --root RECORDINGS --out STORE   path,label,group,split
    python -m scripts.prepare us8k --root URBANSOUND8K --out STORE                    a public dataset, named below
    python -m scripts.prepare synthetic-us8k --out URBANSOUND8K                       a small synthetic one

Every shape becomes 2,048 points (--points), upright along z, in the unit sphere, in farthest-point order:

    python -m scripts.prepare meshes --root MESHES --out STORE                        OFF, PLY, OBJ, STL, glTF
    python -m scripts.prepare clouds --root CLOUDS --out STORE                        NPY, PLY, PCD, LAS, E57, XYZ, ...
    python -m scripts.prepare meshes --csv TASK.csv --root MESHES --out STORE         path,label,group,split; clouds too
    python -m scripts.prepare modelnet --root MODELNET40 --out STORE                  a public dataset, named below
    python -m scripts.prepare synthetic-modelnet --out FOLDER                         a small synthetic one

A row of a table becomes numbers: numbers standardised by the training rows, answers and categories zeros and ones:

    python -m scripts.prepare table --csv TABLE.csv --label COLUMN --out STORE        CSV or --parquet; or --target
    python -m scripts.prepare covtype --root COVTYPE --out STORE                      a public dataset, named below

--up is the up axis in the files. If only train and test are published, a tenth of each class of train becomes valid
(--validation), always the same one; train and valid together are the published train.

Every picture becomes upright 8-bit RGB, as pixels up to 128 x 128, else as the bytes of its file (--keep):

    python -m scripts.prepare images --root PICTURES --out STORE                      (split/)class/picture; ZIP and TAR
    python -m scripts.prepare images --csv TASK.csv --root PICTURES --out STORE       path,label,group,split
    python -m scripts.prepare cifar10 --root CIFAR10 --out STORE                      a public dataset, named below
    python -m scripts.prepare synthetic-cifar10 --out FOLDER                          a small synthetic one

Datasets as other tools hold them, sounds or pictures, labelled or not, with their own splits:

    python -m scripts.prepare hf --root FOLDER --out STORE --label COLUMN             save_to_disk; Parquet of the Hub
    python -m scripts.prepare webdataset --root SHARDS --out STORE --label FIELD      TAR files, read in place
    python -m scripts.prepare kaldi --root DATA --out STORE --label utt2spk           wav.scp, segments, utt2spk, ...
    python -m scripts.prepare synthetic-hf --out FOLDER                               small ones: -webdataset, -kaldi

A public dataset's --root is the folder with its unpacked files, or with the archives; these are then unpacked next to
the store, or into --unpack. --download fetches them into --root first, where that is possible. `python -m
scripts.doctor` checks a dataset without preparing it.

Local processes (--workers) or a Dask cluster (--dask tcp://HOST:8786) do the work; the store is the same. Interrupt it
at any time and run the same command again: it resumes. Unreadable files are listed at the end. It ends with

    STORE: 8,732 recordings, 8.75 hours, 0 skipped
    8,732 of 8,732 published recordings, 10 of 10 classes; splits: the ten folds of UrbanSound8K.csv

or, for shapes and pictures, with

    STORE: 12,311 shapes of 2,048 points (x y z nx ny nz), 0 skipped
    12,311 of 12,311 published shapes, 40 of 40 classes; splits: folders, valid is 10 % of each class of train

    STORE: 60,000 pictures of 32 x 32 pixels (60,000 raw), 0 skipped
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import docstring_parser

from randquant.audio.samples import Intake, check_array_rate
from randquant.cli.command import run
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
from randquant.data_prep.synthetic.registry import MINIATURES, prepared_by
from randquant.data_prep.synthetic.tables import TABLE, small_table
from randquant.data_prep.tables.plan import TablePlan
from randquant.data_prep.tables.settings import OwnTable
from randquant.data_prep.unpacked import archives_identity, made_of_archives
from randquant.errors import UsageError
from randquant.scripts.preparation.settings import (
    Labelled,
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


def folder(settings: OwnSounds) -> None:
    """Prepare every recording below a folder, without labels."""
    _prepare(plan_folder(settings.root, arrays=settings.sample_rate is not None), settings)


def labelled(settings: Labelled) -> None:
    """Prepare the recordings a CSV file names, with their labels and splits."""
    _prepare(plan_labelled(settings.csv, settings.root), settings)


def table(settings: OwnTable) -> None:
    """Prepare a table, CSV or Parquet, with the label or the number to predict that a column holds."""
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
    command.__doc__ = docstring_parser.parse(plan.__doc__ or "").short_description
    return command


def _of_dataset(dataset: Dataset) -> Callable[[Public], None]:
    """The command that prepares a public dataset, with the flags of its plan."""
    public = {"audio": PublicSounds, "tables": PublicTable}.get(dataset.kind, Public)
    public = PublicWholeFiles if dataset.whole_files else public

    def command(settings: Public) -> None:
        _prepare_public(dataset, settings)

    command.__annotations__["settings"] = with_options(public, dataset.plan, without=("root",))
    command.__doc__ = f"Prepare {dataset.summary or dataset.title}."
    return command


def _of_miniature(name: str, write: Callable[..., Path]) -> Callable[..., None]:
    """The command that writes a small dataset, with the flags of what writes it."""

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


def _prepare(plan: Plan | TablePlan, settings: Settings | PublicTable | OwnTable) -> None:
    complete = Store.exists(settings.out)
    if isinstance(plan, TablePlan):
        from randquant.data_prep.tables.prepare import prepare_table

        store = prepare_table(plan, settings.out)
    else:
        assert isinstance(settings, Settings)
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


COMMANDS: dict[str, Callable[..., None]] = {
    "folder": folder,
    "labelled": labelled,
    **{name: _of_dataset(dataset) for name, dataset in DATASETS.items() if dataset.kind == "audio"},
    "meshes": _of_files(plan_meshes),
    "clouds": _of_files(plan_clouds),
    **{name: _of_dataset(dataset) for name, dataset in DATASETS.items() if dataset.kind == "points"},
    "images": _of_files(plan_images, OwnPictures),
    **{name: _of_dataset(dataset) for name, dataset in DATASETS.items() if dataset.kind == "images"},
    "table": table,
    **{name: _of_dataset(dataset) for name, dataset in DATASETS.items() if dataset.kind == "tables"},
    **{name: _of_files(dataset.plan) for name, dataset in EXCHANGE.items()},
    **{f"synthetic-{name}": _of_miniature(name, write) for name, write in MINIATURES.items()},
    "synthetic-table": synthetic_table,
}

if __name__ == "__main__":
    raise SystemExit(run(COMMANDS, description=__doc__))
