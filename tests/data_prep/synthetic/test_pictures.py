"""Made-up pictures: the class shows in pattern and outline, and in nothing that a single pixel tells."""

from pathlib import Path

import numpy as np
import pytest
import torch

from randquant.data_prep.synthetic.pictures.cifar import FINE_NAMES
from randquant.data_prep.synthetic.pictures.python2_pickle import python2_pickle
from randquant.data_prep.synthetic.pictures.scenes import draw_picture, looks
from randquant.data_prep.synthetic.small import small_cifar10
from randquant.data_prep.synthetic.tree import torch_generator
from randquant.errors import UsageError
from randquant.weights.safe_pickle import read_pickle


def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(10 * count) % 10
    chosen = looks(10)
    drawn = [
        draw_picture(chosen[label], height=32, width=32, generator=torch_generator(0, place))
        for place, label in enumerate(labels)
    ]
    return np.stack(drawn), labels


def nearest_accuracy(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Of the second half, by the nearest of the first."""
    half = len(vectors) // 2
    one, other = (torch.as_tensor(part.reshape(half, -1), dtype=torch.float32) for part in np.split(vectors, 2))
    return float((labels[:half][torch.cdist(other, one).argmin(dim=1).numpy()] == labels[half:]).mean())


def test_pixels_do_not_give_the_class_away_but_patterns_do() -> None:
    drawn, labels = pictures(40)
    gray = drawn.mean(axis=-1)
    spectrum = np.log1p(np.abs(np.fft.rfft2(gray - gray.mean(axis=(1, 2), keepdims=True))))
    assert nearest_accuracy(drawn.astype(np.float32), labels) < 0.18
    assert nearest_accuracy(drawn.mean(axis=(1, 2)), labels) < 0.18
    assert nearest_accuracy(spectrum, labels) > 0.18


def test_looks_differ_and_pictures_are_drawn_again() -> None:
    assert len(set(looks(100))) == 100
    assert len(set(FINE_NAMES)) == 100
    with pytest.raises(ValueError, match="1 to 100"):
        looks(101)
    one, other, third = (
        draw_picture(looks(1)[0], height=20, width=30, generator=torch_generator(0, name)) for name in "aab"
    )
    assert one.shape == (20, 30, 3)
    assert np.array_equal(one, other)
    assert not np.array_equal(one, third)


def test_numbers_of_pictures_are_checked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="multiple of 50"):
        small_cifar10(tmp_path, train=60)


def test_pickles_of_python_2_are_read(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    (tmp_path / "file").write_bytes(python2_pickle({"data": array, "labels": [3, -1], "names": ["a", "b"], "n": 5}))
    content = read_pickle(tmp_path / "file")
    assert np.array_equal(content.pop("data"), array)
    assert content == {"labels": [3, -1], "names": ["a", "b"], "n": 5}
