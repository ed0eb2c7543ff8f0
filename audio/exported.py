"""Encoders of sound as functions that are exported: a waveform (B, T) in, its vector out, all in plain operators."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import randquant
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.weights import LoadedEncoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LOG_FLOOR
from randquant.audio.spectrogram.mel_filters import mel_filter_bank
from randquant.audio.spectrogram.normalised_log_mel import NormalisedLogMel
from randquant.audio.spectrogram.normalize import PreNorm
from randquant.export.exportable import Exportable, Size
from randquant.files.json_record import Json


@dataclass(frozen=True)
class Waveforms:
    """How waveforms become what the network takes.

    Attributes:
        mean, std: of log-mels.
        channel: of a recording, for whoever reads it; the function takes one channel.
        peak_normalise: each waveform is scaled so that its largest sample is 1.
    """

    mean: float
    std: float
    channel: str = "mean"
    peak_normalise: bool = False


class MatrixLogMel(nn.Module):
    """`LogMel` by two matrix products: (B, T) float32 in [-1, 1] -> (B, 1, F, 1 + T // hop).

    The discrete Fourier transform of a window of N samples is a product with cosines and sines. The window is
    symmetric and zero at its first sample, cosines are even and sines odd, so that the sums and differences of samples
    n and N - n are multiplied, in half the work; and only bins that a mel band holds are computed. Written with plain
    operators, since a graph with `torch.stft` fixes the size of the batch (pytorch issue 148687) and onnxruntime has
    no fast form of it.

    Args:
        front_end: the definition; every back end has the same.
    """

    cosines: Tensor
    sines: Tensor
    bank: Tensor
    within: Tensor

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.n_fft, self.hop = front_end.n_fft, front_end.hop
        bank = mel_filter_bank(front_end).T  # (bins, F)
        heard = torch.nonzero(bank.sum(dim=1)).flatten()
        heard = torch.arange(int(heard[0]), int(heard[-1]) + 1)
        half = self.n_fft // 2
        place = torch.arange(1, half + 1, dtype=torch.float64)
        window = 0.5 - 0.5 * torch.cos(2.0 * math.pi * place / self.n_fft)
        window[-1] /= 2.0  # the middle sample is its own mirror image, so it is in its sum twice
        angle = 2.0 * math.pi * torch.remainder(place[:, None] * heard, self.n_fft) / self.n_fft
        for name, value in (("cosines", angle.cos()), ("sines", angle.sin())):
            self.register_buffer(name, (window[:, None] * value).float())
        self.register_buffer("bank", bank[heard].contiguous())
        self.register_buffer("within", torch.arange(1, half + 1))

    def forward(self, waveform: Tensor) -> Tensor:
        """At least one sample; zeros follow where there are too few to be reflected, as in `LogMel`."""
        half = self.n_fft // 2
        away, samples = torch.arange(half), torch.sym_max(half + 1, waveform.shape[1])
        # Without a branch. Of no samples there is no number `half` behind the zeros, which is an error in any runtime.
        places = torch.cat([half - away, torch.arange(samples), samples - 2 - away])
        padded = nn.functional.pad(waveform, (0, half)).index_select(1, places)
        starts = torch.arange(1 + waveform.shape[1] // self.hop)[:, None] * self.hop
        ahead, behind = (
            padded.index_select(1, (starts + within).flatten()).unflatten(1, (-1, half))
            for within in (self.within, self.n_fft - self.within)
        )
        power = ((ahead + behind) @ self.cosines).square() + ((ahead - behind) @ self.sines).square()
        return (power @ self.bank + LOG_FLOOR).log().transpose(1, 2).unsqueeze(1)


class ExportedAudio(nn.Module):
    """Waveforms (B, T) -> vectors (B, D): log-mel, normalisation and network in one.

    Args:
        loaded: the network and its front end.
        waveforms: how they are normalised.
        layer: whose features.
    """

    def __init__(self, loaded: LoadedEncoder, waveforms: Waveforms, layer: Layer) -> None:
        super().__init__()
        self.log_mel, self.normalise = MatrixLogMel(loaded.front_end), PreNorm(waveforms.mean, waveforms.std)
        self.encoder, self.layer, self.peak_normalise = loaded.encoder, layer, waveforms.peak_normalise

    def forward(self, waveform: Tensor) -> Tensor:
        """Embed waveforms of one length."""
        if self.peak_normalise:
            waveform = to_peak(waveform)
        return self.encoder(self._long_enough(self.normalise(self.log_mel(waveform))), layer=self.layer).float()

    def _long_enough(self, x: Tensor) -> Tensor:
        """Log-mels with the zeros that the network puts behind fewer frames than one step, without its branch."""
        least = self.encoder.frame_step
        frames = torch.arange(torch.sym_max(least, x.shape[3]))
        return nn.functional.pad(x, (0, least - 1)).index_select(3, frames)


def to_peak(waveform: Tensor) -> Tensor:
    """Waveforms (B, T) scaled so that the largest sample of each is 1; silence stays."""
    return waveform / waveform.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)


def exportable(loaded: LoadedEncoder, waveforms: Waveforms, layer: Layer = "output") -> Exportable:
    """A loaded encoder as a function that can be exported.

    Raises:
        ValueError: the encoder has no such layer.
    """
    front_end, encoder = loaded.front_end, loaded.encoder.eval()
    dimension = encoder.embedding_size(layer)
    prepare = NormalisedLogMel(front_end, waveforms.mean, waveforms.std)

    def native(waveform: Tensor) -> Tensor:
        scaled = to_peak(waveform) if waveforms.peak_normalise else waveform
        return encoder(prepare(scaled), layer=layer)

    fewest, second = 1, front_end.sample_rate
    size = Size("samples", fewest, (fewest, front_end.n_fft // 2, second // 2 + 1, 2 * second - 7, 3 * second))
    return Exportable(
        ExportedAudio(loaded, waveforms, layer).eval(),
        native,
        "waveform",
        lambda batch, samples: tones(batch, samples, second),
        size,
        _about(loaded, waveforms, layer, dimension, fewest),
    )


def tones(batch: int, samples: int, sample_rate: int) -> Tensor:
    """Waveforms (batch, samples) to try a function with: a tone each, under noise of another level each."""
    generator = torch.Generator().manual_seed(batch * samples)
    time = torch.arange(samples) / sample_rate
    pitch = 100.0 * 2.0 ** (5.0 * torch.rand(batch, 1, generator=generator))
    level = 10.0 ** (-3.0 * torch.rand(batch, 1, generator=generator))
    return 0.3 * torch.sin(2.0 * math.pi * pitch * time) + level * torch.randn(batch, samples, generator=generator)


def _about(loaded: LoadedEncoder, waveforms: Waveforms, layer: str, dimension: int, fewest: int) -> dict[str, Json]:
    rate = loaded.front_end.sample_rate
    scale = "scaled inside so that the largest sample is 1" if waveforms.peak_normalise else "full scale 1.0"
    return {
        "modality": "audio",
        "input": f"waveform (batch, samples) float32, one channel at {rate} Hz, {scale}, at least {fewest} sample",
        "output": f"vector (batch, {dimension}) float32",
        "encoder": type(loaded.encoder).__name__,
        "layer": layer,
        "dimension": dimension,
        "sample_rate": rate,
        "fewest_samples": fewest,
        "channel": waveforms.channel,
        "peak_normalise": waveforms.peak_normalise,
        "front_end": loaded.front_end.to_dict(),
        "mean": waveforms.mean,
        "std": waveforms.std,
        "sha256": loaded.sha256,
        "randquant": randquant.__version__,
    }
