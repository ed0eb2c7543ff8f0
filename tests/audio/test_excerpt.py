"""What is heard of a recording on a page."""

from io import BytesIO

import numpy as np
import pytest

from randquant.audio.excerpt import SECONDS, compressed, excerpts, outline
from randquant.data.store import Store
from randquant.report.media.excerpt import Sound


def test_the_beginning_is_heard(store: Store) -> None:
    soundfile = pytest.importorskip("soundfile")
    shown = excerpts(store)(3)
    assert isinstance(shown, Sound)
    assert shown.seconds == 2.5
    assert shown.heard == min(SECONDS, 2.5)
    heard, rate = soundfile.read(BytesIO(shown.data))
    assert rate == 16_000
    assert abs(len(heard) / rate - shown.heard) < 0.15  # MP3 pads to whole frames


def test_a_tone_comes_back() -> None:
    soundfile = pytest.importorskip("soundfile")
    tone = (8_000 * np.sin(np.arange(32_000) * 2 * np.pi * 440 / 16_000)).astype(np.int16)
    heard, rate = soundfile.read(BytesIO(compressed(tone)[1]))
    spectrum = np.abs(np.fft.rfft(heard))
    assert abs(spectrum.argmax() * rate / len(heard) - 440) < 5


def test_the_outline_has_the_peaks() -> None:
    samples = np.zeros(600, dtype=np.int16)
    samples[305] = -20_000
    peaks = outline(samples)
    assert len(peaks) == 60
    assert peaks[30] == 1.0
    assert sum(peaks) == 1.0
    assert outline(np.zeros(0, dtype=np.int16)) == [0.0]
