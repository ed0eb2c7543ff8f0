"""Encoders in X-ARES, MTEB and EVAR: their own checks where they are installed, and ours always."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import randquant
from randquant.audio.harness import evar_model
from randquant.audio.harness.mteb_model import clip_vectors, mteb_model
from randquant.audio.harness.xares_encoder import encoder_class
from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.audio.spectrogram.normalize import mean_and_std
from randquant.errors import UsageError

NAME = "untrained:AudioNTT2020:16"
AUDIO = 0.1 * torch.randn(4, 16_000, generator=torch.Generator().manual_seed(0))

pytestmark = pytest.mark.filterwarnings("ignore:.*does not say by which mean")


def test_a_class_for_xares() -> None:
    made = encoder_class(NAME)
    encoder = made()
    assert type(encoder).__name__.endswith("Encoder")
    vectors = encoder(AUDIO)
    assert (encoder.sampling_rate, encoder.output_dim) == (16_000, vectors.shape[2])
    assert vectors.shape[1] == pytest.approx(1000 / encoder.hop_size_in_ms, abs=1)
    assert torch.equal(encoder(AUDIO[0]), encoder(AUDIO[:1]))


def test_the_check_of_xares() -> None:
    checker = pytest.importorskip("xares.audio_encoder_checker", reason="xares is not installed", exc_type=ImportError)
    assert checker.check_audio_encoder(encoder_class(NAME)())


def test_clips_of_mteb_have_their_own_rates_lengths_and_channels() -> None:
    encoder = AudioReadyEncoder.open(NAME)
    second = np.stack([AUDIO[1, :8_000].numpy()] * 2)
    clips = [{"array": AUDIO[0].numpy(), "sampling_rate": 16_000}, {"array": second, "sampling_rate": 8_000}]
    found = clip_vectors(encoder, clips)
    assert torch.allclose(found[0], encoder(AUDIO[0], sample_rate=16_000), rtol=1e-5, atol=1e-6)
    assert torch.allclose(found[1], encoder(AUDIO[1, :8_000], sample_rate=8_000), rtol=1e-5, atol=1e-6)
    of_right = AudioReadyEncoder.open(NAME, channel="right")
    stereo = [{"array": np.stack([AUDIO[0].numpy(), AUDIO[1].numpy()]), "sampling_rate": 16_000}]
    assert torch.equal(clip_vectors(of_right, stereo)[0], of_right(AUDIO[1], sample_rate=16_000))


def test_the_mock_run_of_mteb() -> None:
    mteb = pytest.importorskip("mteb", reason="mteb is not installed", exc_type=ImportError)
    results = mteb.mock_run(mteb_model(NAME, name="randquant/test"))
    assert results.all_passed
    assert {modality: status for status, modality, _ in results.modality_summary()}["audio"].startswith("✓")


def test_without_mteb_or_with_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(ImportError, match=r"randquant\[mteb\]"):
        mteb_model(NAME)
    with pytest.raises(UsageError, match="owner/model"):
        mteb_model(NAME, name="mine")


@pytest.fixture
def evar(monkeypatch: pytest.MonkeyPatch) -> None:
    """What EVAR's base class does, written anew."""

    class BaseAudioRepr(torch.nn.Module):
        def __init__(self, cfg: dict[str, object]) -> None:
            super().__init__()
            self.cfg = SimpleNamespace(**cfg)

    base = ModuleType("evar.ar_base")
    base.BaseAudioRepr = BaseAudioRepr  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "evar", ModuleType("evar"))
    monkeypatch.setitem(sys.modules, "evar.ar_base", base)


def test_a_representation_for_evar(evar: None) -> None:
    representation = evar_model.AR_RandQuant({"weight_file": NAME})
    loader = [(AUDIO[:2], torch.zeros(2)), (3 * AUDIO[2:], torch.zeros(2))]
    representation.precompute("cpu", loader)
    log_mel = representation.encoder.prepare.log_mel
    statistics = mean_and_std(log_mel(waveforms) for waveforms, _ in loader)
    representation.eval()
    with torch.no_grad():
        vectors = representation.forward(AUDIO)
    expected = randquant.load(NAME, statistics=statistics)(AUDIO, sample_rate=16_000, axes="BT")
    assert torch.allclose(vectors, expected, rtol=1e-3, atol=1e-3)  # which rounds to int16 first
    frames = representation.encode_frames(AUDIO)
    assert frames.shape == (4, 16, 12)
    assert torch.allclose(frames.amax(2) + frames.mean(2), vectors, rtol=1e-5, atol=1e-6)
    assert representation.forward(AUDIO).requires_grad


def test_without_evar() -> None:
    with pytest.raises(UsageError, match="copy of EVAR"):
        evar_model.AR_RandQuant  # noqa: B018 - made when it is asked for
    with pytest.raises(AttributeError, match="no attribute"):
        evar_model.AR_Other  # noqa: B018
