"""Vectors over time at a step that harnesses ask for, finer than that of the network."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.loading.ready_encoder import Frames

LONGEST_STEP = 50.0  # milliseconds, the most that HEAR advises


def passes(encoder: AudioReadyEncoder, longest: float = LONGEST_STEP) -> int:
    """How often a waveform is embedded so that a vector comes at least every `longest` milliseconds.

    Raises:
        ValueError: the network's own step has no such part of whole samples.
    """
    step = _step(encoder)
    least = max(1, math.ceil(step / encoder.sample_rate * 1000 / longest))
    for number in range(least, step + 1):
        if step % number == 0:
            return number
    raise ValueError(f"a step of {step} samples has no part of at most {longest:g} ms.")


def step_milliseconds(encoder: AudioReadyEncoder, longest: float = LONGEST_STEP) -> float:
    """From one vector of `fine_steps` to the next.

    AudioNTT2020 steps 80 ms, and so 40 ms in two passes; AudioNTT2022 steps 40 ms in one.
    """
    return _step(encoder) / passes(encoder, longest) / encoder.sample_rate * 1000


def fine_steps(encoder: AudioReadyEncoder, waveforms: NDArray[np.float32], longest: float = LONGEST_STEP) -> Frames:
    """Vectors at a regular step of at most `longest` milliseconds, from passes over the waveform without its beginning.

    The network's steps of 80 ms from 0 ms, and those from 40 ms, alternate: every vector is one that the network gives,
    and no time is a guess. Where the last pass has nothing more to give, the next ends too, so that steps stay regular.

    Args:
        encoder: the encoder.
        waveforms: (B, T) at 16 kHz, in [-1, 1].
        longest: milliseconds.
    """
    number, step = passes(encoder, longest), _step(encoder)
    first = encoder.frames(waveforms, sample_rate=encoder.sample_rate, axes="BT")
    found = [first]
    for shift in range(step // number, step, step // number):
        rest = waveforms[:, shift:]
        steps = encoder.front_end.frames(rest.shape[1]) // encoder.encoder.frame_step
        if steps == 0 or rest.shape[1] == 0:
            break
        found.append(encoder.frames(rest, sample_rate=encoder.sample_rate, axes="BT"))
    count = sum(part.vectors.shape[1] for part in found)
    vectors = first.vectors.new_empty(len(waveforms), count, first.vectors.shape[2])
    for place, part in enumerate(found):
        vectors[:, place::number] = part.vectors
    times = first.times[0] + torch.arange(count, dtype=torch.float64) * (step / number / encoder.sample_rate)
    return Frames(vectors, times, torch.full((len(waveforms),), count))


def _step(encoder: AudioReadyEncoder) -> int:
    """Samples from one vector of the network to the next."""
    return encoder.encoder.frame_step * encoder.front_end.hop
