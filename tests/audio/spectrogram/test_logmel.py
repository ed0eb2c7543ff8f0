"""The front end: one definition, four back ends."""

import importlib
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from randquant.audio.spectrogram.front_end import Backend, FrontEnd, Mel
from randquant.audio.spectrogram.logmel import LOG_FLOOR, LogMel
from randquant.audio.spectrogram.mel_filters import mel_filter_bank
from randquant.errors import UsageError

BACKENDS = get_args(Backend)


@pytest.fixture(scope="module")
def signals() -> Tensor:
    """(3, 15200): noise, a chirp in noise, both with a silent end; 0.95 s."""
    generator = torch.Generator().manual_seed(0)
    noise = 0.1 * torch.randn(2, 15_200, generator=generator)
    time = torch.arange(15_200) / 16_000
    chirp = 0.5 * torch.sin(2 * torch.pi * (100.0 * time + 3_500.0 * time**2))
    ended = torch.where(time < 0.5, noise[0] + chirp, torch.zeros(()))
    return torch.stack([noise[0], chirp + 0.1 * noise[1], ended])


def library_or_skip(backend: Backend) -> None:
    names = {"torchaudio": "torchaudio.functional", "nnaudio": "nnAudio.features", "librosa": "librosa"}
    if backend in names:
        try:
            importlib.import_module(names[backend])
        except (ImportError, OSError) as error:
            pytest.skip(f"{backend} does not import here: {error}")


def slow_log_mel(samples: Tensor, front_end: FrontEnd) -> Tensor:
    """The definition frame by frame, in float64."""
    half = front_end.n_fft // 2
    padded = np.pad(samples.double().numpy(), half, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(front_end.n_fft) / front_end.n_fft)
    starts = range(0, len(samples) + 1, front_end.hop)
    power = [np.abs(np.fft.rfft(window * padded[start : start + front_end.n_fft])) ** 2 for start in starts]
    mel = mel_filter_bank(front_end).double().numpy() @ np.array(power).T
    return torch.from_numpy(np.log(mel + LOG_FLOOR))


@pytest.mark.parametrize(
    ("samples", "frames"), [(15_200, 96), (16_000, 101), (64_000, 401), (92_800, 581), (131_200, 821)]
)
def test_number_of_frames(samples: int, frames: int) -> None:
    assert LogMel()(torch.zeros(1, samples)).shape == (1, 1, 64, frames)
    assert FrontEnd().frames(samples) == frames


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mel", ["slaney", "htk"])
def test_back_ends_agree_with_the_definition(backend: Backend, mel: Mel, signals: Tensor) -> None:
    library_or_skip(backend)
    front_end = FrontEnd(mel=mel, backend=backend)
    expected = torch.stack([slow_log_mel(each, front_end) for each in signals])
    torch.testing.assert_close(LogMel(front_end)(signals)[:, 0].double(), expected, rtol=0.0, atol=2e-4)


@pytest.mark.parametrize("mel", ["slaney", "htk"])
def test_filter_bank_is_that_of_librosa(mel: Mel) -> None:
    library_or_skip("librosa")
    import librosa

    slaney = mel == "slaney"
    reference = librosa.filters.mel(
        sr=16_000, n_fft=1024, n_mels=64, fmin=60.0, fmax=7800.0, htk=not slaney, norm="slaney" if slaney else None
    )
    np.testing.assert_allclose(mel_filter_bank(FrontEnd(mel=mel)).numpy(), reference, atol=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("samples", [0, 1, 159, 320, 512, 513])
def test_short_input_is_padded(backend: Backend, samples: int) -> None:
    library_or_skip(backend)
    waveform = torch.rand(2, samples)
    log_mel = LogMel(FrontEnd(backend=backend))(waveform)
    assert log_mel.shape == (2, 1, 64, 1 + samples // 160)
    assert log_mel.isfinite().all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_in_the_state_dict(backend: Backend) -> None:
    library_or_skip(backend)
    log_mel = LogMel(FrontEnd(backend=backend))
    assert not log_mel.state_dict()
    assert not list(log_mel.parameters())


def test_int16_is_scaled_on_the_way(signals: Tensor) -> None:
    samples = (signals * 32_768).clamp(-32_768, 32_767).to(torch.int16)
    log_mel = LogMel()
    torch.testing.assert_close(log_mel(samples), log_mel(samples.float() / 32_768))


def test_float32_under_autocast_and_for_other_floats(signals: Tensor) -> None:
    log_mel = LogMel()
    expected = log_mel(signals)
    with torch.autocast("cpu", torch.bfloat16):
        inside = log_mel(signals)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, expected)
    assert torch.equal(log_mel(signals.double()), expected)


def test_a_batch_is_its_clips(signals: Tensor) -> None:
    log_mel = LogMel()
    many = signals.repeat(1 + 2**18 // signals.numel(), 1)  # more than are computed at once
    torch.testing.assert_close(log_mel(many), torch.cat([log_mel(each[None]) for each in many]), rtol=0.0, atol=1e-5)
    assert torch.equal(log_mel(many), (log_mel.mel_power(many) + LOG_FLOOR).log()[:, None])
    assert log_mel(many[:0]).shape == (0, 1, 64, 96)


def test_silence_is_the_floor() -> None:
    log_mel = LogMel()(torch.zeros(1, 4_000))
    torch.testing.assert_close(log_mel, torch.full_like(log_mel, -15.9424))


def test_nothing_is_read_on_the_host(signals: Tensor) -> None:
    log_mel = LogMel()
    compiled = torch.compile(log_mel, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(signals), log_mel(signals))


def test_gradient_reaches_the_waveform(signals: Tensor) -> None:
    waveform = signals[:1, :2_000].clone().requires_grad_()
    LogMel()(waveform).sum().backward()
    direction = torch.randn(waveform.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ahead, behind = (LogMel()(waveform + sign * 1e-3 * direction).double().sum() for sign in (1, -1))
    slope = (ahead - behind) / 2e-3
    assert waveform.grad is not None
    torch.testing.assert_close((waveform.grad * direction).sum().double(), slope, rtol=0.02, atol=0.0)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"n_mels": 0}, "n_mels"),
        ({"hop": 1.5}, "hop"),
        ({"n_fft": 1023}, "n_fft"),
        ({"f_max": 8_001.0}, "f_max"),
        ({"f_min": 7_900.0}, "f_min"),
        ({"mel": "bark"}, "mel"),
        ({"backend": "kaldi"}, "backend"),
    ],
)
def test_front_end_refuses_bad_values(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        FrontEnd(**arguments)  # type: ignore[arg-type]


def test_too_many_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="no FFT bin"):
        LogMel(FrontEnd(n_fft=256, n_mels=128))


def test_front_end_as_dictionary_and_back() -> None:
    front_end = FrontEnd(mel="htk", n_mels=80)
    assert FrontEnd.from_dict(front_end.to_dict()) == front_end
    with pytest.raises(ValueError, match=r"no field n_mel\."):
        FrontEnd.from_dict({"n_mel": 64})


def test_wrong_waveforms_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(B, T\)"):
        LogMel()(torch.zeros(16_000))
    with pytest.raises(TypeError, match="int16"):
        LogMel()(torch.zeros(1, 16_000, dtype=torch.int32))


@pytest.mark.parametrize("error", [ImportError("No module named 'x'"), OSError("libc10_cuda.so: cannot open")])
@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_a_missing_library_is_named(backend: Backend, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise error

    monkeypatch.setattr("randquant.audio.spectrogram.mel_backends.importlib.import_module", broken)
    with pytest.raises(UsageError, match=f"(?i)pip install {backend}"):
        LogMel(FrontEnd(backend=backend))
    LogMel()(torch.zeros(1, 1_000))
