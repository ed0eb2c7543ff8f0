"""Samples of webdataset shards: members of one name before its first dot, and what they say of labels."""

import json
import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from randquant.data_prep.exchange.tar_members import Archive, Member, members_of
from randquant.data_prep.formats.whole_file import stand_in
from randquant.data_prep.own_files.folder import ARRAYS
from randquant.data_prep.pictures import PICTURES
from randquant.data_prep.recordings import DECODED
from randquant.errors import DataError

TEXTS = ("cls", "txt", "text", "label", "class")
_MOST_FIELDS = 1000  # that are counted
_MOST_TEXT = 1 << 20  # bytes of a member that holds a label


@dataclass(frozen=True, slots=True)
class Sample:
    """One medium of a shard and what stands beside it.

    Attributes:
        key: the members' name before its first dot.
        extension: the rest of the medium's name, without that dot, in lower case.
        kind: "audio", "images" or "array".
        start, stop: bytes of the archive with the medium's headers and content.
        label, group: what the named fields say.
    """

    key: str
    extension: str
    kind: str
    start: int
    stop: int
    label: str | None
    group: str | None


@dataclass
class ShardSamples:
    """What one shard holds.

    Attributes:
        samples: in their order, one for each medium.
        damage: one sentence about a shard that is not whole.
        without: keys without sound or picture.
        unread: keys whose field for the label or group could not be read.
        links: links among the members, passed over.
        fields: how often each field that could hold a label occurs, of the first keys.
    """

    samples: list[Sample] = field(default_factory=list)
    damage: str | None = None
    without: int = 0
    unread: int = 0
    links: int = 0
    fields: Counter[str] = field(default_factory=Counter)


def samples_of(path: Path, label: str | None, group: str | None) -> ShardSamples:
    """The samples of a shard; of one that cannot be opened at all, the reason alone.

    Args:
        path: of the shard.
        label: extension of a member of text (cls, txt, …), or field of the member `json`, dots for fields within;
            `cls` where None.
        group: the same for what belongs together; nothing where None.
    """
    try:
        archive = members_of(path)
    except DataError as error:
        return ShardSamples(damage=stand_in(path) or str(error))
    found = ShardSamples(damage=archive.damage, links=archive.links)
    for key, members in groupby(archive.members, lambda member: _parted(member.name)[0]):
        _take(found, archive, key, list(members), label, group)
    return found


def _take(
    found: ShardSamples, archive: Archive, key: str, members: Sequence[Member], label: str | None, group: str | None
) -> None:
    extensions = [_parted(member.name)[1] for member in members]
    media = [place for place, extension in enumerate(extensions) if _kind(extension)]
    if not media:
        found.without += 1
        return
    fields = _Fields(archive, dict(zip(extensions, members, strict=True)))
    values = fields.value(label or TEXTS[0]), fields.value(group) if group else None
    found.unread += fields.unread
    found.fields.update(fields.names() if sum(found.fields.values()) < _MOST_FIELDS else ())
    for place in media:
        member, kind = members[place], _kind(extensions[place])
        found.samples.append(Sample(key, extensions[place], kind, member.start, member.stop, *values))


class _Fields:
    """The members of one key that say something of it."""

    def __init__(self, archive: Archive, members: dict[str, Member]) -> None:
        self._archive, self._members, self._json = archive, members, members.get("json")
        self._read: dict[str, Any] | None = None
        self.unread = 0

    def value(self, name: str) -> str | None:
        """A field's value as text; None where it is not there or empty."""
        if name in self._members:
            return self._text(self._members[name]) or None
        value: Any = self._object()
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, (dict, list)):
            self.unread += 1
            return None
        return None if value is None or value == "" else str(value)

    def names(self) -> Iterator[str]:
        """Fields that could hold a label."""
        yield from (name for name in self._members if name in TEXTS)
        found = self._object()
        yield from (name for name, value in found.items() if isinstance(value, (str, int, bool)))

    def _object(self) -> dict[str, Any]:
        if self._json is not None and self._read is None:
            try:
                found = json.loads(self._text(self._json) or "{}")
                self._read = found if isinstance(found, dict) else {}
            except (ValueError, RecursionError):
                self._read = {}
                self.unread += 1
        return self._read or {}

    def _text(self, member: Member) -> str:
        try:
            if member.size <= _MOST_TEXT:
                return self._archive.content(member).decode().strip()
        except UnicodeDecodeError:
            pass
        self.unread += 1
        return ""


def _parted(name: str) -> tuple[str, str]:
    """Key and extension of a member, as webdataset parts them: at the first dot behind the last slash."""
    folder, base = posixpath.split(name.removeprefix("./"))
    stem, _, extension = base.partition(".")
    return posixpath.join(folder, stem), extension.lower()


def _kind(extension: str) -> str:
    """What a member of this extension is; empty for what stands beside media."""
    suffix = f".{extension.rpartition('.')[2]}"
    kinds = {"audio": DECODED, "images": PICTURES, "array": ARRAYS}
    return next((kind for kind, suffixes in kinds.items() if suffix in suffixes), "")
