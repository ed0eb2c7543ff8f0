"""Check a dataset's folder before hours are spent on it: is it all there, in the right places, and readable?

    python -m scripts.doctor us8k --root URBANSOUND8K                  any of nsynth us8k voxceleb1 voxforge spcv2
    python -m scripts.doctor voxforge --root VOXFORGE --out lost.txt   spcv2-12 audioset fsd50k
    python -m scripts.doctor modelnet --root MODELNET40                any of modelnet modelnet-txt modelnet-h5
                                                                       modelnet-dat scanobjectnn shapenet shapenetpart
    python -m scripts.doctor repeats --store STORE --out repeats.csv   what of test is in train too
    python -m scripts.doctor store STORE                               does a prepared store hold what was written?

Nothing is written but `--out`: all that is missing or unreadable, one a line, or the whole report where the name ends
in `.json`. Without `--decode` the header of every recording is read, which finds what is missing, empty, truncated or
no recording at all; with it every recording is decoded, which finds damage in the middle too and takes about as long
as preparing. Shapes are always read to their end; what is odd about them, such as merged headers, is counted, and so
are those that are there twice. It closes with one of

    whole: 8,732 recordings, as published, each opened; --decode reads them to the end       exit code 0
    partial: 8,730 of 8,732 recordings can be used                                           exit code 0
    more: 8,733 recordings where 8,732 are published; look for copies or another release     exit code 0
    error: ROOT is not usable: …                                                             exit code 1

Partial data can be prepared and probed; every later result then says how much of it there was. Not usable is a folder
of another layout (the sentence says which one to give, or what is lacking), and one where nothing can be read or
nothing learnt.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from audio.evaluation.repeats import nearest_in_train as nearest_recordings
from data_prep.dataset import Dataset
from data_prep.datasets.registry import DATASETS, SHAPES
from data_prep.datasets.scanobjectnn import Variant
from data_prep.engine.preparation import Plan
from data_prep.examine.doctor import Examination, examine
from data_prep.examine.oddities import ODDITIES
from data_prep.fetching.archives import packed
from data_prep.layout import is_marked, locate
from data_prep.plan_notes import other_kinds
from pointcloud.evaluation.repeats import Nearest, nearest_in_train
from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.data.store import Store, is_fold
from randquant.errors import DataError
from randquant.files.atomic import write_json, write_text
from randquant.files.csv_writer import csv_text

_SHOWN = 10  # of each kind of lost file, and labels


def voxceleb1(
    root: Path,
    iden_split: Path | None = None,
    out: Path | None = None,
    decode: bool = False,
    workers: int | None = None,
) -> None:
    """Check VoxCeleb1 for speaker identification.

    Args:
        root: folder that holds `wav`.
        iden_split: the official list; iden_split.txt at the root by default.
        out: file to list all missing and unreadable recordings in, or to write the report to (.json).
        decode: read every recording to its end instead of its header alone.
        workers: processes; one a core by default.
    """
    dataset = DATASETS["voxceleb1"]
    check(dataset, root, partial(dataset.plan, root, iden_split=iden_split), out, decode, workers)


def voxforge(
    root: Path,
    split: Literal["speaker", "evar"] = "speaker",
    urls: Path | None = None,
    csv: Path | None = None,
    out: Path | None = None,
    decode: bool = False,
    workers: int | None = None,
) -> None:
    """Check VoxForge.

    Args:
        root: folder of the unpacked submissions.
        split: "speaker", as in TensorFlow Datasets, or "evar", which takes EVAR's table.
        urls: the list of submissions; voxforge_urls.txt at the root by default.
        csv: EVAR's table, for `--split evar`.
        out: file to list all missing and unreadable recordings in, or to write the report to (.json).
        decode: read every recording to its end instead of its header alone.
        workers: processes; one a core by default.
    """
    dataset = DATASETS["voxforge"]
    check(dataset, root, partial(dataset.plan, root, split=split, urls=urls, csv=csv), out, decode, workers)


def spcv2_12(
    root: Path,
    variant: Literal["tfds", "archive"] = "tfds",
    out: Path | None = None,
    decode: bool = False,
    workers: int | None = None,
) -> None:
    """Check Speech Commands V2 for the task of 12 classes.

    Args:
        root: folder that holds both archives' folders.
        variant: "tfds" with the test set's own archive, "archive" with testing_list.txt.
        out: file to list all missing and unreadable recordings in, or to write the report to (.json).
        decode: read every recording to its end instead of its header alone.
        workers: processes; one a core by default.
    """
    dataset = DATASETS["spcv2-12"]
    check(dataset, root, partial(dataset.plan, root, variant=variant), out, decode, workers)


def audioset(
    root: Path,
    parts: list[Literal["balanced", "unbalanced", "eval"]] = ["balanced", "unbalanced"],  # noqa: B006
    out: Path | None = None,
    decode: bool = False,
    workers: int | None = None,
) -> None:
    """Check AudioSet.

    Args:
        root: folder that holds the parts.
        parts: which of balanced, unbalanced and eval.
        out: file to list all missing and unreadable recordings in, or to write the report to (.json).
        decode: read every recording to its end instead of its header alone.
        workers: processes; one a core by default.
    """
    dataset = DATASETS["audioset"]
    check(dataset, root, partial(dataset.plan, root, parts=parts), out, decode, workers)


def fsd50k(
    root: Path,
    parts: list[Literal["dev", "eval"]] = ["dev"],  # noqa: B006
    out: Path | None = None,
    decode: bool = False,
    workers: int | None = None,
) -> None:
    """Check FSD50K.

    Args:
        root: folder that holds FSD50K.dev_audio.
        parts: which of dev and eval.
        out: file to list all missing and unreadable recordings in, or to write the report to (.json).
        decode: read every recording to its end instead of its header alone.
        workers: processes; one a core by default.
    """
    dataset = DATASETS["fsd50k"]
    check(dataset, root, partial(dataset.plan, root, parts=parts), out, decode, workers)


def modelnet_txt(
    root: Path,
    classes: Literal[10, 40] = 40,
    normals: bool = True,
    out: Path | None = None,
    workers: int | None = None,
) -> None:
    """Check ModelNet40 or ModelNet10 as text files of points.

    Args:
        root: folder of the lists and classes.
        classes: 40 or 10, whose lists to take.
        normals: expect normals too.
        out: file to list all missing, unreadable and odd shapes in, or to write the report to (.json).
        workers: processes; one a core by default.
    """
    dataset = DATASETS["modelnet-txt"]
    check(
        dataset, root, partial(dataset.plan, root, classes=classes, normals=normals, validation=0), out, True, workers
    )


def scanobjectnn(
    root: Path, variant: Variant = "pb_t50_rs", out: Path | None = None, workers: int | None = None
) -> None:
    """Check ScanObjectNN.

    Args:
        root: folder that holds h5_files or the folders in it.
        variant: obj_bg, obj_only or pb_t50_rs.
        out: file to list all unreadable and odd shapes in, or to write the report to (.json).
        workers: processes; one a core by default.
    """
    dataset = DATASETS["scanobjectnn"]
    check(dataset, root, partial(dataset.plan, root, variant=variant, validation=0), out, True, workers)


def repeats(store: Path, out: Path | None = None) -> None:
    """Find what of test repeats something of train: the very same samples or points, or a copy of them.

    Of recordings, copies that were encoded, resampled, scaled or shifted since, across folds where the store has some;
    of shapes, another sample of the same surface.

    Args:
        store: of recordings or shapes, as scripts.prepare writes it.
        out: table to write (.csv): every item of test, the nearest of train, and how near it is.
    """
    opened = Store.open(store)
    if opened.kind == "audio":
        _repeated_recordings(opened, out)
    else:
        _repeated_shapes(opened, out)


def _repeated_recordings(store: Store, out: Path | None) -> None:
    found = nearest_recordings(store)
    if not found:
        raise DataError(
            f"{store.path} has no recordings of test, or none of train; prepare it with both, or with folds."
        )
    paths = store.column("path")
    folds = is_fold(store.column("split")[found[0].test])
    tested, learnt = ("a fold", "another") if folds else ("test", "train")
    same = sorted((pair for pair in found if pair.repeats), key=lambda pair: -pair.similarity)
    alike = ("" if pair.exact else f" (similarity {pair.similarity:.2f})" for pair in same)
    lines = [f"{paths[pair.test]} repeats {paths[pair.train]}{how}" for pair, how in zip(same, alike, strict=True)]
    say(*_some(lines, len(lines), "; --out FILE.csv lists them all"))
    if out is not None:
        rows = [(paths[pair.test], paths[pair.train], f"{pair.similarity:.4f}", int(pair.repeats)) for pair in found]
        write_text(out, csv_text([("test", "train", "similarity", "repeats"), *rows]))
    exact = sum(pair.exact for pair in same)
    say(
        f"{store.path}: {len(same):,} of {len(found):,} recordings of {tested} repeat one of {learnt}, {exact:,} of "
        "them sample by sample"
    )


def _repeated_shapes(store: Store, out: Path | None) -> None:
    found = nearest_in_train(store)
    paths = store.column("path")
    same = sorted((pair for pair in found if pair.repeats), key=lambda pair: pair.distance)
    lines = [f"{paths[pair.test]} repeats {paths[pair.train]}{_how(pair)}" for pair in same]
    say(*_some(lines, len(lines), "; --out FILE.csv lists them all"))
    if out is not None:
        rows = [(paths[pair.test], paths[pair.train], f"{pair.distance:.4f}", int(pair.repeats)) for pair in found]
        write_text(out, csv_text([("test", "train", "distance", "repeats"), *rows]))
    exact = sum(pair.exact for pair in same)
    say(
        f"{store.path}: {len(same):,} of {len(found):,} shapes of test repeat one of train, {exact:,} of them point by "
        "point"
    )


def whole_store(store: Path) -> None:
    """Hash every shard of a store and hold it against what was written; damaged ones are listed.

    Args:
        store: of recordings or shapes, as scripts.prepare writes it; may be typed without the flag, first of all.
    """
    opened = Store.open(store)
    damaged = opened.verification.damaged()
    say(*damaged)
    shards = len(opened.info["shards"])
    if damaged:
        raise DataError(f"{store}: {len(damaged):,} of {shards:,} shards are damaged, {len(opened):,} items in all.")
    say(f"{store} is whole: {len(opened):,} items, {shards:,} shards, each with the SHA-256 of when it was written")


def _how(pair: Nearest) -> str:
    return "" if pair.exact else f" (distance {pair.distance:.2f})"


def _without_options(dataset: Dataset) -> Callable[..., None]:
    def command(root: Path, out: Path | None = None, decode: bool = False, workers: int | None = None) -> None:
        check(dataset, root, partial(dataset.plan, root), out, decode, workers)

    command.__doc__ = f"""Check {dataset.title}.

    Args:
        root: the dataset's folder.
        out: file to list all missing and unreadable recordings in, or to write the report to (.json).
        decode: read every recording to its end instead of its header alone.
        workers: processes; one a core by default.
    """
    return command


def _of_shapes(dataset: Dataset) -> Callable[..., None]:
    # The split that is published, before a share of train becomes valid.
    options = {"validation": 0} if dataset.name in ("modelnet", "modelnet-h5", "modelnet-dat") else {}

    def command(root: Path, out: Path | None = None, workers: int | None = None) -> None:
        check(dataset, root, partial(dataset.plan, root, **options), out, True, workers)

    command.__doc__ = f"""Check {dataset.title}.

    Args:
        root: the dataset's folder.
        out: file to list all missing, unreadable and odd shapes in, or to write the report to (.json).
        workers: processes; one a core by default.
    """
    return command


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
    say(f"{dataset.title} at {root}", f"  licence  {dataset.licence}", f"  source   {dataset.source}")
    _refuse_packed(dataset, root)
    examination = examine(dataset, _planned(dataset, root, plan), decode=decode, workers=workers)
    say(*report(examination))
    if out is not None:
        _write(examination, out)
    if examination.problem:
        raise DataError(f"{root} is not usable: {examination.problem}")
    say(examination.sentence)


def _planned(dataset: Dataset, root: Path, plan: Callable[[], Plan]) -> Plan:
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
    return ["to be had from:", *(f"  {file.url}" for file in dataset.downloads)]


def _refuse_packed(dataset: Dataset, root: Path) -> None:
    archives = [path for paths, _ in packed(root, dataset) for path in paths]
    if not archives:
        return
    say(f"archives not unpacked: {len(archives):,}")
    say(*_some([path.name for path in archives], len(archives), hint=""))
    expected = [file.name for file in dataset.downloads if not (root / file.name).exists()]
    if expected:
        say(f"files that are not there: {', '.join(expected)}")
    raise DataError(
        f"{root} holds archives of {dataset.title} and not its tree, so nothing was checked; "
        f"python -m scripts.prepare {dataset.name} --root {root} --out STORE unpacks them, or unpack them by hand and "
        "run this again."
    )


def report(examination: Examination) -> list[str]:
    """What was found, in lines; the verdict is not among them."""
    lines = []
    if "split_source" in examination.plan.source:
        lines.append(f"  splits   {examination.plan.source['split_source']}")
    lines += _split_table(examination) + _label_table(examination) + list(_notes(examination))
    if examination.missing:
        lines += [f"missing: {examination.missing:,}", *_some(examination.absent, examination.missing)]
    if examination.unreadable:
        reasons = [reason for _, reason in sorted(examination.unreadable.items())]
        lines += [f"unreadable: {len(reasons):,}", *_some(reasons, len(reasons))]
    return lines + _odd(examination)


def _odd(examination: Examination) -> list[str]:
    """What is odd about shapes, and which are there twice."""
    if examination.things == "recordings":
        return []
    lines = [f"{kind}: {len(names):,} ({ODDITIES[kind]})" for kind, names in examination.oddities.items()]
    copies, leaked = examination.copies, examination.leaked
    if copies:
        pairs = [f"{name} = {first}" for name, first in leaked or copies]
        lines += [f"there twice: {len(copies):,}, {len(leaked):,} of them across splits", *_some(pairs, len(pairs))]
    if len(examination.found) > 1:
        lines.append(
            "equal shapes alone are found here; python -m scripts.doctor repeats --store STORE finds those that are "
            "nearly so, once they are prepared"
        )
    return lines


def _split_table(examination: Examination) -> list[str]:
    found, published = examination.found, examination.published
    rows = [(split, f"{count:,}", _number(published.get(split))) for split, count in found.items()]
    rows += [
        (split, "0", f"{published[split]:,}")
        for split in ("train", "valid", "test")
        if split in published.keys() - found
    ]
    rows.append(("all", f"{sum(found.values()):,}", _number(sum(published.values()) or None)))
    if examination.labels:
        rows.append(("classes", f"{len(examination.labels):,}", _number(examination.dataset.classes)))
    return [f"  {name:<8}{count:>11}{expected:>12}" for name, count, expected in [("", "readable", "published"), *rows]]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _label_table(examination: Examination) -> list[str]:
    """Readable recordings by label and split."""
    labels = examination.labels
    if not labels:
        return []
    splits = list(examination.found)
    shown = list(labels)[: 4 * _SHOWN]
    width = max(len("label"), *(len(label) for label in shown))
    lines = [f"  {'label':<{width}}" + "".join(f"{split:>8}" for split in splits)]
    lines += [f"  {label:<{width}}" + "".join(f"{labels[label][split]:>8,}" for split in splits) for label in shown]
    if len(labels) > len(shown):
        lines.append(f"  … and {len(labels) - len(shown):,} more labels; --out FILE.json has them all")
    return lines


# What a plan counts under these names, in words.
_COUNTS = {
    "archives_missing": "archives of the list that are not there: {:,}",
    "archives_without_wav": "archives without .wav files, which count for nothing: {:,}",
    "unlisted": "recordings that no list names, left out: {:,}",
    "doubled": "recordings that are there twice, one of each is used: {:,}",
}
_NAMES = ("parts_absent", "missing_folds")


def _notes(examination: Examination) -> Iterator[str]:
    source = examination.plan.source
    yield from (text.format(source[key]) for key, text in _COUNTS.items() if source.get(key))
    yield from other_kinds(source)
    absent = [name for key in _NAMES for name in source.get(key) or ()]
    if absent:
        yield f"parts that are not there: {', '.join(absent)}"
    if examination.empty:
        yield f"nothing readable in: {', '.join(examination.empty)}"
    if examination.unlearnt:
        yield f"labels that never occur in train, so cannot be learnt: {', '.join(examination.unlearnt[:_SHOWN])}"
    packed_beside = [
        path.name
        for archive in examination.dataset.archives
        for path in sorted(examination.plan.root.glob(archive.pattern))
    ]
    if packed_beside and examination.state == "partial":
        yield f"archives beside the tree, perhaps not unpacked: {', '.join(packed_beside[:_SHOWN])}"


def _some(lines: Sequence[str], total: int, hint: str = "; --out FILE lists them all") -> list[str]:
    """The first of `lines`, and how many of the `total` are not among them."""
    shown = [f"  {line}" for line in lines[:_SHOWN]]
    left = total - len(shown)
    return [*shown, f"  … and {left:,} more{hint if total == len(lines) else ''}"] if left else shown


def _write(examination: Examination, out: Path) -> None:
    if out.suffix == ".json":
        write_json(out, examination.record())
    else:
        lines = [f"missing {name}\n" for name in examination.absent]
        lines += [f"unreadable {name}: {reason}\n" for name, reason in examination.unreadable.items()]
        lines += [f"{kind} {name}\n" for kind, names in examination.oddities.items() for name in names]
        lines += [f"twice {name}: {first}\n" for name, first in examination.copies]
        write_text(out, "".join(lines))
    say(f"{out}: {len(examination.absent):,} missing and {len(examination.unreadable):,} unreadable are listed")


_WITH_OPTIONS: dict[str, Callable[..., None]] = {
    "voxceleb1": voxceleb1,
    "voxforge": voxforge,
    "spcv2-12": spcv2_12,
    "audioset": audioset,
    "fsd50k": fsd50k,
    "modelnet-txt": modelnet_txt,
    "scanobjectnn": scanobjectnn,
    **{dataset.name: _of_shapes(dataset) for dataset in SHAPES if dataset.name not in ("modelnet-txt", "scanobjectnn")},
}
COMMANDS: dict[str, Callable[..., None]] = {
    **{name: _WITH_OPTIONS.get(name) or _without_options(dataset) for name, dataset in DATASETS.items()},
    "repeats": repeats,
    "store": whole_store,
}


def flagged(argv: Sequence[str]) -> list[str]:
    """The same command line; a store that is named alone stands for --store."""
    lone = len(argv) > 1 and argv[0] == "store" and not argv[1].startswith("-")
    return [argv[0], "--store", *argv[1:]] if lone else list(argv)


if __name__ == "__main__":
    raise SystemExit(run(COMMANDS, flagged(sys.argv[1:]), description=__doc__))
