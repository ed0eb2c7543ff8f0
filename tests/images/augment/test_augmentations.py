"""What holds for every augmentation of pictures, and how a training's settings name them."""

from contextlib import nullcontext

import pytest
import torch

from randquant.augmentation import Augmentation
from randquant.images.augment.flip import RandomFlip
from randquant.images.augment.picture_augmentation import PictureAugmentation
from randquant.images.augment.policy import augmentation_names, policy
from randquant.images.augment.registry import AUGMENTATIONS
from randquant.images.augment.resize_crop import RandomResizedCrop
from randquant.quantize import RandomizedQuantization
from tests.images.augment.pictures import pictures, settings

EVERY = list(AUGMENTATIONS)


def made(name: str) -> Augmentation:
    """As settings make it, always applied where it has a probability."""
    augmentation = AUGMENTATIONS[name](settings())
    if isinstance(augmentation, PictureAugmentation):
        augmentation.p = 1.0
    return augmentation


@pytest.mark.parametrize("name", EVERY)
def test_a_draw_is_replayed_in_range_and_dtype(name: str) -> None:
    augment, x = made(name), pictures()
    params = augment.make_params(x, generator=torch.Generator().manual_seed(1))
    view = augment.transform(x, params)
    assert torch.equal(view, augment.transform(x, params))
    assert torch.equal(view, augment(x, generator=torch.Generator().manual_seed(1)))
    assert view.shape == x.shape
    assert 0.0 <= view.min() <= view.max() <= 1.0 + 1e-6
    assert augment.transform(x.half(), params).dtype == torch.float16
    assert torch.equal(augment.eval()(x), x)


@pytest.mark.parametrize("name", EVERY)
def test_draws_differ_between_pictures_and_do_not_mix_them(name: str) -> None:
    augment, x = made(name), pictures(1).expand(8, -1, -1, -1)
    other = torch.cat([x[:4], pictures(4, seed=1)])
    params = augment.make_params(x)
    view = augment.transform(x, params)
    assert torch.allclose(view[:4], augment.transform(other, params)[:4], atol=1e-6)
    if name not in ("gray", "equalize", "solarize", "flip", "posterize", "clahe"):  # draws that change nothing here
        assert len({tuple(picture.flatten().tolist()) for picture in view}) > 1


@pytest.mark.parametrize("name", [name for name in EVERY if isinstance(made(name), PictureAugmentation)])
def test_each_picture_is_changed_with_its_own_probability(name: str) -> None:
    augment, x = made(name), pictures(1).expand(200, -1, -1, -1)
    assert isinstance(augment, PictureAugmentation)
    augment.p = 0.3
    params = augment.make_params(x, generator=torch.Generator().manual_seed(0))
    changed = (augment.transform(x, params) != x).flatten(1).any(dim=1)
    assert not (changed & ~params.apply).any()
    assert 0.2 < changed.float().mean() < 0.4
    augment.p = 0.0
    assert augment(x) is x
    with pytest.raises(ValueError, match=r"expected pictures \(B, 3, H, W\)"):
        augment(x[0])


def test_the_masked_form_gives_what_the_form_by_rows_gives() -> None:
    x = pictures()
    for name in EVERY:
        augment = made(name)
        if isinstance(augment, PictureAugmentation):
            augment.p = 0.5
            params = augment.make_params(x)
            every = augment.change(x, *params.values)
            expected = torch.where(params.apply[:, None, None, None], every, x)
            assert torch.allclose(augment.transform(x, params), expected, atol=1e-6), name


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_read_on_the_host(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tensors without values: whatever would wait for a device fails on them. Autocast knows no such device.
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    x = torch.empty(8, 3, 32, 32, device="meta")
    assert AUGMENTATIONS[name](settings())(x).shape == x.shape


def test_settings_name_a_policy() -> None:
    crop, _, quantize = policy(settings(augment="rq+colour+flip+rrc", flip_p=0.3))
    assert isinstance(crop, RandomResizedCrop)
    assert crop.flip == 0.3
    assert isinstance(quantize, RandomizedQuantization)
    assert quantize.dim == (-2, -1)
    first, *_ = policy(settings(augment="rrc+rq", rq_first=True))
    assert isinstance(first, RandomizedQuantization)
    (alone,) = policy(settings(augment="flip"))
    assert isinstance(alone, RandomFlip)
    assert len(policy(settings(augment="none"))) == 0
    assert policy(settings(augment="rrc", image_size=20))(pictures()).shape == (6, 3, 20, 20)
    for wrong in ("rrc+crop", "rq+rq", ""):
        with pytest.raises(ValueError, match="--augment should be none or a choice of rrc, flip, "):
            augmentation_names(wrong)


def test_views_may_differ_as_byol_has_them() -> None:
    byol = settings(augment="blur+solarize", blur_p=[1.0, 0.1], solarize_p=[0.0, 0.2])
    found = [[augmentation.p for augmentation in policy(byol, view)] for view in range(3)]
    assert found == [[1.0, 0.0], [0.1, 0.2], [1.0, 0.0]]
    assert byol.blur_p == [1.0, 0.1]
    with pytest.raises(ValueError, match="--blur_p takes one probability for all views or one a view"):
        policy(settings(blur_p=[]))
