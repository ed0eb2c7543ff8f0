"""What readers met in files and mended, left out or guessed: counts in a manifest, told in words."""

from collections.abc import Iterable, Mapping
from typing import Any

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
    "broken_rows": "{:,} rows with a coordinate that is no finite number, left out",
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
    "far_clouds": "coordinates far from the origin, moved to it in double precision",
    "coarse_clouds": "coordinates far from the origin in single precision, which rounds them to steps that may show",
}


def reading_notes(files: Iterable[Mapping[str, Any]], things: str = "shapes") -> list[str]:
    """One line for each of `READING` that occurs.

    Args:
        files: columns of each file, as its reader gave them; those that are no notes are passed over.
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
        f"{len(found):,} {things if len(found) > 1 else things[:-1]}: {text.format(sum(found))}"
        for name, text in READING.items()
        if (found := counts.get(name))
    ]


def noted(columns: Mapping[str, Any]) -> dict[str, int]:
    """Those of a file's columns that are notes, and not nought."""
    return {name: columns[name] for name in READING if columns.get(name)}
