"""Pictures on a GPU: augmentations draw there, and encoders are those of a CPU."""

from pathlib import Path

import pytest
import torch

from randquant.images.augment.registry import AUGMENTATIONS
from randquant.images.encoders.registry import ENCODERS
from randquant.images.settings import ImagePretraining
from tests.gpu.beside_cpu import DEVICE, agrees

pytestmark = pytest.mark.gpu
SETTINGS = ImagePretraining(out=Path(), data=[Path()], image_size=32)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations(name: str) -> None:
    augment, x = AUGMENTATIONS[name](SETTINGS).to(DEVICE), torch.rand(6, 3, 32, 32, device=DEVICE)
    drawn = [augment(x, generator=torch.Generator(DEVICE).manual_seed(seed)) for seed in (0, 0, 1)]
    assert all((each.device, each.shape) == (x.device, x.shape) for each in drawn)
    assert all(bool(each.isfinite().all()) for each in drawn)
    torch.testing.assert_close(drawn[0], drawn[1])


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders(name: str) -> None:
    encoder, side = ENCODERS[name]().eval(), 224 if name.startswith("vit") else 64
    agrees(lambda encoder, x: encoder(x), encoder, torch.randn(2, 3, side, side), rtol=1e-3, atol=1e-3)
