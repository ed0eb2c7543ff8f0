"""What comes out of a store is what the file shows, raw or encoded, whole or in part."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from randquant.data.store import Store
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.pictures import Keep, pictures_reader
from randquant.errors import DataError
from randquant.images.stored_images import StoredImages

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 31, 3), dtype=np.uint8)


def stored(root: Path, keep: Keep = "auto") -> StoredImages:
    """A store of the pictures in a folder."""
    files = sorted(path.name for path in root.iterdir() if path.is_file())
    plan = Plan(root, [Item(name, 1) for name in files], pictures_reader(keep))
    return StoredImages(prepare(plan, root / keep))


def write(root: Path, name: str, pixels: np.ndarray, **options: Any) -> None:
    Image.fromarray(pixels).save(root / name, **options)


@pytest.mark.parametrize(("keep", "encodings"), [("raw", ["raw"] * 3), ("encoded", ["png", "jpeg", "png"])])
def test_pictures_come_back(tmp_path: Path, keep: Keep, encodings: list[str]) -> None:
    write(tmp_path, "a.bmp", PIXELS)
    write(tmp_path, "b.jpg", PIXELS[:20], quality=90)
    write(tmp_path, "c.png", PIXELS[:, :9])
    pictures = pickle.loads(pickle.dumps(stored(tmp_path, keep)))
    assert pictures.store.column("encoding") == encodings
    assert pictures.size is None
    expected = [np.asarray(Image.open(tmp_path / name)) for name in ("a.bmp", "b.jpg", "c.png")]
    for index, pixels in enumerate(expected):
        assert (pictures.heights[index], pictures.widths[index]) == pixels.shape[:2]
        assert np.array_equal(pictures.picture(index), pixels)
        assert np.array_equal(pictures.crop(index, 3, 2, 11, 6), pixels[3:14, 2:8])


def test_large_pictures_keep_their_bytes_turned_when_read(tmp_path: Path) -> None:
    large = np.tile(PIXELS, (4, 5, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    write(tmp_path, "phone.jpg", large, exif=exif)
    pictures = stored(tmp_path)
    assert bytes(pictures.store.rows(0)) == (tmp_path / "phone.jpg").read_bytes()
    assert (pictures.heights[0], pictures.widths[0]) == (large.shape[1], large.shape[0])
    upright = np.rot90(np.asarray(Image.open(tmp_path / "phone.jpg")), -1)
    assert np.array_equal(pictures.picture(0), upright)


def test_animations_are_kept_as_one_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (200, 200), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    pictures = stored(tmp_path)
    assert pictures.store.column("encoding") == ["png"]
    assert (pictures.picture(0) == (255, 0, 0)).all()


def test_other_stores_are_refused() -> None:
    points = Store.open(Path(__file__).parents[1] / "earlier" / "stores" / "clouds")
    with pytest.raises(DataError, match="give a store of images"):
        StoredImages(points)
