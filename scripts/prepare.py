"""Prepare a dataset, recordings or shapes, once: into a store that training reads.

Every recording is decoded to 16 kHz mono:

    python -m scripts.prepare folder --root RECORDINGS --out STORE                    any tree of recordings
    python -m scripts.prepare labelled --csv TASK.csv --root RECORDINGS --out STORE   path,label,group,split
    python -m scripts.prepare us8k --root URBANSOUND8K --out STORE                    a public dataset:
                              nsynth us8k voxceleb1 voxforge spcv2 spcv2-12 for probes, audioset fsd50k for pretraining
    python -m scripts.prepare synthetic-us8k --out URBANSOUND8K                       a small made-up one in its tree

Every shape becomes 2,048 points (--points), upright along z, in the unit sphere, in farthest-point order:

    python -m scripts.prepare meshes --root MESHES --out STORE                        OFF, PLY, OBJ, STL, glTF
    python -m scripts.prepare clouds --root CLOUDS --out STORE                        NPY, PLY, PCD, LAS, E57, XYZ, ...
    python -m scripts.prepare meshes --csv TASK.csv --root MESHES --out STORE         path,label,group,split; clouds too
    python -m scripts.prepare modelnet --root MODELNET40 --out STORE                  a public dataset:
                              modelnet modelnet-txt modelnet-h5 modelnet-dat scanobjectnn shapenetpart, shapenet for
                              pretraining
    python -m scripts.prepare synthetic-modelnet --out FOLDER                         a small made-up one in its tree

--up says which axis points up in the files. Where train and test alone are published, a tenth of each class of train
becomes valid (--validation), always the same one; results are still counted against all of the published train.

A public dataset's --root is the folder its archives were unpacked in, or one that holds the archives themselves; these
are then unpacked beside the store, or below --unpack. With --download they are fetched into --root first, where that
is possible. `python -m scripts.doctor` checks a tree without preparing it.

The work is done by processes of this computer (--workers), or by a Dask cluster's: --dask tcp://HOST:8786. The store is
the same whoever does it. Stop it whenever you like: the same command goes on from there. Files that cannot be read are
listed at the end. It closes with

    STORE: 8,732 recordings, 8.75 hours, 0 skipped
    8,732 of 8,732 published recordings, 10 of 10 classes; splits: the ten folds of UrbanSound8K.csv

or, for shapes, with

    STORE: 12,311 shapes of 2,048 points (x y z nx ny nz), 0 skipped
    12,311 of 12,311 published shapes, 40 of 40 classes; splits: folders, valid is 10 % of each class of train
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from audio.levels import COUNTED, TRACKS, count_levels, levels_line
from audio.samples import Channel, Intake, assumed_rate, check_array_rate, count_arrays
from data_prep.dataset import Dataset
from data_prep.datasets.clouds import plan_clouds
from data_prep.datasets.folder import plan_folder
from data_prep.datasets.labelled import plan_labelled
from data_prep.datasets.meshes import plan_meshes
from data_prep.datasets.registry import DATASETS
from data_prep.datasets.scanobjectnn import Variant
from data_prep.engine.preparation import Plan, prepare
from data_prep.engine.sources import source as file_source
from data_prep.fetching.archives import packed, unpacked_root
from data_prep.fetching.download import download as fetch
from data_prep.layout import holds_tree
from data_prep.plan_notes import notes
from data_prep.reading_notes import READING, reading_notes
from data_prep.recordings import recordings_reader
from data_prep.shapes import BY_FORMAT, UP_BY_FORMAT
from data_prep.surface import Sampling
from data_prep.synthetic import (
    write_audioset,
    write_fsd50k,
    write_modelnet,
    write_modelnet_dat,
    write_modelnet_h5,
    write_modelnet_txt,
    write_nsynth,
    write_scanobjectnn,
    write_shapenet55,
    write_shapenetpart,
    write_speech_commands,
    write_us8k,
    write_voxceleb1,
    write_voxforge,
)
from pointcloud.geometry import Axis
from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.data.coverage import coverage
from randquant.data.store import SPLITS, Store
from randquant.errors import UsageError

_SHOWN = 20  # labels and skipped files in the summary; store.json has them all


@dataclass(frozen=True)
class Settings:
    """What every preparation takes.

    Attributes:
        root: folder of recordings, at any depth; WAV, FLAC, MP3, M4A and others, any rate, any number of
            channels.
        out: store to write.
        workers: processes; one a core by default.
        strict: stop at the first unreadable or missing file instead of listing it at the end.
        dask: address of a Dask scheduler whose workers do the work, as in tcp://host:8786.
    """

    root: Path
    out: Path
    workers: int | None = None
    strict: bool = False
    dask: str | None = None


@dataclass(frozen=True)
class Sounds(Settings):
    """Recordings of one's own.

    Attributes:
        channel: the mean of all, the left, the right, or the loudest of each recording.
        peak_normalise: scale each recording so that its largest sample is full scale.
        sample_rate: of .npy waveforms, which do not say theirs: 16,000 by default; with it those beside other
            recordings are prepared too.
    """

    channel: Channel = "mean"
    peak_normalise: bool = False
    sample_rate: int | None = None


@dataclass(frozen=True)
class Labelled(Sounds):
    """Recordings named by a table.

    Attributes:
        root: folder the paths in the table start from.
        csv: table with the columns path,label,group,split; group is optional, split is train, valid or test.
    """

    csv: Path = field(kw_only=True)


@dataclass(frozen=True)
class Public(Settings):
    """A public dataset.

    Attributes:
        root: folder its archives were unpacked in, or that holds the archives.
        unpack: where archives found in --root are unpacked; STORE.unpacked beside the store by default.
        download: fetch the archives into --root first; what is there already is not fetched again.
    """

    unpack: Path | None = None
    download: bool = False


@dataclass(frozen=True)
class PublicSounds(Public):
    """A public dataset of recordings.

    Attributes:
        channel: the mean of all, the left, the right, or the loudest of each recording.
        peak_normalise: scale each recording so that its largest sample is full scale.
    """

    channel: Channel = "mean"
    peak_normalise: bool = False


@dataclass(frozen=True)
class VoxCeleb1(PublicSounds):
    """VoxCeleb1.

    Attributes:
        iden_split: the official list; iden_split.txt at the root by default.
    """

    iden_split: Path | None = None


@dataclass(frozen=True)
class VoxForge(PublicSounds):
    """VoxForge.

    Attributes:
        split: "speaker", as TensorFlow Datasets draws it, or "evar", which takes EVAR's table.
        urls: the list of submissions; voxforge_urls.txt at the root by default.
        csv: EVAR's table, for --split evar.
    """

    split: Literal["speaker", "evar"] = "speaker"
    urls: Path | None = None
    csv: Path | None = None


@dataclass(frozen=True)
class SpeechCommands12(PublicSounds):
    """Speech Commands V2, 12 classes.

    Attributes:
        variant: "tfds" with the test set's own archive, "archive" with testing_list.txt.
    """

    variant: Literal["tfds", "archive"] = "tfds"


@dataclass(frozen=True)
class AudioSet(PublicSounds):
    """AudioSet.

    Attributes:
        parts: which of balanced, unbalanced and eval.
    """

    parts: list[Literal["balanced", "unbalanced", "eval"]] = field(default_factory=lambda: ["balanced", "unbalanced"])


@dataclass(frozen=True)
class FSD50K(PublicSounds):
    """FSD50K.

    Attributes:
        parts: which of dev and eval.
    """

    parts: list[Literal["dev", "eval"]] = field(default_factory=lambda: ["dev"])


@dataclass(frozen=True)
class Meshes(Settings):
    """Meshes of one's own.

    Attributes:
        root: folder of meshes, at any depth; OFF, PLY, OBJ, STL, glTF.
        csv: table with the columns path,label,group,split, which says what to prepare and how it is labelled; all
            meshes without labels by default.
        points: drawn from the surface of each.
        sampling: "area", each point anywhere on the surface, or "poisson", evenly spread (needs Open3D, slow).
        up: the axis that points up in the files; by default that of their format, y in glTF files and z in others.
        seed: of the points drawn.
    """

    csv: Path | None = None
    points: int = 2048
    sampling: Sampling = "area"
    up: Axis | None = None
    seed: int = 0


@dataclass(frozen=True)
class Clouds(Settings):
    """Clouds of points of one's own.

    Attributes:
        root: folder of files of points, at any depth; NPY, NPZ, PLY, PCD, LAS, LAZ, E57, PTX, BIN,
            and tables as XYZ, PTS, ASC, TXT, CSV.
        csv: table with the columns path,label,group,split, which says what to prepare and how it is labelled; all
            clouds without labels by default.
        points: of each to keep, spread over it; files with fewer are skipped.
        normals: keep the normals too, which every file then needs.
        up: the axis that points up in the files.
        columns: names for the columns of files that do not name theirs, as in --columns x y z i for KITTI's .bin; _ for
            one to pass over.
    """

    csv: Path | None = None
    points: int = 2048
    normals: bool = False
    up: Axis = "z"
    columns: list[str] | None = None


@dataclass(frozen=True)
class ModelNet(Public):
    """ModelNet40, ModelNet10 or another set of meshes in their tree.

    Attributes:
        points: drawn from the surface of each mesh.
        sampling: "area", each point anywhere on the surface, or "poisson", evenly spread (needs Open3D, slow).
        up: the axis that points up in the files.
        seed: of the points drawn.
        validation: share of each class of train that becomes valid; 0 for none.
    """

    points: int = 2048
    sampling: Sampling = "area"
    up: Axis = "z"
    seed: int = 0
    validation: float = 0.1


@dataclass(frozen=True)
class ModelNetTxt(Public):
    """ModelNet40 as 10,000 points a shape.

    Attributes:
        classes: 40 or 10, whose lists to take.
        points: the first of each file to keep.
        normals: keep the normals too.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.
    """

    classes: Literal[10, 40] = 40
    points: int = 2048
    normals: bool = True
    up: Axis = "y"
    validation: float = 0.1


@dataclass(frozen=True)
class ModelNetH5(Public):
    """ModelNet40 as 2,048 points a shape.

    Attributes:
        points: the first of each shape to keep.
        normals: keep the normals too, where the files have them.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.
    """

    points: int = 2048
    normals: bool = False
    up: Axis = "y"
    validation: float = 0.1


@dataclass(frozen=True)
class ModelNetDat(Public):
    """ModelNet as pickles of farthest points.

    Attributes:
        classes: 40 or 10, whose files to take.
        points: the first of each shape to keep.
        normals: keep the normals too.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.
        workers: processes; each holds a whole file, 2 GB of ModelNet40 at 8,192 points.
    """

    classes: Literal[10, 40] = 40
    points: int = 2048
    normals: bool = True
    up: Axis = "y"
    validation: float = 0.1
    workers: int | None = 1


@dataclass(frozen=True)
class ScanObjectNN(Public):
    """ScanObjectNN.

    Attributes:
        variant: "obj_bg", "obj_only" or "pb_t50_rs".
        points: the first of each shape to keep.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.
    """

    variant: Variant = "pb_t50_rs"
    points: int = 2048
    up: Axis = "y"
    validation: float = 0.1


@dataclass(frozen=True)
class ShapeNet(Public):
    """ShapeNet.

    Attributes:
        points: of each shape to keep.
        sampling: of meshes; "area", each point anywhere on the surface, or "poisson", evenly spread (slow).
        up: the axis that points up in the files.
        seed: of the points drawn from meshes.
    """

    points: int = 2048
    sampling: Sampling = "area"
    up: Axis = "y"
    seed: int = 0


@dataclass(frozen=True)
class ShapeNetPart(Public):
    """ShapeNetPart.

    Attributes:
        points: of each shape to keep, which leaves out the shapes that have fewer; all of each by default.
        normals: keep the normals too.
        up: the axis that points up in the files.
    """

    points: int | None = None
    normals: bool = True
    up: Axis = "y"


def folder(settings: Sounds) -> None:
    """Prepare every recording below a folder, without labels."""
    _prepare(plan_folder(settings.root, arrays=settings.sample_rate is not None), settings)


def labelled(settings: Labelled) -> None:
    """Prepare the recordings a CSV file names, with their labels and splits."""
    _prepare(plan_labelled(settings.csv, settings.root), settings)


def nsynth(settings: PublicSounds) -> None:
    """Prepare NSynth, labelled with the instrument family."""
    _prepare_public("nsynth", settings)


def us8k(settings: PublicSounds) -> None:
    """Prepare UrbanSound8K, in its ten folds."""
    _prepare_public("us8k", settings)


def voxceleb1(settings: VoxCeleb1) -> None:
    """Prepare VoxCeleb1 for speaker identification."""
    _prepare_public("voxceleb1", settings, {"iden_split": settings.iden_split})


def voxforge(settings: VoxForge) -> None:
    """Prepare VoxForge for language identification."""
    _prepare_public("voxforge", settings, {"split": settings.split, "urls": settings.urls, "csv": settings.csv})


def spcv2(settings: PublicSounds) -> None:
    """Prepare Speech Commands V2, 35 words."""
    _prepare_public("spcv2", settings)


def spcv2_12(settings: SpeechCommands12) -> None:
    """Prepare Speech Commands V2, ten words, silence and unknown words."""
    _prepare_public("spcv2-12", settings, {"variant": settings.variant})


def audioset(settings: AudioSet) -> None:
    """Prepare AudioSet, without labels."""
    _prepare_public("audioset", settings, {"parts": settings.parts})


def fsd50k(settings: FSD50K) -> None:
    """Prepare FSD50K, without labels."""
    _prepare_public("fsd50k", settings, {"parts": settings.parts})


def meshes(settings: Meshes) -> None:
    """Prepare every mesh below a folder, or those that a CSV file names with their labels and splits."""
    plan = plan_meshes(
        settings.root,
        table=settings.csv,
        points=settings.points,
        sampling=settings.sampling,
        up=settings.up,
        seed=settings.seed,
    )
    _prepare(plan, settings)


def clouds(settings: Clouds) -> None:
    """Prepare every cloud of points below a folder, or those that a CSV file names with their labels and splits."""
    plan = plan_clouds(
        settings.root,
        table=settings.csv,
        points=settings.points,
        normals=settings.normals,
        up=settings.up,
        columns=settings.columns,
    )
    _prepare(plan, settings)


def modelnet(settings: ModelNet) -> None:
    """Prepare ModelNet40, ModelNet10 or another set of meshes in their tree."""
    archives = [path.name for paths, _ in packed(settings.root, DATASETS["modelnet"]) for path in paths]
    if len(archives) > 1:
        raise UsageError(f"{settings.root} holds {' and '.join(archives)}; keep one there, each makes its own store.")
    _prepare_public("modelnet", settings, _own(settings))


def modelnet_txt(settings: ModelNetTxt) -> None:
    """Prepare ModelNet40 (or 10) from 10,000 points a shape, as text."""
    _prepare_public("modelnet-txt", settings, _own(settings))


def modelnet_h5(settings: ModelNetH5) -> None:
    """Prepare ModelNet40 from 2,048 points a shape, in HDF5 files."""
    _prepare_public("modelnet-h5", settings, _own(settings))


def modelnet_dat(settings: ModelNetDat) -> None:
    """Prepare ModelNet from Point-BERT's pickles of farthest points, which are read without running them."""
    _prepare_public("modelnet-dat", settings, _own(settings))


def scanobjectnn(settings: ScanObjectNN) -> None:
    """Prepare one variant of ScanObjectNN."""
    _prepare_public("scanobjectnn", settings, _own(settings))


def shapenet(settings: ShapeNet) -> None:
    """Prepare ShapeNet, for pretraining: meshes, ShapeNet-55 or one array of clouds."""
    _prepare_public("shapenet", settings, _own(settings))


def shapenetpart(settings: ShapeNetPart) -> None:
    """Prepare ShapeNetPart, with the part of each point."""
    _prepare_public("shapenetpart", settings, _own(settings))


def _own(settings: Public) -> dict[str, Any]:
    """What a dataset's settings add to those of every public one: the options of its plan."""
    common = {shared.name for shared in fields(Public)}
    return {own.name: getattr(settings, own.name) for own in fields(settings) if own.name not in common}


def synthetic_nsynth(out: Path, instruments: int = 6, notes_per_instrument: int = 9, seed: int = 0) -> None:
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
    write_nsynth(
        out,
        train_instruments=instruments,
        held_out_instruments=max(1, instruments // 3),
        notes_per_instrument=notes_per_instrument,
        seed=seed,
    )
    _print_next("nsynth", out)


def synthetic_modelnet(out: Path, train: int = 30, test: int = 12, seed: int = 0) -> None:
    """Write made-up shapes of fifteen families in the tree of ModelNet40, to prepare with `modelnet`.

    Args:
        out: folder to write into.
        train: shapes of each family in train, about 10 KB each.
        test: and in test.
        seed: of everything that is drawn.
    """
    if train < 1 or test < 1 or seed < 0:
        raise UsageError(f"--train and --test should be at least 1 and --seed 0, got {train}, {test} and {seed}.")
    _print_next("modelnet", write_modelnet(out, train=train, test=test, seed=seed))


def _synthetic(
    write: Callable[..., Path], title: str, *names: str, kind: Literal["sounds", "shapes"] = "sounds"
) -> Callable[..., None]:
    """The command that writes a small set in the tree of a dataset, which `names` prepare."""

    def command(out: Path, seed: int = 0) -> None:
        if seed < 0:
            raise UsageError(f"--seed should be at least 0, got {seed}.")
        root = write(out, seed=seed)
        for name in names:
            _print_next(name, root)

    command.__doc__ = f"""Write a few megabytes of made-up {kind} in the tree of {title}.

    Args:
        out: folder to write into.
        seed: of everything that is drawn.
    """
    return command


def _print_next(name: str, root: Path) -> None:
    say(f"{root}: prepare it with python -m scripts.prepare {name} --root {root} --out STORE")


def _prepare_public(name: str, settings: Public, options: Mapping[str, Any] | None = None) -> None:
    """From archives or from a tree to a store; `options` go to the dataset's plan."""
    dataset, out = DATASETS[name], settings.out
    unpacked = settings.unpack or out.with_name(f"{out.name}.unpacked")
    if _is_made_of_archives(settings, dataset):
        _print_complete(Store.open(out))
        return
    if settings.download:
        _download(dataset, settings.root)
    archives = packed(settings.root, dataset)
    root = unpacked_root(settings.root, dataset, unpacked)
    plan = dataset.plan(root, **(options or {}))
    if archives:
        plan = replace(plan, source={**plan.source, "archives": _identity(archives)})
    _prepare(plan, settings)
    if archives:
        say(f"{unpacked} holds what was unpacked; the store does not need it, so it may be deleted.")


def _download(dataset: Dataset, root: Path) -> None:
    if holds_tree(root, dataset):
        raise UsageError(
            f"{root} holds {dataset.title} unpacked already; leave out --download, or give an empty --root to fetch "
            "the archives into."
        )
    fetch(dataset, root)


def _is_made_of_archives(settings: Public, dataset: Dataset) -> bool:
    """Whether the store is complete and was made of the very archives at the root, so that nothing need be unpacked.

    With --download they may be gone by now: they are not fetched again to find out that nothing is to be done.
    """
    if not Store.exists(settings.out):
        return False
    source = Store.open(settings.out).info.get("source", {})
    if source.get("dataset") != dataset.name or "archives" not in source:
        return False
    archives = packed(settings.root, dataset)
    gone = settings.download and not archives and not holds_tree(settings.root, dataset)
    now = _identity(archives)
    return gone or all(now.get(name) == value for name, value in source["archives"].items())


def _identity(archives: Sequence[tuple[tuple[Path, ...], str]]) -> dict[str, Any]:
    """How many archive files, a hash of their names and sizes, and one of samples of their bytes."""
    files = sorted(path for paths, _ in archives for path in paths)
    sizes = sorted((path.name, path.stat().st_size) for path in files)
    samples = sorted((path.name, found.sample) for path in files if (found := file_source(path.parent, path.name)))
    return {"files": len(files), "sha256": _sha256(sizes), "samples": _sha256(samples)}


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _prepare(plan: Plan, settings: Settings) -> None:
    if isinstance(settings, Sounds | PublicSounds):
        plan = replace(plan, reader=recordings_reader(_intake(settings)))
    complete = Store.exists(settings.out)
    store = prepare(plan, settings.out, workers=settings.workers, strict=settings.strict, dask=settings.dask)
    if complete:
        _print_complete(store)
    else:
        say(*summary(store))


def _intake(settings: Sounds | PublicSounds) -> Intake:
    array_rate = settings.sample_rate if isinstance(settings, Sounds) else None
    if array_rate is not None:
        check_array_rate(array_rate)
    return Intake(settings.channel, settings.peak_normalise, array_rate)


def _print_complete(store: Store) -> None:
    say(f"{store.path} is complete already; nothing was done.")
    say(*summary(store))


def summary(store: Store) -> list[str]:
    """What a store holds, how much of the published dataset that is, and what was left out, in lines."""
    skipped = store.info["skipped"]
    lines = [f"{store.path}: {_amount(store)}, {len(skipped):,} skipped"]
    if store.info.get("file_up") == BY_FORMAT:
        lines.append(UP_BY_FORMAT)
    lines += _published(store) + notes(store.info["source"]) + _readings(store) + _levels(store) + _table(store)
    lines += [f"skipped {entry['path']}: {entry['reason']}" for entry in skipped[:_SHOWN]]
    if len(skipped) > _SHOWN:
        lines.append(f"… and {len(skipped) - _SHOWN:,} more; store.json lists them all")
    return lines


def _amount(store: Store) -> str:
    """Recordings and their hours, or shapes and their points."""
    if store.kind == "audio":
        hours = float(store.lengths.sum()) / store.info["sample_rate"] / 3600
        return f"{len(store):,} recordings, {hours:.2f} hours"
    fewest, most = int(store.lengths.min()), int(store.lengths.max())
    points = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    return f"{len(store):,} shapes of {points} points ({' '.join(store.info['channels'])})"


def _readings(store: Store) -> list[str]:
    """What was odd in the files, by the columns of the manifest that their readers wrote."""
    found = {}
    for name in READING:
        try:
            found[name] = store.column(name)
        except KeyError:  # none of the files was
            continue
    rows = (dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True))
    return reading_notes(rows, "recordings" if store.kind == "audio" else "shapes")


def _levels(store: Store) -> list[str]:
    """Recordings that are silent, clipped or cancel, and those whose rate was assumed; nothing of older stores."""
    columns = {}
    for name in (*COUNTED, TRACKS):
        with suppress(KeyError):
            columns[name] = store.column(name)
    if not columns:
        return []
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    arrays = 0 if "array_rate" in store.info else count_arrays(store.column("path"))
    return [levels_line(count_levels(rows)), *([assumed_rate(arrays)] if arrays else [])]


def _published(store: Store) -> list[str]:
    """How much of what was published is in the store."""
    source = store.info["source"]
    covered = coverage(source, _official(source, store.column("split")))
    if not covered["published"]:
        return []
    total = sum(covered["published"].values())
    line = f"{len(store):,} of {total:,} published {'recordings' if store.kind == 'audio' else 'shapes'}"
    classes = source.get("classes_published")
    if classes is not None:
        line += f", {len({label for label in store.column('label') if label is not None}):,} of {classes:,} classes"
    line += f"; splits: {covered['split_source']}"
    if covered["complete"]:
        return [line]
    return [line, f"not the published numbers ({covered['differs']}); results on this store say so"]


def _official(source: Mapping[str, Any], splits: Sequence[str | None]) -> Counter[str]:
    """Items by published split: valid is part of train where only that is published."""
    parted = "train" in source.get("published", {}) and "valid" not in source["published"]
    return Counter("train" if parted and split == "valid" else split or "unused" for split in splits)


def _table(store: Store) -> list[str]:
    """Items by label and split."""
    counts = Counter(zip(store.column("label"), store.column("split"), strict=True))
    labels = sorted({label for label, _ in counts if label is not None})
    if not labels:
        return []
    splits = _columns({split for _, split in counts if split is not None})
    width = max(len("label"), *(len(label) for label in labels[:_SHOWN]))
    lines = [f"  {'label':<{width}}" + "".join(f"{split:>9}" for split in splits)]
    for label in labels[:_SHOWN]:
        lines.append(f"  {label:<{width}}" + "".join(f"{counts[label, split]:>9,}" for split in splits))
    if len(labels) > _SHOWN:
        lines.append(f"  … and {len(labels) - _SHOWN:,} more labels")
    totals = [sum(count for (_, found), count in counts.items() if found == split) for split in splits]
    return [*lines, f"  {'all':<{width}}" + "".join(f"{total:>9,}" for total in totals)]


def _columns(splits: set[str]) -> list[str]:
    """train, valid and test, or the folds by number."""
    folds = sorted(splits - set(SPLITS), key=lambda split: (len(split), split))
    return folds if folds and not splits & set(SPLITS) else [*SPLITS, *folds]


COMMANDS: dict[str, Callable[..., None]] = {
    "folder": folder,
    "labelled": labelled,
    "nsynth": nsynth,
    "us8k": us8k,
    "voxceleb1": voxceleb1,
    "voxforge": voxforge,
    "spcv2": spcv2,
    "spcv2-12": spcv2_12,
    "audioset": audioset,
    "fsd50k": fsd50k,
    "meshes": meshes,
    "clouds": clouds,
    "modelnet": modelnet,
    "modelnet-txt": modelnet_txt,
    "modelnet-h5": modelnet_h5,
    "modelnet-dat": modelnet_dat,
    "scanobjectnn": scanobjectnn,
    "shapenet": shapenet,
    "shapenetpart": shapenetpart,
    "synthetic-nsynth": synthetic_nsynth,
    "synthetic-us8k": _synthetic(write_us8k, "UrbanSound8K", "us8k"),
    "synthetic-voxceleb1": _synthetic(write_voxceleb1, "VoxCeleb1", "voxceleb1"),
    "synthetic-voxforge": _synthetic(write_voxforge, "VoxForge", "voxforge"),
    "synthetic-spcv2": _synthetic(write_speech_commands, "Speech Commands V2", "spcv2", "spcv2-12"),
    "synthetic-audioset": _synthetic(write_audioset, "AudioSet", "audioset"),
    "synthetic-fsd50k": _synthetic(write_fsd50k, "FSD50K", "fsd50k"),
    "synthetic-modelnet": synthetic_modelnet,
    "synthetic-modelnet-txt": _synthetic(
        write_modelnet_txt, "modelnet40_normal_resampled", "modelnet-txt", kind="shapes"
    ),
    "synthetic-modelnet-h5": _synthetic(write_modelnet_h5, "modelnet40_ply_hdf5_2048", "modelnet-h5", kind="shapes"),
    "synthetic-modelnet-dat": _synthetic(write_modelnet_dat, "ModelNet's pickles", "modelnet-dat", kind="shapes"),
    "synthetic-scanobjectnn": _synthetic(write_scanobjectnn, "ScanObjectNN", "scanobjectnn", kind="shapes"),
    "synthetic-shapenet": _synthetic(write_shapenet55, "ShapeNet-55", "shapenet", kind="shapes"),
    "synthetic-shapenetpart": _synthetic(write_shapenetpart, "ShapeNetPart", "shapenetpart", kind="shapes"),
}

if __name__ == "__main__":
    raise SystemExit(run(COMMANDS, description=__doc__))
