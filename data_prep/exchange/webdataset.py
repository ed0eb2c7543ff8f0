"""Shards of webdataset: TAR files whose members of one name belong together, as 0001.flac, 0001.json, 0001.cls.

Headers are read once to plan, the contents once to prepare, shard by shard in parallel; nothing is unpacked.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from randquant.audio.samples import Channel, Intake, assumed_rate, check_array_rate
from randquant.cli.spelling import did_you_mean
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.engine.processes import in_processes
from randquant.data_prep.exchange.held_file import Kind, Media
from randquant.data_prep.exchange.samples import ShardSamples, samples_of
from randquant.data_prep.exchange.splits import Splitting, split_named
from randquant.data_prep.exchange.tar_members import member_at
from randquant.data_prep.pictures import KEEP, Keep
from randquant.data_prep.scan import existing_folder, visible_files
from randquant.data_prep.validation import SHARE, TEST_SHARE
from randquant.errors import DataError, UsageError

SUFFIXES = (".tar", ".tar.gz", ".tgz")
_FEW_BYTES = 64 << 20  # of all shards; below it one process plans
_FIELDS = 12  # that a message names
_NUMBERS = re.compile(r"\{(\d+)\.\.(\d+)\}")
_WORDS = re.compile(r"[-_.]?\d+$")


def plan_webdataset(
    root: str | Path,
    *,
    label: str | None = None,
    group: str | None = None,
    media: str | None = None,
    split: Sequence[str] | None = None,
    validation: float = SHARE,
    test: float = TEST_SHARE,
    sample_rate: int | None = None,
    channel: Channel = "mean",
    peak_normalise: bool = False,
    keep: Keep = KEEP,
    workers: int | None = None,
) -> Plan:
    """Prepare webdataset shards: TAR files of sounds or pictures, each with its .json, .cls or .txt.

    Args:
        root: folder of shards, one shard, or several as in 'FOLDER/shard-{000000..000003}.tar'.
        label: field of the .json (dots for fields within), or extension of a text, as cls or txt; cls by default.
        group: the same for what belongs together, as a speaker.
        media: extension of what to prepare, where keys have several, as flac.
        split: splits to take, by the names of shards or their folders, all by default; train=NAME, valid=NAME or
            test=NAME says what one of another name is.
        validation: share of each class of train that becomes valid, where there is no such split; 0 for none.
        test: share of each class that becomes test, where there is only one split; 0 for none.
        sample_rate: of .npy waveforms, which do not state it; 16,000 by default.
        channel: of recordings: the mean of all, the left, the right, or the loudest of each.
        peak_normalise: of recordings: scale each so that its largest sample is full scale.
        keep: of pictures: raw, the pixels; encoded, the bytes of the files; auto, raw up to 128 x 128 pixels.

    Raises:
        DataError: there are no shards, or nothing in them can be read.
        UsageError: a field, split or extension is not there or has to be chosen.
    """
    splitting = Splitting(split, validation, test)
    if sample_rate is not None:
        check_array_rate(sample_rate)
    paths = _shards(str(root))
    top = Path(root) if Path(root).is_dir() else paths[0].parent
    small = sum(path.stat().st_size for path in paths if path.exists()) < _FEW_BYTES
    tasks = [(path, label, group) for path in paths]
    shards: list[ShardSamples] = list(in_processes(samples_of, tasks, 1 if small else workers))
    kind, extensions, several = _medium(shards, media)
    if label is not None:
        _require(label, shards)
    named = [(path.relative_to(top).as_posix(), shard) for path, shard in zip(paths, shards, strict=True)]
    items, told = splitting.placed([item for name, shard in named for item in _items(name, shard, extensions)])
    counts = Counter(sample.extension for shard in shards for sample in shard.samples)
    arrays = sum(counts[extension] for extension in extensions if extension.endswith("npy"))
    remarks = [*told["remarks"], *_remarks(shards, several, label)]
    remarks += [assumed_rate(arrays)] if arrays and sample_rate is None else []
    source = {"dataset": DATASET.name, "root": str(top), "shards": len(paths), **told, "remarks": remarks}
    source |= {"label": label or "cls", "extensions": sorted(extensions)}
    held = Media(kind, Intake(channel, peak_normalise, sample_rate), keep)
    return Plan(top, items, _reader(held), source)


def _reader(media: Media) -> Reader:
    return Reader(media.kind, _whole, media.files.settings, partial(_read_member, media=media))


def _whole(path: Path) -> Reading:
    raise TypeError(f"{path} holds many items; read one of its members")


def _read_member(path: Path, start: int, stop: int, media: Media) -> Reading:
    """A member's sound or picture, and in the column `file` its name."""
    name, content = member_at(path, start, stop)
    columns, blocks = media.read(content, f"{path} {name}")
    columns["file"] = name
    return columns, blocks


def _shards(root: str) -> list[Path]:
    """The shards, sorted.

    Raises:
        DataError: there are none.
    """
    if Path(root).is_dir():
        found = sorted(path for path in visible_files(Path(root)) if path.name.lower().endswith(SUFFIXES))
        if not found:
            raise DataError(f"{root} holds no shards; give a folder with .tar files.")
        return found
    spread = list(map(Path, _spread(root)))
    missing = [path for path in spread if not path.is_file()]
    if len(missing) == len(spread):
        existing_folder(spread[0])
    if missing:
        raise DataError(f"{len(missing)} of {len(spread)} shards do not exist (the first: {missing[0]}); check --root.")
    if len({path.parent for path in spread}) > 1:
        raise DataError(f"{root} names shards in several folders; give the folder that holds these.")
    return spread


def _spread(pattern: str) -> Iterator[str]:
    """The names that {000..003} stands for, in a shell's way.

    >>> list(_spread("a-{08..10}.tar"))
    ['a-08.tar', 'a-09.tar', 'a-10.tar']
    """
    found = _NUMBERS.search(pattern)
    if found is None:
        yield pattern
        return
    first, last = found.groups()
    for number in range(int(first), int(last) + 1):
        yield from _spread(f"{pattern[: found.start()]}{number:0{len(first)}d}{pattern[found.end() :]}")


def _medium(shards: Sequence[ShardSamples], media: str | None) -> tuple[Kind, set[str], int]:
    """The kind, the extensions to take, and how many samples are of others."""
    counts = Counter((sample.kind, sample.extension) for shard in shards for sample in shard.samples)
    if not counts:
        why = next((shard.damage for shard in shards if shard.damage), "their members end in none of .flac, .jpg, …")
        raise DataError(f"none of the {len(shards)} shards holds a sound or a picture: {why}")
    there = sorted(extension for _, extension in counts)
    if media is not None:
        chosen = media.lower().removeprefix(".")
        kind = next((kind for kind, extension in counts if extension == chosen), None)
        if kind is None:
            raise UsageError(f"--media {media} is no extension of a sound or picture; there are {', '.join(there)}.")
        taken = {chosen}
    else:
        kinds = [kind for kind in ("audio", "images") if any(kind == of for of, _ in counts)] or ["array"]
        taken = {extension for of, extension in counts if of == kinds[0]}
        if len(kinds) > 1 or _together(shards, taken):
            raise UsageError(f"keys have several sounds or pictures; choose one by --media, of {', '.join(there)}.")
        kind = kinds[0]
    others = sum(count for (_, extension), count in counts.items() if extension not in taken)
    return cast(Kind, "audio" if kind == "array" else kind), taken, others


def _together(shards: Sequence[ShardSamples], extensions: set[str]) -> bool:
    """Whether one key has several of them."""
    for shard in shards:
        keys = Counter((sample.key, sample.start) for sample in shard.samples if sample.extension in extensions)
        previous = None
        for key, _ in keys:
            if key == previous:
                return True
            previous = key
    return False


def _require(label: str, shards: Sequence[ShardSamples]) -> None:
    if not any(sample.label is not None for shard in shards for sample in shard.samples):
        fields = Counter(name for shard in shards for name in shard.fields)
        near = did_you_mean(label, fields)
        raise UsageError(f"--label {label} is in no key as one text or number{near}; there are {_named(fields)}.")


def _items(path: str, shard: ShardSamples, extensions: set[str]) -> Iterator[Item]:
    split = _split_of(path)
    for sample in shard.samples:
        if sample.extension in extensions:
            window = (sample.start, sample.stop)
            yield Item(path, sample.stop - sample.start, sample.label, sample.group, split, window)


def _split_of(path: str) -> str | None:
    """What a shard's name before its number, or one of its folders, says of the split."""
    *folders, name = path.split("/")
    stem = _WORDS.sub("", name.split(".")[0])
    parts = [stem, *re.split(r"[-_]", stem)[::-1], *folders[::-1]]
    return next((part for part in parts if split_named(part)), None)


def _remarks(shards: Sequence[ShardSamples], others: int, label: str | None) -> Iterator[str]:
    damaged = [shard.damage for shard in shards if shard.damage]
    if damaged:
        yield f"shards that are not whole, of which all that can be read is taken: {len(damaged):,}; {damaged[0]}"
    for text, count in (
        ("keys without a sound or a picture, left out", sum(shard.without for shard in shards)),
        ("keys whose label or group could not be read", sum(shard.unread for shard in shards)),
        ("links in shards, passed over", sum(shard.links for shard in shards)),
        ("further media of keys, left out", others),
    ):
        if count:
            yield f"{text}: {count:,}"
    if not any(sample.label is not None for shard in shards for sample in shard.samples):
        fields = sum((shard.fields for shard in shards), Counter[str]())
        yield f"nothing is labelled; --label names a field of {_named(fields)}" if fields else "nothing is labelled"
    elif label is None:
        yield "labels are those of cls; --label names another field"


def _named(fields: Counter[str]) -> str:
    return ", ".join(name for name, _ in fields.most_common(_FIELDS)) or "none"


DATASET = Dataset(
    name="webdataset",
    title="webdataset shards",
    licence="as their publisher says",
    source="https://github.com/webdataset/webdataset",
    tree="shard-000000.tar: 0001.flac 0001.json 0001.cls …\ntrain-000000.tar … test-000000.tar, or in folders",
    marks=("*.tar", "**/*.tar"),
    plan=plan_webdataset,
    by_hand="webdataset.ShardWriter writes such files; so does: tar --sort=name -cf shard-000000.tar FOLDER",
)
