"""What a training reads of a store: whole pictures as they are, or crops that depend on seed, epoch and position."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.data.store import Store
from randquant.errors import DataError, UsageError
from randquant.images.augment.flip import RandomFlip
from randquant.images.augment.resize_crop import RandomResizedCrop
from randquant.images.fitting import fitted
from randquant.images.pretraining import picture_source
from randquant.images.settings import ImagePretraining
from randquant.images.stored_crops import PictureCrops, WholePictures
from tests.images.stores import mixed, task, write


def settings(store: Store, **given: Any) -> ImagePretraining:
    return ImagePretraining(out=Path("run"), data=[store.path], image_size=8, **given)


def test_pictures_of_one_size_are_copied_whole(tmp_path: Path) -> None:
    store = task(tmp_path / "store", 8)
    source, policies = picture_source([store, store], settings(store, splits=["train"]))
    assert isinstance(source, WholePictures)
    assert len(source) == 8
    batch = source.fetch(np.array([3, 0, 5]), epoch=2)
    assert torch.equal(batch, torch.from_numpy(np.stack([store.rows(item).reshape(12, 12, 3) for item in (5, 0, 1)])))
    assert any(isinstance(part, RandomResizedCrop) for part in policies[0])


def test_crops_of_mixed_sizes_are_a_function_of_seed_epoch_and_position(tmp_path: Path) -> None:
    pictures = mixed(5)
    store = write(tmp_path / "store", pictures, [None] * 5, [None] * 5, raw=False)
    source, policies = picture_source([store], settings(store))
    assert isinstance(source, PictureCrops)
    first, second = source.fetch(np.array([4, 1]), epoch=3)
    assert first.shape == second.shape == (2, 8, 8, 3)
    assert first.dtype == torch.uint8
    assert not torch.equal(first, second)
    assert torch.equal(source.fetch(np.array([1]), epoch=3)[0][0], first[1])
    assert not torch.equal(source.fetch(np.array([1]), epoch=4)[0][0], first[1])
    other, _ = picture_source([store], settings(store, seed=1))
    assert not torch.equal(other.fetch(np.array([1]), epoch=3)[0][0], first[1])
    assert next(type(part) for part in policies[0]) is RandomFlip
    assert not any(isinstance(part, RandomResizedCrop) for part in policies[0])


def test_raw_and_encoded_pictures_give_the_same_crops(tmp_path: Path) -> None:
    pictures = mixed(3)
    crops = []
    for raw in (True, False):
        store = write(tmp_path / f"raw{raw}", pictures, [None] * 3, [None] * 3, raw=raw)
        crops.append(picture_source([store], settings(store))[0].fetch(np.arange(3), epoch=0)[0])
    assert torch.equal(*crops)


def test_without_crops_the_middle_is_taken(tmp_path: Path) -> None:
    pictures = mixed(2)
    store = write(tmp_path / "store", pictures, [None] * 2, [None] * 2)
    source, _ = picture_source([store], settings(store, augment="rq"))
    assert torch.equal(
        source.fetch(np.arange(2), 0)[1], torch.from_numpy(np.stack([fitted(each, 8) for each in pictures]))
    )
    ramp = np.tile(np.arange(16, dtype=np.uint8)[None, :, None], (8, 1, 3))
    assert np.array_equal(fitted(ramp, 8), ramp[:, 4:12])
    assert fitted(ramp[:, :8], 8, share=0.5) is not None
    assert np.array_equal(fitted(ramp[:, :8], 8, share=0.5), ramp[:, :8])


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    store = write(tmp_path / "store", mixed(2), [None] * 2, ["test"] * 2)
    with pytest.raises(DataError, match="no pictures of --splits train valid"):
        picture_source([store], settings(store))
    with pytest.raises(UsageError, match="--rq_first"):
        picture_source([store], settings(store, splits=["test"], rq_first=True))
