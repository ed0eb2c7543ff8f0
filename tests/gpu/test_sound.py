"""Sound on a GPU: log-mels, augmentations and encoders are those of a CPU."""

from pathlib import Path

import pytest
import torch

from randquant.audio.augment.registry import AUGMENTATIONS, OPERATIONS
from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LogMel
from randquant.policies.strength import Strength
from tests.gpu.beside_cpu import DEVICE, agrees, on

pytestmark = pytest.mark.gpu
SETTINGS = AudioPretraining(out=Path(), data=[Path()])


def test_log_mel() -> None:
    clips = (torch.randn(4, 16_000) * 3000).to(torch.int16)
    agrees(lambda front, clips: front(clips), LogMel(FrontEnd()), clips, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_by_the_same_draw(name: str) -> None:
    if name == "mixup":
        pytest.skip("keeps a bank of past inputs; see the trainings")
    x = torch.randn(6, 1, 64, 96)
    augment = AUGMENTATIONS[name](SETTINGS)
    params = augment.make_params(x)
    agrees(lambda x, params: augment.transform(x, params), x, params, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*AUGMENTATIONS, *(name for name in OPERATIONS if name not in AUGMENTATIONS)])
def test_augmentations_draw_on_the_device(name: str) -> None:
    make = AUGMENTATIONS.get(name) or (lambda settings: OPERATIONS[name](settings, Strength.of(0.5)))
    augment, x = make(SETTINGS).to(DEVICE), torch.randn(6, 1, 64, 96, device=DEVICE)
    drawn = [augment(x, generator=torch.Generator(DEVICE).manual_seed(seed)) for seed in (0, 0, 1)]
    assert all((each.device, each.shape[:3]) == (x.device, x.shape[:3]) for each in drawn)
    assert all(bool(each.isfinite().all()) for each in drawn)
    if name not in ("mixup", "background"):
        torch.testing.assert_close(drawn[0], drawn[1])


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders(name: str) -> None:
    encoder = ENCODERS[name].of_width(256, 64).eval()
    x, lengths = torch.randn(5, 1, 64, 96), torch.tensor([96, 40, 96, 17, 60])
    agrees(lambda encoder, x: encoder(x), encoder, x, rtol=1e-3, atol=1e-4)
    agrees(lambda encoder, x, lengths: encoder(x, lengths=lengths), encoder, x, lengths, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_encoders_in_half_precision(dtype: torch.dtype) -> None:
    encoder, x = on(DEVICE, (ENCODERS["AudioNTT2020"].of_width(256, 64).eval(), torch.randn(4, 1, 64, 96)))
    with torch.autocast("cuda", dtype=dtype):
        found = encoder(x)
    assert torch.nn.functional.cosine_similarity(found.float(), encoder(x)).min() > 0.99
