"""What the page of a results folder says of shapes: the published rows, the preset, points, and repeated shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

from pointcloud.published_rows import COLUMNS, NOTES, PUBLISHED_ROWS
from randquant import results_page as pages
from randquant.results_page import Modality, data_line, protocol_line, store_line


def results_page(results: Sequence[Mapping[str, Any]]) -> str:
    """Markdown from the facts of all entries of a folder."""
    return pages.results_page(results, SHAPES)


def _about(first: Mapping[str, Any]) -> list[str]:
    checkpoint, protocol = first["checkpoint"], first["protocol"]
    differs = f"; not reproduced: {protocol['differs']}" if protocol["differs"] else ""
    return [
        f"- encoder: {checkpoint['encoder']} reading {', '.join(first['channels'])}, features of {first['dimension']} "
        f"numbers, SHA-256 of the weights `{checkpoint['sha256']}`",
        f"- protocol: {protocol['name']} ({protocol['source']}){differs}",
    ]


def _conditions(result: Mapping[str, Any]) -> list[str]:
    scale = "brought to the unit sphere" if result["renormalise"] else "at the scale of all stored points"
    return [
        data_line(result),
        f"- the first {result['points']:,} points in {_ORDERS[result['order']]}, {scale}",
        protocol_line(result),
        store_line(result),
    ]


_ORDERS = {"farthest": "farthest-point order", "file": "the order of the file"}

SHAPES = Modality(
    columns=COLUMNS,
    rows=PUBLISHED_ROWS,
    notes=NOTES,
    compared=lambda result: result["probe"] == result["protocol"]["classifier"],
    about=_about,
    conditions=_conditions,
)
