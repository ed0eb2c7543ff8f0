"""The small synthetic datasets that have flags of their own; what writes them loads late, with torch."""

from pathlib import Path
from typing import Literal

from randquant.errors import UsageError

Layout = Literal["hub", "disk"]


def small_nsynth(out: Path, instruments: int = 6, notes_per_instrument: int = 9, seed: int = 0) -> Path:
    """Write a small set of synthetic notes in NSynth's tree, to prepare with `nsynth`.

    Args:
        out: folder to write nsynth-train, nsynth-valid and nsynth-test into.
        instruments: per family, in train; valid and test have a third of it each, other ones.
        notes_per_instrument: notes each instrument plays, at most 25.
        seed: of everything that is drawn.
    """
    if instruments < 1 or not 1 <= notes_per_instrument <= 25 or seed < 0:
        raise UsageError(
            "--instruments should be at least 1, --notes_per_instrument 1 to 25 and --seed at least 0, "
            f"got {instruments}, {notes_per_instrument} and {seed}."
        )
    from randquant.data_prep.synthetic.sounds.nsynth import write_nsynth

    return write_nsynth(
        out,
        train_instruments=instruments,
        held_out_instruments=max(1, instruments // 3),
        notes_per_instrument=notes_per_instrument,
        seed=seed,
    )


def small_modelnet(out: Path, train: int = 30, test: int = 12, seed: int = 0) -> Path:
    """Write synthetic shapes of fifteen families in the tree of ModelNet40, to prepare with `modelnet`.

    Args:
        out: folder to write into.
        train: shapes of each family in train, about 10 KB each.
        test: and in test.
        seed: of everything that is drawn.
    """
    if train < 1 or test < 1 or seed < 0:
        raise UsageError(f"--train and --test should be at least 1 and --seed 0, got {train}, {test} and {seed}.")
    from randquant.data_prep.synthetic.shapes.modelnet import write_modelnet

    return write_modelnet(out, train=train, test=test, seed=seed)


def small_cifar10(out: Path, train: int = 2000, test: int = 500, seed: int = 0) -> Path:
    """Write a small set of made-up pictures in CIFAR-10's tree, to prepare with `cifar10`.

    Args:
        out: folder to write cifar-10-batches-py into.
        train: pictures, a multiple of 50: as many of each class in each of five files.
        test: pictures, a multiple of 10.
        seed: of everything that is drawn.
    """
    if train < 50 or train % 50 or test < 10 or test % 10 or seed < 0:
        raise UsageError(
            "--train should be a multiple of 50, --test a multiple of 10 and --seed at least 0, "
            f"got {train}, {test} and {seed}."
        )
    from randquant.data_prep.synthetic.pictures.cifar import write_cifar10

    return write_cifar10(out, train=train, test=test, seed=seed)


def small_hf(out: Path, layout: Layout = "hub", seed: int = 0) -> Path:
    """Write a few hundred kilobytes of made-up words as a dataset of Hugging Face.

    Args:
        out: folder to write into.
        layout: hub, Parquet files and a card as on the Hub; disk, Arrow files as save_to_disk writes them.
        seed: of everything that is drawn.
    """
    from randquant.data_prep.synthetic.exchange import write_hf

    return write_hf(out, layout=layout, seed=seed)
