"""Draw embeddings as a map: near points are alike. A picture, a table, and a page that names each point.

    python -m scripts.map --input embeddings.parquet --out MAP
    python -m scripts.map --input embeddings.parquet --label folder --out MAP --projection pca
    python -m scripts.map --input ~/.cache/randquant/features/ENTRY --out MAP

takes a table of scripts.embed, cached features, a CSV file whose columns of numbers are the vectors, or .npy, and
writes MAP/map.png, MAP/map.csv and MAP/map.html, one file that needs no network, where a point shows its file's name
and label; it prints

    MAP/map.html, map.csv, map.png: 3,000 points of 2048 numbers, 10 labels, by UMAP of 15 neighbours (cosine, seed 0)

UMAP keeps neighbourhoods, not distances between groups, nor their sizes.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.ranges import SEEDS, Range, check_ranges
from randquant.cli.terminal import say
from randquant.errors import DataError
from randquant.figures.figure import new_figure, write_figure
from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text
from randquant.maps.colours import colours
from randquant.maps.page import page
from randquant.maps.points import Points, read_points
from randquant.maps.projection import Projection, projected

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RANGES = {"most": Range(1, 20_000), "neighbours": Range(2, 1000), "seed": SEEDS}
_SHOWN = 20  # labels in the picture's legend


@dataclass(frozen=True)
class Map:
    """Draw embeddings as a map.

    Args:
        input: .parquet of scripts.embed, .csv, .npy, or a folder of cached features.
        out: folder for map.png, map.csv and map.html.
        label: column of the labels, or folder: the folder that a row's file is in; by default the column label.
        projection: umap, pca, or auto: umap where it is installed.
        neighbours: of UMAP.
        metric: of UMAP.
        most: points drawn; of more, a random sample.
        seed: of the sample and of UMAP.
    """

    input: Path
    out: Path
    label: str | None = None
    projection: Projection = "auto"
    neighbours: int = 15
    metric: Literal["cosine", "euclidean"] = "cosine"
    most: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)


def draw_map(settings: Map) -> None:
    """Draw embeddings as a map."""
    points, notes = _drawn(read_points(settings.input, settings.label), settings)
    places, how = projected(
        points.vectors,
        settings.projection,
        neighbours=settings.neighbours,
        metric=settings.metric,
        seed=settings.seed & 0xFFFFFFFF,
    )
    counts = Counter(points.labels)
    labels = sorted(counts, key=lambda label: (label is None, -counts[label], label or ""))
    legend = list(zip(labels, colours(labels), strict=True))
    size, told = (
        counted(len(points.names), "points"),
        counted(len([each for each in labels if each is not None]), "labels"),
    )
    about = f"{size} of {points.vectors.shape[1]} numbers, {told}, by {how}"
    settings.out.mkdir(parents=True, exist_ok=True)
    html = page(places, points.names, points.labels, legend, title=settings.input.name, about=about)
    write_text(settings.out / "map.html", html)
    rows = zip(points.names, points.labels, *(axis.round(5) for axis in places.T), strict=True)
    write_text(settings.out / "map.csv", csv_text([["name", "label", "x", "y"], *rows]))
    write_figure(_picture(places, points, legend), settings.out / "map.png")
    say(f"{settings.out / 'map.html'}, map.csv, map.png: {about}", *notes)


def _drawn(points: Points, settings: Map) -> tuple[Points, list[str]]:
    """The rows that are drawn, and what is to be said of the others."""
    rows, notes = np.flatnonzero(np.isfinite(points.vectors).all(axis=1)), []
    if len(rows) == 0:
        raise DataError(f"{settings.input} has no row of finite numbers; embed again.")
    if len(rows) < len(points.names):
        notes.append(f"{counted(len(points.names) - len(rows), 'rows')} with a NaN or an infinity left out")
    if len(rows) > settings.most:
        notes.append(f"a random sample of {settings.most:,} of {len(rows):,} rows; --most takes more, up to 20,000")
        rows = np.sort(np.random.default_rng(settings.seed).choice(rows, settings.most, replace=False))
    return points.take(rows), notes


def _picture(places: NDArray[np.float64], points: Points, legend: list[tuple[str | None, str]]) -> "Figure":
    figure = new_figure(8.0, 6.0)
    panel = figure.subplots()
    colour = dict(legend)
    panel.scatter(
        places[:, 0],
        places[:, 1],
        s=max(2.0, min(20.0, 8000 / len(places))),
        c=[colour[each] for each in points.labels],
        lw=0,
    )
    for label, its in legend[:_SHOWN]:
        panel.scatter([], [], c=its, s=20, label=_plain("no label" if label is None else label))
    if len(legend) > 1:
        more = f"the {_SHOWN} most frequent of {len(legend)}" if len(legend) > _SHOWN else None
        panel.legend(
            title=more, fontsize=7, title_fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False
        )
    panel.set(xticks=[], yticks=[], aspect="equal")
    figure.tight_layout()
    return figure


def _plain(label: str) -> str:
    """Without what matplotlib takes for mathematics or for a label to leave out."""
    return label[:30].replace("$", r"\$").removeprefix("_") or " "


if __name__ == "__main__":
    raise SystemExit(run(draw_map, description=__doc__))
