"""Messages about what a plan left out or could not find, and what readers repaired, left out or guessed.

`prepare`, `embed` and `doctor` print these lines, so they say the same of the same data.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from randquant.cli.counted import counted
from randquant.cli.terminal import printable

THINGS = {
    "audio": "recordings",
    "points": "shapes",
    "images": "pictures",
    "tables": "rows",
}  # what a store of each kind holds, in the plural
_COUNTS = {
    "missing": "named by the dataset's lists and not there: {:,}",
    "archives_missing": "archives of the list that are not there: {:,}",
    "archives_without_wav": "archives without .wav files, which count for nothing: {:,}",
    "unlisted": "recordings that no list names, left out: {:,}",
    "unnamed_classes": "classes that nothing in the folder names, called by their numbers: {:,}",
    "unlisted_pictures": "pictures that no list or folder names the class of, left out: {:,}",
    "unlisted_shapes": "shapes that no list names, left out: {:,}",
    "unplaced": "pictures outside the folders of classes, left out: {:,}",
    "hidden_files": "hidden files and what macOS and Windows leave, left out: {:,}",
    "doubled": "recordings that are there twice, one of each is used: {:,}",
}
_FOLDERS = {
    "other_folders": "folders without train or test, left out",
    "other_parts": "folders beside train and test, left out",
}
# Columns of a manifest that count what was odd in a file and read nevertheless; {:,} is their sum.
READING: Mapping[str, str] = {
    "ear_polygons": "{:,} polygons that are not convex, cut into triangles by their ears",
    "bent_polygons": "{:,} polygons that are not flat, cut as they look in their best plane",
    "crossed_polygons": "{:,} polygons that cross themselves, cut as well as can be",
    "short_faces": "{:,} faces of fewer than three corners, left out",
    "stl_counts": "a binary STL file whose count of facets is wrong, read by its size",
    "unended_solids": "{:,} solids that no endsolid ends, so that something may be missing",
    "trailing_bytes": "{:,} bytes behind the last facet, left out",
    "loose_elements": "{:,} parts made of points or lines, which have no surface, left out",
    "unknown_lines": "{:,} lines that begin with no keyword of the format, left out",
    "unshown_meshes": "{:,} meshes that the scene does not show, left out",
    "missing_rows": "{:,} rows without a point (not a number, infinite), left out",
    "broken_rows": "{:,} rows with a coordinate that is not finite, left out",
    "zero_rows": "{:,} rows of zeros in place of a point, left out",
    "empty_points": "{:,} places of a grid that nothing came back for, left out",
    "invalid_points": "{:,} points flagged as invalid, left out",
    "withheld_points": "{:,} points flagged as withheld, kept",
    "noise_points": "{:,} points classified as noise, kept",
    "other_bounds": "bounds in the header that are not those of the points",
    "joined_scans": "{:,} further scans in the same file, taken together",
    "unused_faces": "{:,} faces, of which the vertices alone are taken",
    "unread_cells": "{:,} rows with a damaged cell in a column that is not read",
    "decimal_commas": "decimal commas, read as points",
    "short_clouds": "fewer points than --points, kept whole",
    "far_clouds": "coordinates far from the origin, moved to it in double precision",
    "turned_pictures": "turned upright as EXIF tells",
    "transparent_pictures": "transparent parts, laid over white",
    "deep_pictures": "16 bits a channel, of which the higher eight are kept",
    "cmyk_pictures": "CMYK, converted to RGB without a colour profile",
    "further_frames": "several frames or pages, of which the first is taken",
    "part_frames": "a first frame that fills a part of the picture, the rest being its background",
    "left_over_bytes": "{:,} bytes left over in JPEG data, so that a part of the picture may be wrong",
    "coarse_clouds": "coordinates far from the origin in single precision, which rounds them to steps that may show",
}
_SHOWN = 5  # names
_ABSENT = ("missing_splits", "missing_folds", "parts_absent")


def plan_notes(source: Mapping[str, Any]) -> list[str]:
    """One line for each remark on a plan's or a store's `source`.

    >>> plan_notes({"other_files": 5, "other_kinds": {".jpg": 3, "": 1}})
    ['files of other kinds, left out: 5 (3 .jpg, 1 without a suffix, 1 of others)']
    >>> plan_notes({"unlisted": 1200, "missing": 0, "missing_folds": ["fold3"]})
    ['recordings that no list names, left out: 1,200', 'parts that are not there: fold3']
    """
    lines = [text.format(source[key]) for key, text in _COUNTS.items() if source.get(key)]
    lines += _other_kinds(source)
    lines += [f"{text}: {_some(source[key])}" for key, text in _FOLDERS.items() if source.get(key)]
    if groups := source.get("groups_across"):
        named = f"{len(groups):,} ({_some(groups)})"
        lines.append(f"groups in more than one split: {named}; scores count on what was met in training")
    lines += source.get("remarks") or ()
    absent = [name for key in _ABSENT for name in source.get(key) or ()]
    return [*lines, f"parts that are not there: {', '.join(absent)}"] if absent else lines


def _some(names: Sequence[str]) -> str:
    return ", ".join(printable(name) for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _other_kinds(source: Mapping[str, Any]) -> list[str]:
    """Other files, by suffix."""
    count = source.get("other_files", 0)
    if not count:
        return []
    kinds = source.get("other_kinds") or {}
    named = [f"{number:,} {printable(suffix) or 'without a suffix'}" for suffix, number in kinds.items()]
    rest = count - sum(kinds.values())
    if kinds and rest:
        named.append(f"{rest:,} of others")
    return [f"files of other kinds, left out: {count:,}" + (f" ({', '.join(named)})" if named else "")]


def reading_notes(files: Iterable[Mapping[str, Any]], things: str = "shapes") -> list[str]:
    """One line for each of `READING` that occurs.

    Args:
        files: columns of each file, as its reader gave them; others are ignored.
        things: what the files are, in the plural.

    >>> reading_notes([{"ear_polygons": 3, "faces": 90}, {}, {"ear_polygons": 337}])
    ['2 shapes: 340 polygons that are not convex, cut into triangles by their ears']
    """
    counts: dict[str, list[int]] = {}
    for columns in files:
        for name in READING.keys() & columns.keys():
            if columns[name]:
                counts.setdefault(name, []).append(columns[name])
    return [
        f"{counted(len(found), things)}: {text.format(sum(found))}"
        for name, text in READING.items()
        if (found := counts.get(name))
    ]


def noted(columns: Mapping[str, Any]) -> dict[str, int]:
    """The columns of a file that are notes and not zero."""
    return {name: columns[name] for name in READING if columns.get(name)}
