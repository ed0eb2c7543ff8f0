"""AudioSet (Gemmeke et al., ICASSP 2017), ten-second clips of YouTube videos, for pretraining without labels.

AudioSet is published as lists of clips, not as sound, so every copy is another part of it, in another tree. What
is understood here is one folder a part, with recordings right in it or in folders below, and the lists where they
are at hand:

    balanced_train_segments/<clip>.wav
    unbalanced_train_segments/unbalanced_train_segments_part00/<clip>.wav
    eval_segments/<clip>.wav
    balanced_train_segments.csv  unbalanced_train_segments.csv  eval_segments.csv

The parts may also lie in a folder `audio`, `audios` or `data` and be called `balanced_train` or `bal_train`, and so
on; the lists in `meta` or `metadata`. A clip is named by the video, eleven characters, perhaps after a `Y` and
before the clip's times (`Y--aE2O5G5WE.wav`, `--aE2O5G5WE_0_10000.flac`); any format that can be decoded does.

Clips are missing everywhere, since videos vanish: they are counted against the lists and shown, but are no fault.
BYOL-A was pretrained on 1,963,807 clips of both training parts (Niizumi et al., IJCNN 2021). AudioSet gives a clip
several labels; none is kept. Split: train, or test for the part `eval`, which enters only when asked for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import find_list, read_lines
from randquant.data_prep.recordings import DECODED, FOREIGN, RECORDINGS
from randquant.data_prep.scan import sizes_below
from randquant.errors import DataError, UsageError

Part = Literal["balanced", "unbalanced", "eval"]

PARTS: dict[Part, tuple[str, ...]] = {
    "balanced": ("balanced_train_segments", "balanced_train", "bal_train"),
    "unbalanced": ("unbalanced_train_segments", "unbalanced_train", "unbal_train"),
    "eval": ("eval_segments", "eval"),
}
_ABOVE = ("", "audio/", "audios/", "data/")
_DEPTH = 3  # folders below a part's
_COUNTED = ("missing", "unlisted", "doubled", "unrecognised")  # in each part and in all of them
_SHOWN = 20  # missing clips that store.json names

_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
_TIMES = r"(?:_\d+(?:\.\d+)?){0,2}"
_CLIP = re.compile(rf"({_VIDEO.pattern}){_TIMES}|Y({_VIDEO.pattern}){_TIMES}")


@dataclass
class _Clips:
    """The files of one part by video, and the counts of what was left out."""

    folders: list[str]
    files: dict[str, tuple[str, int]]
    unrecognised: int = 0
    doubled: int = 0
    unlisted: int = 0
    listed: int | None = None
    missing: int = 0
    missing_first: tuple[str, ...] = ()

    def numbers(self) -> dict[str, Any]:
        return {"found": len(self.files), **{name: getattr(self, name) for name in ("listed", *_COUNTED)}}


def plan_audioset(root: str | Path, parts: Sequence[Part] = ("balanced", "unbalanced")) -> Plan:
    """The available clips of some parts of AudioSet, part by part, sorted by path.

    A part that is not there is skipped as long as another one is.

    Args:
        root: folder that holds the parts.
        parts: which of balanced, unbalanced and eval.

    Raises:
        DataError: none of the parts is there or none has a clip, or a list is wrong.
        UsageError: no parts, unknown or repeated ones.
    """
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= PARTS.keys():
        raise UsageError(f"--parts should be some of {', '.join(PARTS)}, each once, got {', '.join(parts) or 'none'}.")
    root = find_root(root, DATASET)
    read = {part: _read(root, part) for part in parts}
    present = {part: clips for part, clips in read.items() if clips.folders}
    if not present:
        names = ", ".join(PARTS[part][0] for part in parts)
        raise DataError(f"{root} holds none of {names}; check --root and --parts.")
    if not any(clips.files for clips in present.values()):
        raise DataError(_no_clips(root, present))
    items = [
        Item(path, size, split="test" if part == "eval" else "train")
        for part, clips in present.items()
        for path, size in sorted(clips.files.values())
    ]
    return Plan(root, items, RECORDINGS, _source(root, items, read))


def _read(root: Path, part: Part) -> _Clips:
    folders = [above + name for above in _ABOVE for name in PARTS[part] if (root / above / name).is_dir()]
    clips = _Clips(folders, {})
    for path, size in sizes_below(root, folders, DECODED + FOREIGN, depth=_DEPTH).items():
        video = clip_video(path)
        if video is None:
            clips.unrecognised += 1
        else:
            clips.doubled += video in clips.files
            clips.files[video] = min(clips.files.get(video, (path, size)), (path, size))
    table = find_list(root, f"{PARTS[part][0]}.csv")
    if table is not None and folders:
        _compare(clips, table)
    return clips


def clip_video(path: str) -> str | None:
    """The video ID in a file name; None if there is none.

    >>> clip_video("part00/Y--aE2O5G5WE.wav"), clip_video("--aE2O5G5WE_0_10000.flac"), clip_video("noise.wav")
    ('--aE2O5G5WE', '--aE2O5G5WE', None)
    """
    match = _CLIP.fullmatch(path.rpartition("/")[2].rpartition(".")[0])
    return match and (match[1] or match[2])


def _compare(clips: _Clips, table: Path) -> None:
    """Keep the clips that the list names; count its entries without a clip."""
    listed = _listed(table)
    strange = clips.files.keys() - listed
    for video in strange:
        del clips.files[video]
    absent = listed - clips.files.keys()
    clips.listed, clips.unlisted, clips.missing = len(listed), len(strange), len(absent)
    clips.missing_first = tuple(sorted(absent)[:_SHOWN])


def _listed(table: Path) -> set[str]:
    """The videos of a list: lines `YTID, start, end, "labels"` after comments."""
    videos = set()
    for number, line in enumerate(read_lines(table, "AudioSet's list of clips"), start=1):
        if not line or line.startswith("#"):
            continue
        video, comma, _ = line.partition(",")
        if not comma or _VIDEO.fullmatch(video) is None:
            raise DataError(
                f"{table} line {number} reads {line[:60]!r} where AudioSet's lists have lines as "
                "'--aE2O5G5WE, 0.000, 10.000, \"/m/03fwl\"'; download it again."
            )
        videos.add(video)
    if not videos:
        raise DataError(f"{table} names no clips where AudioSet's list of clips is expected; download it again.")
    return videos


def _no_clips(root: Path, present: dict[Part, _Clips]) -> str:
    folders = ", ".join(folder for clips in present.values() for folder in clips.folders)
    others = sum(clips.unrecognised + clips.unlisted for clips in present.values())
    return (
        f"{root} holds no clip of AudioSet in {folders}, only {others:,} recordings with other names; "
        "prepare those as a folder (python -m scripts.prepare folder), or check --root."
    )


def _source(root: Path, items: Sequence[Item], read: dict[Part, _Clips]) -> dict[str, Any]:
    return {
        **DATASET.describe(root, items, "parts of AudioSet"),
        "published": dict(DATASET.items) if set(read) == {"balanced", "unbalanced"} else {},
        "missing_first": [name for clips in read.values() for name in clips.missing_first][:_SHOWN],
        **{name: sum(getattr(clips, name) for clips in read.values()) for name in _COUNTED},
        "parts": {part: clips.numbers() for part, clips in read.items()},
        "parts_absent": [part for part, clips in read.items() if not clips.folders],
    }


DATASET = Dataset(
    name="audioset",
    title="AudioSet",
    kind="audio",
    licence="lists CC BY 4.0; the clips belong to those who published the videos",
    source="Gemmeke et al., Audio Set: an ontology and human-labeled dataset for audio events, ICASSP 2017",
    tree=(
        "balanced_train_segments/<clip>.wav\nunbalanced_train_segments/<clip>.wav\neval_segments/<clip>.wav\n"
        "balanced_train_segments.csv  unbalanced_train_segments.csv  eval_segments.csv"
    ),
    marks=(
        *("balanced_train*", "unbalanced_train*", "bal_train", "unbal_train", "eval_segments"),
        *(above + name for above in _ABOVE[1:] for name in ("*bal*_train*", "eval*")),
    ),
    plan=plan_audioset,
    items={"train": 1_963_807},  # the copy BYOL-A was pretrained on
    by_hand=(
        "AudioSet is published as lists of YouTube clips (https://research.google.com/audioset/download.html); the "
        "sound has to come from elsewhere. Lay it out as above and save the lists next to it."
    ),
)
