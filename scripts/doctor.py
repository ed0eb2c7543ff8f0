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
from typing import Any

from randquant.cli.command import run
from randquant.cli.late_commands import LateCommands
from randquant.data_prep.datasets import registry as datasets
from randquant.data_prep.exchange import registry as exchange


def _made(name: str) -> Callable[..., Any]:
    from randquant.scripts.preparation.checks import command  # late: the list of commands needs none of them

    return command(name, COMMANDS.lines[name])


COMMANDS = LateCommands(
    {
        **{name: f"Check {each.line}." for name, each in (datasets.LISTED | exchange.LISTED).items()},
        "repeats": "Find what of test repeats something of train: the very same samples or points, or a copy of them.",
        "store": "Hash every shard of a store and hold it against what was written; damaged ones are listed.",
    },
    _made,
)


def flagged(argv: Sequence[str]) -> list[str]:
    """The same command line; a store that is named alone stands for --store."""
    lone = len(argv) > 1 and argv[0] == "store" and not argv[1].startswith("-")
    return [argv[0], "--store", *argv[1:]] if lone else list(argv)


if __name__ == "__main__":
    raise SystemExit(run(COMMANDS, flagged(sys.argv[1:]), description=__doc__))
