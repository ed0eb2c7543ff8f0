"""Each augmentation of pictures gives what torchvision gives, picture by picture, for the same draw."""

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as reference

from randquant.images.augment.blur import RandomBlur
from randquant.images.augment.colour import ColourJitter, turned_hue
from randquant.images.augment.crop_boxes import DRAWS, crop_boxes
from randquant.images.augment.equalize import equalized
from randquant.images.augment.flip import RandomFlip
from randquant.images.augment.gray import RandomGray
from randquant.images.augment.posterize import posterized
from randquant.images.augment.resize_crop import RandomResizedCrop
from randquant.images.augment.solarize import RandomSolarize
from tests.images.augment.pictures import pictures


def as_bytes(x: Tensor) -> Tensor:
    return (x * 255.0).round().to(torch.uint8)


@pytest.mark.parametrize("size", [32, 40, 9, (40, 33), (50, 7)])
def test_crops(size: int | tuple[int, int]) -> None:
    x, augment = pictures(6, 24, 32), RandomResizedCrop(size, flip=0.5)
    params = augment.make_params(x)
    views = augment.transform(x, params)
    sides = [size, size] if isinstance(size, int) else list(size)
    for picture, view, top, left, height, width, flip in zip(
        x, views, *(side.tolist() for side in params.boxes), params.flip, strict=True
    ):
        expected = reference.resized_crop(picture, top, left, height, width, sides, antialias=True)
        assert torch.allclose(view, expected.flip(-1) if flip else expected, atol=1e-5)


def test_a_crop_of_everything_is_the_picture() -> None:
    x = pictures(6, 24, 32)
    assert torch.allclose(RandomResizedCrop(scale=(1.0, 1.0), ratio=(4 / 3, 4 / 3))(x), x, atol=1e-5)


def test_boxes_lie_in_the_picture_with_the_area_and_shape_asked_for() -> None:
    draws = torch.rand(2000, DRAWS, generator=torch.Generator().manual_seed(0))
    sides = torch.randint(60, 300, (2, 2000), generator=torch.Generator().manual_seed(1))
    box = crop_boxes(draws, sides[0], sides[1], scale=(0.2, 0.9))
    assert ((box.top >= 0) & (box.top + box.height <= sides[0])).all()
    assert ((box.left >= 0) & (box.left + box.width <= sides[1])).all()
    share = (box.height * box.width) / (sides[0] * sides[1])
    assert 0.19 < share.min() < 0.21
    assert share.max() < 0.92
    shape = (box.width / box.height).log()
    assert -0.33 < shape.min() < -0.25
    assert 0.25 < shape.max() < 0.33
    assert abs(float(shape.mean())) < 0.02


def test_a_picture_that_no_box_fits_is_cut_in_its_middle() -> None:
    draws = torch.rand(4, DRAWS)
    for tall, wide, expected in ((10, 100, (0, 43, 10, 13)), (100, 10, (43, 0, 13, 10))):
        box = crop_boxes(draws, tall, wide, scale=(1.0, 1.0))
        assert {tuple(each) for each in torch.stack(list(box), dim=1).tolist()} == {expected}


def test_colours() -> None:
    x, augment = pictures(12), ColourJitter(0.8, 0.8, 0.8, 0.4, p=1.0)
    params = augment.make_params(x)
    changes = (
        reference.adjust_brightness,
        reference.adjust_contrast,
        reference.adjust_saturation,
        reference.adjust_hue,
    )
    for picture, view, factors, order in zip(x, augment.transform(x, params), *params.values, strict=True):
        for number in order.tolist():
            picture = changes[number](picture, float(factors[number]))
        assert torch.allclose(view, picture, atol=1e-5)
    assert len({tuple(order) for order in params.values[1].tolist()}) > 6


def test_the_ranges_of_colour() -> None:
    (factors, _) = ColourJitter(0.4, 1.5, 0.0, 0.1).draw(torch.zeros(4000, 3, 1, 1), None)
    for column, low, high in zip(factors.T, (0.6, 0.0, 1.0, -0.1), (1.4, 2.5, 1.0, 0.1), strict=True):
        assert low <= column.min() <= low + 0.01
        assert high - 0.01 <= column.max() <= high
    with pytest.raises(ValueError, match="hue should be"):
        ColourJitter(hue=0.6)


def test_hue_of_pure_colours_and_grays() -> None:
    colours = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0.5, 0.5, 0.5], [0, 0, 0]])[:, :, None, None]
    turned = turned_hue(colours, torch.full((5,), 1 / 3))[..., 0, 0]
    expected = torch.tensor([[0, 1.0, 0], [0, 0, 1.0], [1.0, 0, 0], [0.5, 0.5, 0.5], [0, 0, 0]])
    assert torch.allclose(turned, expected, atol=1e-6)


def test_blur() -> None:
    x, augment = pictures(), RandomBlur(1.0)
    params = augment.make_params(x)
    for picture, view, sigma in zip(x, augment.transform(x, params), params.values[0].tolist(), strict=True):
        assert torch.allclose(view, reference.gaussian_blur(picture, [13, 13], [sigma, sigma]), atol=1e-5)
    tiny = pictures(2, 4, 3)
    assert RandomBlur(1.0)(tiny).shape == tiny.shape


def test_flip_gray_solarize() -> None:
    x = pictures()
    assert torch.equal(RandomFlip(1.0)(x), x.flip(-1))
    assert torch.allclose(RandomGray(1.0)(x), reference.rgb_to_grayscale(x, 3), atol=1e-6)
    expected = reference.solarize(as_bytes(x), 128)
    assert torch.equal(as_bytes(RandomSolarize(1.0)(x)), expected)


def test_posterize_and_equalize() -> None:
    x, bits = pictures(), torch.tensor([1, 2, 4, 5, 7, 8])
    for picture, view, kept in zip(x, posterized(x, bits), bits.tolist(), strict=True):
        assert torch.equal(as_bytes(view), reference.posterize(as_bytes(picture), kept))
    assert torch.equal(as_bytes(equalized(x)), reference.equalize(as_bytes(x)))
