"""Automatic policies against torchvision's operations, tables and ranges, picture by picture."""

from typing import Any

import pytest
import torch
from torchvision.transforms import InterpolationMode, v2

from randquant.augmentation import Augmentation
from randquant.images.augment.automatic.autoaugment import AutoAugment
from randquant.images.augment.automatic.found_policies import POLICIES
from randquant.images.augment.automatic.operation import KINDS, Operation
from randquant.images.augment.automatic.randaugment import CHOICES, RandAugment
from randquant.images.augment.automatic.trivial import WIDE, TrivialAugment
from randquant.policies.one_of import InTurn
from randquant.policies.strength import Strength
from tests.images.augment.pictures import pictures

THEIRS = {
    "identity": "Identity",
    "shear_x": "ShearX",
    "shear_y": "ShearY",
    "shift_x": "TranslateX",
    "shift_y": "TranslateY",
    "rotate": "Rotate",
    "brightness": "Brightness",
    "saturation": "Color",
    "contrast": "Contrast",
    "sharpness": "Sharpness",
    "posterize": "Posterize",
    "solarize": "Solarize",
    "autocontrast": "AutoContrast",
    "equalize": "Equalize",
    "invert": "Invert",
}
REFERENCE = v2.RandAugment(interpolation=InterpolationMode.NEAREST)


@pytest.mark.parametrize("name", list(KINDS))
def test_operations(name: str) -> None:
    x = pictures(4, 24, 40)
    kind = {**KINDS, **WIDE}[name]
    for strength in (0.1, 0.55, 1.0):
        operation = Operation(kind, Strength(strength, strength))
        params = operation.make_params(x)
        for picture, view, value in zip(x, operation.transform(x, params), params.values[0].tolist(), strict=True):
            given = (picture * 255).round().byte() if name in ("posterize", "equalize") else picture
            expected = REFERENCE._apply_image_or_video_transform(
                given, THEIRS[name], round(value) if name == "posterize" else value, InterpolationMode.NEAREST, {}
            )
            if given is not picture:
                expected = expected / 255.0
            same = (view - expected).abs().amax(dim=0) < 1e-5
            assert same.float().mean() > 0.995, (strength, value)  # a place between two pixels is either


def test_shares_of_the_side() -> None:
    x = torch.zeros(1, 3, 4, 10)
    x[..., 2] = 1.0
    assert KINDS["shift_x"].change(x, torch.tensor([0.39])).nonzero()[:, -1].unique().tolist() == [5]


@pytest.mark.parametrize("theirs", [v2.RandAugment, v2.AutoAugment, v2.TrivialAugmentWide])
def test_ranges(theirs: Any) -> None:
    space = {**KINDS, **WIDE} if theirs is v2.TrivialAugmentWide else KINDS
    for name, number in THEIRS.items():
        if number in theirs._AUGMENTATION_SPACE:
            magnitudes, signed = theirs._AUGMENTATION_SPACE[number]
            kind, expected = space[name], magnitudes(31, 200, 100)
            assert kind.signed == signed
            if expected is not None:
                side = {"shift_x": 100, "shift_y": 200}.get(name, 1) if kind is KINDS[name] else 1
                found = (kind.weakest + (kind.strongest - kind.weakest) * torch.arange(31) / 30) * side
                found = found.round() if name == "posterize" else found
                assert torch.allclose(found, expected.float(), atol=1e-4), name


def test_tables() -> None:
    for name, policy in (("imagenet", v2.AutoAugmentPolicy.IMAGENET), ("cifar10", v2.AutoAugmentPolicy.CIFAR10)):
        ours = [tuple((THEIRS[kind], p, m) for kind, p, m in pair) for pair in POLICIES[name]]  # type: ignore[index]
        theirs = [tuple((kind, p, m or 0) for kind, p, m in pair) for pair in v2.AutoAugment(policy)._policies]
        assert ours == theirs
    with pytest.raises(ValueError, match="imagenet, cifar10"):
        AutoAugment("svhn")  # type: ignore[arg-type]


def test_policies_change_each_picture_by_itself() -> None:
    x = pictures(40, 16, 16)
    augments: list[Augmentation] = [
        RandAugment(2, 9),
        RandAugment(1, (0, 10)),
        AutoAugment("cifar10"),
        TrivialAugment(),
    ]
    for augment in augments:
        view = augment(x, generator=torch.Generator().manual_seed(0))
        assert view.shape == x.shape
        assert 0.0 <= view.min() <= view.max() <= 1.0
        changed = (view != x).flatten(1).any(dim=1).float().mean()
        assert changed > 0.6
        params = augment.make_params(x, generator=torch.Generator().manual_seed(0))
        assert torch.equal(augment.transform(x, params), view)
        assert augment.eval()(x) is x


def test_strengths_and_choices() -> None:
    augment = RandAugment(3, 5)
    assert isinstance(augment, InTurn)
    assert len(augment.augmentations) == 3
    assert set(CHOICES) == {name for name, number in THEIRS.items() if number in v2.RandAugment._AUGMENTATION_SPACE}
    operation = Operation(KINDS["rotate"], Strength.of(5))
    (degrees,) = operation.draw(torch.zeros(200, 3, 1, 1), None)
    assert set(degrees.tolist()) == {-15.0, 15.0}
    (degrees,) = Operation(WIDE["rotate"], levels=31).draw(torch.zeros(5000, 3, 1, 1), None)
    assert len(degrees.unique()) == 61
    with pytest.raises(ValueError, match="strength"):
        RandAugment(2, 11)
    with pytest.raises(ValueError, match="n should be"):
        RandAugment(0)
