"""Draw pictures and what each augmentation does to them, one row per picture.

    python -m scripts.preview_images --store STORE --out views.png
    python -m scripts.preview_images --store STORE --out cats.pdf --match cat --pictures 3 --seed 1
    python -m scripts.preview_images --files holiday.jpg portrait.png --out views.png

writes one picture (.png, .pdf or .svg): each one as it is, under every augmentation that --augment of pretraining
names, and quantized into 4, 8, 16 and 32 random bins a colour, with the number of distinct colours left; and prints

    views.png: 6 pictures under 18 views of 32 x 32 pixels
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data.examples import examples, title
from randquant.data.store import Store
from randquant.errors import DataError, UsageError
from randquant.figures.figure import require_picture, write_figure
from randquant.images.fitting import fitted
from randquant.images.formats.picture import Picture
from randquant.images.stored_images import StoredImages

LARGEST = 128  # pixels of a panel, if not asked for
_MOST = 50  # rows

Shown = tuple[list[NDArray[np.uint8]], list[str]]


def preview(
    out: Path,
    store: Path | None = None,
    files: list[Path] | None = None,
    pictures: int = 6,
    size: int = 0,
    match: str | None = None,
    seed: int = 0,
) -> None:
    """Draw pictures of a store, or of files, and their augmented views.

    Args:
        out: picture to write: .png, .pdf or .svg.
        store: of images.
        files: pictures, instead of a store.
        pictures: rows, of classes as different as there are; with files, all of them are shown.
        size: side in pixels to which the middle of each picture is scaled; 0 is that of the smallest, 128 at most.
        match: take only pictures of the store whose path or label contains this, in any case.
        seed: of the augmentations.
    """
    # Late, since they load torch, which --help does not need.
    import torch

    from randquant.images.gallery import augmentations, gallery

    require_picture(out)
    if (store is None) == (not files):
        raise UsageError("give pictures by --store or by --files, one of the two.")
    if not 1 <= pictures <= _MOST or len(files or []) > _MOST:
        shown = f"--pictures {pictures}" if store is not None else f"{len(files or [])} files"
        raise UsageError(f"{shown} should lie between 1 and {_MOST}.")
    if not 0 <= size <= 4096 or size in (1, 2, 3) or seed < 0:
        raise UsageError(f"--size {size} should be 0 or from 4 to 4,096 and --seed {seed} at least 0.")
    pixels, titles = _of_files(files) if files else _of_store(store or Path(), pictures, match)
    side = size or min(LARGEST, *(min(each.shape[:2]) for each in pixels))
    batch = torch.from_numpy(np.stack([fitted(each, side) for each in pixels])).permute(0, 3, 1, 2) / 255.0
    write_figure(gallery(batch, titles, seed=seed), out)
    views = counted(len(augmentations()), "views")
    say(f"{out}: {counted(len(pixels), 'pictures')} under {views} of {side:,} x {side:,} pixels")


def _of_store(store: Path, count: int, match: str | None) -> Shown:
    opened = Store.open(store, kind="images")
    stored, rows = StoredImages(opened), examples(opened, count, match)
    return [stored.picture(row) for row in rows], [title(opened, row) for row in rows]


def _of_files(files: Sequence[Path]) -> Shown:
    pixels = []
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise DataError(f"{file} cannot be read ({error.strerror}); check the path.") from None
        pixels.append(Picture(data, str(file)).pixels())
    return pixels, [file.stem[:18] for file in files]


if __name__ == "__main__":
    raise SystemExit(run(preview, description=__doc__))
