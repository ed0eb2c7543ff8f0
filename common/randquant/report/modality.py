"""What a modality brings to a report: how its results are read and named, and how an item of a store is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name
from typing import Any

from randquant.data.store import Store
from randquant.files.json_record import Json
from randquant.report.media.excerpt import Excerpt
from randquant.results.record import Result

Show = Callable[[int], Excerpt]

# Resolved when a report needs them: randquant imports no modality.
_ENTRIES = {
    "unit_seconds": "randquant.audio.excerpt:REPORTED",
    "points": "randquant.pointcloud.excerpt:REPORTED",
    "image_size": "randquant.images.excerpt:REPORTED",
    "columns": "randquant.tables.excerpt:REPORTED",
}


@dataclass(frozen=True)
class Reported:
    """A modality in reports.

    Attributes:
        kind: of its stores.
        things: what its items are, in the plural.
        result: of its probes.
        features: the settings that features of a result were cached under, besides weights and store.
        shows: a store's items as a page shows them.
    """

    kind: str
    things: str
    result: type[Result]
    features: Callable[[Any], Mapping[str, Json]]
    shows: Callable[[Store], Show]


PLAIN = Reported("", "items", Result, lambda result: {}, lambda store: Excerpt)


def modality_of(result: Mapping[str, Json]) -> Reported:
    """Whose result this is, by a key that only results of one modality have; `PLAIN` where none has it."""
    return next((_resolved(entry) for key, entry in _ENTRIES.items() if key in result), PLAIN)


@cache
def _resolved(entry: str) -> Reported:
    found = resolve_name(entry)
    if not isinstance(found, Reported):
        raise TypeError(f"{entry} is no modality of a report")
    return found
