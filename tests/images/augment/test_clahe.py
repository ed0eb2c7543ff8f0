"""CLAHE against OpenCV, picture by picture."""

import cv2
import numpy as np
import pytest
import torch

from randquant.images.augment.clahe import RandomClahe, equalized_tiles
from tests.images.augment.pictures import pictures


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 48), (71, 93), (224, 224)])
def test_levels_are_those_of_opencv(height: int, width: int) -> None:
    limits = [1.0, 2.5, 4.0]
    levels = (pictures(3, height, width)[:, 0] * 255).round().long()
    for before, after, limit in zip(levels, equalized_tiles(levels, torch.tensor(limits)), limits, strict=True):
        expected = cv2.createCLAHE(limit, (8, 8)).apply(before.numpy().astype(np.uint8))
        assert (after.numpy().astype(int) - expected).__abs__().max() <= 1  # a half is rounded either way


def test_a_picture_is_equalized_in_its_lightness() -> None:
    x, augment = pictures(4, 64, 64), RandomClahe(1.0)
    params = augment.make_params(x)
    for picture, view, limit in zip(x, augment.transform(x, params), params.values[0].tolist(), strict=True):
        lab = cv2.cvtColor((picture * 255).round().byte().permute(1, 2, 0).numpy(), cv2.COLOR_RGB2LAB)
        lab[..., 0] = cv2.createCLAHE(limit, (8, 8)).apply(np.ascontiguousarray(lab[..., 0]))
        expected = torch.from_numpy(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)).permute(2, 0, 1) / 255.0
        error = (view - expected).abs().mean()
        assert error < 0.25 * (expected - picture).abs().mean()  # one level in ten is another there, times the gain
    tiny = pictures(2, 5, 3)
    assert RandomClahe(1.0)(tiny).shape == tiny.shape
