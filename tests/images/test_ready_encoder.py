"""One call for pictures: a vector is the row that embed writes, in whatever form a picture comes."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import randquant
from randquant.errors import UserError
from randquant.images.encoders.weights import save_encoder, untrained_encoder
from randquant.images.normalise import ColourStatistics
from randquant.images.ready_encoder import ImageReadyEncoder
from randquant.scripts.embed import embed
from randquant.scripts.embedding.settings import Embedding

STATISTICS = ColourStatistics((0.5, 0.4, 0.3), (0.2, 0.2, 0.3))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "encoder.safetensors"
    save_encoder(path, untrained_encoder("small_cnn", 0.25, 0, 16).encoder, statistics=STATISTICS, metadata={})
    return path


@pytest.fixture
def encoder(weights: Path) -> ImageReadyEncoder:
    return randquant.load(weights)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    sides = ((16, 16), (20, 31), (40, 18))
    return [generator.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sides]


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_a_vector_is_the_row_that_embed_writes(
    encoder: ImageReadyEncoder, weights: Path, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    (tmp_path / "pictures").mkdir()
    for place, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{place}.png")
    embed(Embedding(str(weights), tmp_path / "pictures", tmp_path / "rows.parquet", workers=1, device="cpu"))
    rows = torch.from_numpy(np.stack(pq.read_table(tmp_path / "rows.parquet")["embedding"].to_numpy()))
    close(encoder([tmp_path / "pictures" / f"{place}.png" for place in range(3)]), rows)
    close(encoder(pictures), rows)
    close(encoder(pictures[::-1]).flip(0), rows)
    for pixels, row in zip(pictures, rows, strict=True):
        close(encoder(Image.fromarray(pixels)), row)


def test_colours_may_stand_first_or_last_as_bytes_or_floats(
    encoder: ImageReadyEncoder, pictures: list[np.ndarray]
) -> None:
    pixels = pictures[1]
    vector, first = encoder(pixels), torch.from_numpy(pixels).permute(2, 0, 1)
    for one in (first, first / 255, pixels / 255):
        close(encoder(one), vector)
    for batch in (torch.stack([first, first]), np.stack([pixels, pixels]) / np.float32(255)):
        close(encoder(batch), torch.stack([vector, vector]))
    gray = pixels[..., 0]
    close(encoder(gray), encoder(np.repeat(gray[..., None], 3, axis=2)))
    close(encoder(gray[None], axes="BHW")[0], encoder(gray))
    with pytest.warns(UserWarning, match="transparent parts, laid over white"):
        encoder(np.concatenate([pixels, pixels[..., :1]], axis=2))


def test_statistics_travel_or_are_said(encoder: ImageReadyEncoder, pictures: list[np.ndarray]) -> None:
    assert encoder.statistics == STATISTICS
    with pytest.warns(UserWarning, match="those of ImageNet are used"):
        made = randquant.load("untrained:small_cnn:0.25", size=16)
    assert made(pictures).shape == (3, made.dimension())
    half = copy.deepcopy(encoder).half()(pictures[0])
    torch.testing.assert_close(half, encoder(pictures[0]), rtol=0.02, atol=0.005)


WRONG: dict[str, tuple[Callable[[ImageReadyEncoder], Any], str]] = {
    "two ways": (lambda encoder: encoder(np.zeros((3, 9, 3), np.uint8)), 'say axes="HWC"'),
    "axes": (lambda encoder: encoder(np.zeros((3, 9, 3), np.uint8), axes="CWH"), "should be one of HW"),
    "other axes": (lambda encoder: encoder(np.zeros((9, 9), np.uint8), axes="HWC"), "does not belong"),
    "int64": (lambda encoder: encoder(np.zeros((9, 9, 3), int)), "give bytes"),
    "range": (lambda encoder: encoder(np.full((9, 9, 3), 2.0)), r"outside \[0, 1\]"),
    "empty": (lambda encoder: encoder(np.zeros((0, 9, 3), np.uint8)), "at least a pixel"),
    "path": (lambda encoder: encoder("nowhere.png"), "nowhere.png cannot be read"),
    "no name": (lambda encoder: encoder("a\0.png"), "cannot be read .embedded null byte"),
    "frames": (lambda encoder: encoder.frames(np.zeros((9, 9, 3), np.uint8)), "no time"),
    "statistics": (lambda encoder: randquant.load("untrained:small_cnn:1", statistics=(1, 2)), r"statistics=\(1, 2\)"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_taken_is_said(encoder: ImageReadyEncoder, what: str) -> None:
    call, message = WRONG[what]
    with pytest.raises(UserError, match=message):
        call(encoder)
