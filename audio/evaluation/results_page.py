"""What the page of a results folder says of sounds: the published rows, the front end, clip lengths and statistics."""

from collections.abc import Mapping, Sequence
from typing import Any

from audio.evaluation.published_rows import NOTES, PUBLISHED_ROWS, SIX_TASKS
from randquant.results import page as pages
from randquant.results.page import Modality, data_line, protocol_line, store_line


def results_page(results: Sequence[Mapping[str, Any]]) -> str:
    """Markdown from the facts of all entries of a folder."""
    return pages.results_page(results, AUDIO)


def published_lines(results: Sequence[Mapping[str, Any]], *, markdown: bool = False) -> list[str]:
    """Our linear probes of the six tasks beside the published rows; empty where none of the six was probed."""
    return pages.published_lines(results, AUDIO, markdown=markdown)


def _about(first: Mapping[str, Any]) -> list[str]:
    checkpoint, front_end, protocol = first["checkpoint"], first["front_end"], first["protocol"]
    shown = ", ".join(f"{name} {value}" for name, value in front_end.items())
    return [
        f"- encoder: {checkpoint['encoder']}, features of {first['dimension']} numbers (layer {first['layer']}), "
        f"SHA-256 of the weights `{checkpoint['sha256']}`",
        f"- front end: {shown}",
        f"- protocol: {protocol['name']} ({protocol['source']}); shorter clips padded at "
        f"{'both ends' if protocol['pad'] == 'both' else 'the tail'}, longer test clips cut "
        f"{'at their head' if protocol['test_crop'] == 'head' else 'at random'}",
    ]


def _conditions(result: Mapping[str, Any]) -> list[str]:
    return [
        data_line(result),
        f"- clips of {result['unit_seconds']:g} s ({result['unit_source']}); log-mel statistics of "
        f"{result['statistics']['source']}",
        protocol_line(result),
        store_line(result),
    ]


AUDIO = Modality(
    columns=SIX_TASKS,
    rows=PUBLISHED_ROWS,
    notes=NOTES,
    compared=lambda result: result["probe"] == "linear",
    about=_about,
    conditions=_conditions,
)
