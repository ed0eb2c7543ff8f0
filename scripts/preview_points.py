"""Draw shapes and their augmented views, one row per shape.

    python -m scripts.preview_points --store STORE --out views.png
    python -m scripts.preview_points --store STORE --out cups.pdf --match cup --shapes 3 --points 2048 --seed 1

writes one picture (.png, .pdf or .svg): each shape as stored, rotated, stretched, jittered, with points dropped,
cropped and cut out, and quantized into 8, 16, 32 and 64 random bins per axis, each with the number of distinct points
left; and prints

    views.png: 6 shapes under 12 views of 1,024 points
"""

from pathlib import Path

import numpy as np

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data.examples import examples, title
from randquant.data.store import Store
from randquant.errors import UsageError
from randquant.figures.figure import require_picture, write_figure
from randquant.pointcloud.points.first_points import filled, require_points


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
    # Late, since they load torch, which --help does not need.
    import torch

    from randquant.pointcloud.evaluation.shape_features import store_layout
    from randquant.pointcloud.gallery import augmentations, gallery

    require_picture(out)
    if not 1 <= shapes <= 50:
        raise UsageError(f"--shapes {shapes} should lie between 1 and 50.")
    if points < 1 or seed < 0:
        raise UsageError(f"--points {points} should be at least 1 and --seed {seed} at least 0.")
    opened = Store.open(store, kind="points")
    layout = store_layout(opened)
    short = require_points(opened, points)
    rows = examples(opened, shapes, match)
    clouds = np.stack([filled(opened.rows(row, 0, points)[:, layout.xyz], points) for row in rows])
    titles = [title(opened, row) for row in rows]
    write_figure(gallery(torch.from_numpy(clouds), titles, seed=seed), out)
    views = counted(len(augmentations()), "views")
    say(f"{out}: {counted(len(rows), 'shapes')} under {views} of {counted(points, 'points')}")
    if short:
        say(f"in the store, {counted(short, 'shapes')} of fewer points, which are repeated")


if __name__ == "__main__":
    raise SystemExit(run(preview, description=__doc__))
