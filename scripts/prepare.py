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
    python -m scripts.prepare made-up-shapes --out STORE                              8,000 drawn ones, to pretrain on
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
from typing import Any

from randquant.cli.command import run
from randquant.cli.late_commands import LateCommands
from randquant.data_prep.datasets.registry import PICTURES, SHAPES, SOUNDS, TABLES, Listed
from randquant.data_prep.exchange import registry as exchange
from randquant.data_prep.synthetic import registry as synthetic


def _of(listed: dict[str, Listed]) -> dict[str, str]:
    return {name: f"Prepare {each.line}." for name, each in listed.items()}


def _made(name: str) -> Callable[..., Any]:
    from randquant.scripts.preparation.commands import command  # late: the list of commands needs none of them

    return command(name, COMMANDS.lines[name])


COMMANDS = LateCommands(
    {
        "folder": "Prepare every recording below a folder, without labels.",
        "labelled": "Prepare the recordings a CSV file names, with their labels and splits.",
        **_of(SOUNDS),
        "meshes": "Prepare every mesh below a folder, or those that a CSV file names with their labels and splits.",
        "clouds": "Prepare every point cloud below a folder, or those that a CSV file names with their labels and "
        "splits.",
        "made-up-shapes": "Make up shapes to pretrain on: random parts put together, and things of fifteen families.",
        **_of(SHAPES),
        "images": "Prepare the pictures below a folder: classes by their folders, or as a CSV file names them, or "
        "unlabelled.",
        **_of(PICTURES),
        "table": "Prepare a table, CSV or Parquet, with the label or the number to predict that a column holds.",
        **_of(TABLES),
        **_of(exchange.LISTED),
        **{f"synthetic-{name}": synthetic.line(name) for name in synthetic.MINIATURES},
        "synthetic-table": "Write a made-up table of customers: numbers, categories, answers, gaps, a free text, and "
        "the plan they chose.",
    },
    _made,
)

if __name__ == "__main__":
    raise SystemExit(run(COMMANDS, description=__doc__))
