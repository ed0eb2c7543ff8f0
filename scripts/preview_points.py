"""Draw shapes and their augmented views, one row per shape.

    python -m scripts.preview_points --store STORE --out views.png
    python -m scripts.preview_points --store STORE --out cups.pdf --match cup --shapes 3 --points 2048 --seed 1

writes one picture (.png, .pdf or .svg): each shape as stored, rotated, stretched, jittered, with points dropped,
cropped and cut out, and quantized into 8, 16, 32 and 64 random bins per axis, each with the number of distinct points
left; and prints

    views.png: 6 shapes under 12 views of 1,024 points
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from pointcloud.evaluation.shape_features import store_layout
from pointcloud.first_points import filled, require_points
from pointcloud.gallery import augmentations, gallery
from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.errors import DataError, UsageError
from randquant.files.atomic import atomic_path

FORMATS = (".png", ".pdf", ".svg")
_DOTS = 200  # an inch


def preview(
    store: Path,
    out: Path,
    shapes: int = 6,
    points: int = 1024,
    match: str | None = None,
    seed: int = 0,
) -> None:
    """Draw shapes of a store and their augmented views.

    Args:
        store: of points.
        out: picture to write: .png, .pdf or .svg.
        shapes: rows, of classes as different as there are.
        points: of each shape, the first of the store; repeated where a shape has fewer.
        match: take only shapes whose path or label contains this, in any case.
        seed: of the augmentations.
    """
    if out.suffix.lower() not in FORMATS:
        raise UsageError(f"--out {out} should end in {', '.join(FORMATS)}; rename it.")
    if not 1 <= shapes <= 50:
        raise UsageError(f"--shapes {shapes} should lie between 1 and 50.")
    if points < 1 or seed < 0:
        raise UsageError(f"--points {points} should be at least 1 and --seed {seed} at least 0.")
    opened = Store.open(store, kind="points")
    layout = store_layout(opened)
    short = require_points(opened, points)
    rows = chosen(opened, shapes, match)
    clouds = np.stack([filled(opened.rows(row, 0, points)[:, layout.xyz], points) for row in rows])
    titles = [_title(opened, row) for row in rows]
    figure = gallery(torch.from_numpy(clouds), titles, seed=seed)
    with atomic_path(out) as temporary:
        figure.savefig(temporary, dpi=_DOTS, format=out.suffix[1:].lower())
    views = counted(len(augmentations()), "views")
    say(f"{out}: {counted(len(rows), 'shapes')} under {views} of {counted(points, 'points')}")
    if short:
        say(f"in the store, {counted(short, 'shapes')} of fewer points, which are repeated")


def chosen(store: Store, count: int, match: str | None) -> list[int]:
    """Items to show: the first of classes spread over all, then their second, ...; items without labels are a class.

    Raises:
        DataError: nothing matches.
    """
    by_class: dict[str, list[int]] = defaultdict(list)
    for row, (path, label) in enumerate(zip(store.column("path"), store.column("label"), strict=True)):
        if match is None or match.lower() in f"{path} {label or ''}".lower():
            by_class[label or ""].append(row)
    if not by_class:
        raise DataError(f'no path or label in {store.path} contains "{match}"; give another --match.')
    names = sorted(by_class)
    spread = [names[place * len(names) // min(count, len(names))] for place in range(min(count, len(names)))]
    deepest = max(len(by_class[name]) for name in spread)
    turns = [by_class[name][turn] for turn in range(deepest) for name in spread if turn < len(by_class[name])]
    return turns[:count]


def _title(store: Store, row: int) -> str:
    return str(store.column("label")[row] or Path(store.column("path")[row]).stem)[:18]


if __name__ == "__main__":
    raise SystemExit(run(preview, description=__doc__))
