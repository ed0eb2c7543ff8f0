"""Vectors over time of recordings of any length, in bounded memory, equal to one pass over the whole."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from randquant.audio.crops import Samples
from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.layer import Layer
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.inference import in_precision
from randquant.precision import InForce

_CHUNK = 125  # steps that are computed at once: 10 s of AudioNTT2020


def step_vectors(
    encoder: AudioEncoder,
    layer: Layer,
    prepare: Callable[[Sequence[Samples]], Tensor],
    waveforms: Sequence[Samples],
    front_end: FrontEnd,
    precision: InForce = "32",
) -> Tensor:
    """What `AudioEncoder.frames` gives, (B, T', D), for waveforms of as many frames.

    A step depends on `frame_reach` frames to either side, and a frame on half a window to either side. So chunks with
    so much around them give what the whole gives.

    Args:
        encoder: the network, on any device.
        layer: of its features.
        prepare: waveforms -> log-mels (B, 1, F, T) as the encoder takes them.
        waveforms: (T,) each.
        front_end: of the log-mel.
        precision: in which the network computes.
    """
    frames, step, reach = front_end.frames(len(waveforms[0])), encoder.frame_step, encoder.frame_reach
    steps, hop, margin = encoder.frame_count(frames), front_end.hop, -(-front_end.n_fft // 2 // front_end.hop)
    chunk, around = (steps, 0) if reach is None else (_CHUNK, -(-reach // step))
    parts = []
    for first in range(0, steps, chunk):
        last = min(first + chunk, steps)
        low, end = max(0, first - around), last + around >= steps
        high = frames if end else (last + around) * step
        start = max(0, low * step - margin)
        stop = None if end else (high + margin) * hop
        log_mels = prepare([waveform[start * hop : stop] for waveform in waveforms])
        vectors = in_precision(encoder.frames, precision, log_mels.device)(
            log_mels[..., low * step - start : high - start], layer
        )
        parts.append(vectors[:, first - low : last - low])
    return torch.cat(parts, dim=1)
