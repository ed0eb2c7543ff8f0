"""Published audio encoders: the tensor names in their files, and class and sizes from the shapes."""

import re
from pathlib import Path

import torch

from randquant.audio.encoders.audio_ntt import CHANNELS, AudioNTT, AudioNTT2020, AudioNTT2022
from randquant.audio.encoders.registry import ENCODERS
from randquant.errors import DataError
from randquant.weights.state_dict import OTHER_PARTS, Found, Naming, fill_encoder, find_encoder, holds, shortened
from randquant.weights.weight_file import Content

# The layer names of AudioNTT2020X, a published variant that returns every layer's features.
_RENAMED = {
    "conv1.0": "features.0",
    "conv1.1": "features.1",
    "conv2.0": "features.4",
    "conv2.1": "features.5",
    "conv3.0": "features.8",
    "conv3.1": "features.9",
    "fc1.0": "fc.0",
    "fc2.1": "fc.3",
}
_OTHER_PART = re.compile("|".join([*OTHER_PARTS, "mel", "stft", "spec", "window", "norm", "^mean$", "^std$"]))


def open_published(content: Content) -> tuple[AudioNTT, str]:
    """The one encoder in a file, under its published names or AudioNTT2020X's, and the report.

    Raises:
        DataError: none, a target network alone, several different ones, or tensors that do not fit or are of unknown
            purpose.
    """
    found = find_encoder(content, _NAMINGS, _OTHER_PART, ", ".join(ENCODERS))
    try:
        with torch.device("meta"):
            encoder = _described(content.file, found)
    except ValueError as error:
        raise DataError(f"{content.file} is for another encoder than {' or '.join(ENCODERS)} ({error}).") from None
    fill_encoder(content.file, encoder, found.tensors)
    return encoder, found.report(encoder)


def is_recognised(content: Content) -> bool:
    """Whether a file names tensors as a known encoder of sound."""
    return holds(content, _NAMINGS)


def _own_name(name: str) -> str | None:
    return name if name.startswith(("features.", "fc.")) else None


def _of_2020x(name: str) -> str | None:
    module, _, tensor = name.rpartition(".")
    return _own_name(f"{_RENAMED.get(module, module)}.{tensor}")


_NAMINGS = (
    Naming("features.0.weight", _own_name),
    Naming("conv1.0.weight", _of_2020x, source="AudioNTT2020X"),
)


def _described(file: Path, found: Found) -> AudioNTT:
    """Class and sizes from the tensors' shapes: the blocks tell the class, the MLP its sizes."""
    first, second = (found.tensors.get(name) for name in ("fc.0.weight", "fc.3.weight"))
    if first is None or second is None or first.ndim != 2 or second.ndim != 2:
        raise DataError(
            f"{file} is for another encoder: expected matrices fc.0.weight and fc.3.weight with "
            f"{found.prefix}features.0.weight, got {shortened(sorted(found.tensors))}; give weights of "
            f"{' or '.join(ENCODERS)}."
        )
    conv_size, (last, hidden) = first.shape[1], second.shape
    if "features.8.weight" in found.tensors:
        return AudioNTT2020(n_mels=conv_size // CHANNELS * 8, d=last)
    return AudioNTT2022(n_mels=conv_size // CHANNELS * 4, d=last + conv_size, hidden=hidden)
