"""Where the items lie: a map of the embeddings of each task."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from randquant.cli.counted import counted
from randquant.maps.colours import colours
from randquant.maps.page import drawn
from randquant.maps.projection import Projection, projected
from randquant.report.comparison import ReportedTask
from randquant.report.examples import Examples
from randquant.report.markup import Html, element, heading, joined, note
from randquant.report.section import Section

_NEIGHBOURS = 15


def embeddings(
    shown: Sequence[tuple[ReportedTask, Examples]], projection: Projection, *, most: int, seed: int
) -> tuple[Section | None, list[Any]]:
    """The section, None where no features are kept; and what the page's script draws in it, a map a task.

    Args:
        shown: tasks with their examples.
        projection: to the plane.
        most: points of a map; of more, a random sample.
        seed: of the sample and of the projection.
    """
    found = [_map(task, examples, projection, most, seed) for task, examples in shown if examples.features is not None]
    if not found:
        return None, []
    told = note(
        "Near points are alike. Point at a dot, or focus a map and use the arrow keys; a label hides or shows its "
        "dots. UMAP keeps neighbourhoods, not distances between groups, nor their sizes."
    )
    drawings, maps = zip(*found, strict=True)
    return Section("map", "Map of embeddings", joined([told, *drawings])), list(maps)


def _map(task: ReportedTask, examples: Examples, projection: Projection, most: int, seed: int) -> tuple[Html, Any]:
    assert examples.features is not None
    rows = np.arange(len(examples.features))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    vectors = examples.features[rows]
    places, how = projected(vectors, projection, neighbours=_NEIGHBOURS, metric="cosine", seed=seed)
    names = {row: name for name, row in examples.rows.items()}
    labels = [None if task.of_numbers else examples.labels[row] for row in rows.tolist()]
    counts = Counter(labels)
    listed = sorted(counts, key=lambda label: (label is None, -counts[label], label or ""))
    legend = list(zip(listed, colours(listed), strict=True))
    of_all = f" of {len(examples.features):,}" if len(rows) < len(examples.features) else ""
    told = f"{counted(len(rows), task.modality.things)}{of_all} {examples.by}, {how}"
    words = f"Map of the embeddings of {task.name}: arrow keys go from point to point"
    canvas = element("canvas", tabindex="0", role="img", aria_label=words)
    stage = element("div", canvas, element("div", class_="tip", role="status", aria_live="polite"), class_="stage")
    whole = element("div", stage, element("ul", class_="legend", aria_label="Labels"), class_="map")
    return joined([heading(task.name, told), whole]), drawn(places, [names[int(row)] for row in rows], labels, legend)
