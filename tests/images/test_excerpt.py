"""What is seen of a picture on a page."""

from io import BytesIO
from pathlib import Path

import pytest

from randquant.images.excerpt import SIDE, excerpts
from randquant.report.media.excerpt import Thumbnail
from tests.images.stores import task


def test_a_thumbnail_is_a_small_picture(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    shown = excerpts(task(tmp_path / "store"))(0)
    assert isinstance(shown, Thumbnail)
    seen = image.open(BytesIO(shown.data))
    assert seen.format == "WEBP"
    assert max(seen.size) == min(SIDE, max(shown.width, shown.height))
