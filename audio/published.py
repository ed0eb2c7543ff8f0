"""An encoder in somebody else's file: found by its tensors' names, told by their shapes, filled strictly.

Published weights come bare or wrapped (`state_dict`, `model`), under bare or prefixed names, and a BYOL checkpoint
holds the network up to three times. Of an online and a target network the online one is taken, never the target.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio.encoder import CHANNELS, ENCODERS, AudioNTT, AudioNTT2020, AudioNTT2022
from randquant.checkpoint import FORMAT as CHECKPOINT_FORMAT
from randquant.errors import DataError

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
_FIRST_TENSORS = ("features.0.weight", "conv1.0.weight")
_FOLLOWER = re.compile(r"target|teacher|momentum|ema$|^ema")
_OTHER_PART = re.compile(
    r"project|predict|target|teacher|momentum|ema$|^ema|queue|bank|head|classif|loss|criterion|augment"
    r"|mel|stft|spec|window|norm|^mean$|^std$|^n_averaged$"
)


@dataclass
class Found:
    """An encoder's tensors inside a file: the container they are in, their prefix there, and what stands beside."""

    where: str
    prefix: str
    tensors: dict[str, Tensor]
    renamed: bool
    left_out: list[str] = field(default_factory=list)

    def report(self, encoder: AudioNTT) -> str:
        """One sentence."""
        place = f" in {self.where!r}" if self.where else ""
        named = f" under the prefix {self.prefix!r}" if self.prefix else " under their published names"
        variant = ", renamed from AudioNTT2020X" if self.renamed else ""
        others = f"; left out: {_grouped(self.left_out)}" if self.left_out else ""
        return f"{describe(encoder)}: all {len(self.tensors)} tensors matched{place}{named}{variant}{others}"


def find_encoder(file: Path, value: Any) -> Found:
    """The one encoder in a file: online rather than target; of several, only if they are equal."""
    found = [each for where, state in _state_dicts(value) for each in _candidates(where, state)]
    if not found:
        raise DataError(
            f"{file} holds no encoder of ours ({', '.join(ENCODERS)}), {_first_names(value)}; give weights of one."
        )
    learned = [each for each in found if not _is_follower(each)]
    if not learned:
        raise DataError(
            f"{file} holds a target network only, under {found[0].prefix!r}, and not the network that was trained; "
            "give a file that has it."
        )
    online = [each for each in learned if "online" in each.prefix] or learned
    chosen = online[0]
    for other in online[1:]:
        if not _same_tensors(chosen.tensors, other.tensors):
            names = ", ".join(repr(f"{each.where}.{each.prefix}".strip(".")) for each in online)
            raise DataError(f"{file} holds several different encoders ({names}); save the one you mean alone.")
    chosen.left_out = _checked_rest(file, value, chosen, found)
    return chosen


def _state_dicts(value: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every mapping that holds tensors under names, with the keys that lead to it; from the outside inwards."""
    if not isinstance(value, Mapping) or depth > 4:
        return
    tensors = {key: item for key, item in value.items() if isinstance(key, str) and isinstance(item, Tensor)}
    if tensors:
        yield where, tensors
    for key, item in value.items():
        yield from _state_dicts(item, f"{where}.{key}" if where else str(key), depth + 1)


def _candidates(where: str, state: dict[str, Tensor]) -> Iterator[Found]:
    """Every prefix under which a first convolution stands, with the encoder's tensors there under published names."""
    for first in _FIRST_TENSORS:
        prefixes = [name.removesuffix(first) for name in state if name == first or name.endswith("." + first)]
        for prefix in prefixes:
            inner = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
            tensors = {_published(name): tensor for name, tensor in inner.items() if _is_encoders(_published(name))}
            yield Found(where, prefix, tensors, renamed=first != _FIRST_TENSORS[0])


def _published(name: str) -> str:
    module, _, tensor = name.rpartition(".")
    return f"{_RENAMED.get(module, module)}.{tensor}"


def _is_encoders(name: str) -> bool:
    return name.startswith(("features.", "fc."))


def _is_follower(found: Found) -> bool:
    return any(_FOLLOWER.search(part) for part in f"{found.where}.{found.prefix}".split("."))


def _same_tensors(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _checked_rest(file: Path, value: Any, chosen: Found, found: list[Found]) -> list[str]:
    """The names beside the encoder's in its state dict; an error where one is of no known other part."""
    state = next(tensors for where, tensors in _state_dicts(value) if where == chosen.where)
    rest = [
        name
        for name in state
        if not name.startswith(chosen.prefix) or not _is_encoders(_published(name.removeprefix(chosen.prefix)))
    ]
    if isinstance(value, Mapping) and value.get("format") == CHECKPOINT_FORMAT:
        return rest  # our own: all beside the encoder are heads and the teacher
    elsewhere = tuple(each.prefix for each in found if each.prefix and each.prefix != chosen.prefix)
    unknown = [
        name
        for name in rest
        if not name.startswith(elsewhere) and not any(_OTHER_PART.search(part) for part in name.split("."))
    ]
    if unknown:
        raise DataError(
            f"{file} holds an encoder and tensors of unknown purpose ({_shortened(unknown)}), so it may be for another "
            "network; save the encoder's state dict alone."
        )
    return rest


def build_encoder(file: Path, found: Found) -> AudioNTT:
    """Build the encoder that the shapes describe and give it the tensors."""
    try:
        with torch.device("meta"):
            encoder = _described(file, found)
    except ValueError as error:
        raise DataError(f"{file} is for another encoder than {' or '.join(ENCODERS)} ({error}).") from None
    fill_encoder(file, encoder, found.tensors)
    return encoder


def _described(file: Path, found: Found) -> AudioNTT:
    """Class and sizes from the tensors' shapes: the blocks tell the class, the MLP its sizes."""
    first, second = (found.tensors.get(name) for name in ("fc.0.weight", "fc.3.weight"))
    if first is None or second is None or first.ndim != 2 or second.ndim != 2:
        raise DataError(
            f"{file} is for another encoder: expected matrices fc.0.weight and fc.3.weight beside "
            f"{found.prefix}features.0.weight, got {_shortened(sorted(found.tensors))}; give weights of "
            f"{' or '.join(ENCODERS)}."
        )
    conv_size, (last, hidden) = first.shape[1], second.shape
    if "features.8.weight" in found.tensors:
        return AudioNTT2020(n_mels=conv_size // CHANNELS * 8, d=last)
    return AudioNTT2022(n_mels=conv_size // CHANNELS * 4, d=last + conv_size, hidden=hidden)


def fill_encoder(file: Path, encoder: AudioNTT, tensors: dict[str, Tensor]) -> None:
    """Give a shapeless ("meta") encoder its tensors, all of them and no others, as float32, and set eval mode."""
    expected = encoder.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        wanted = tuple(expected[name].shape) if name in expected else "no such tensor"
        got = tuple(tensors[name].shape) if name in tensors else "none"
        if wanted != got:
            raise DataError(
                f"{file} is not for {describe(encoder)}: of {name} expected shape {wanted}, got {got}; "
                "give weights of that encoder."
            )
        if expected[name].is_floating_point() != tensors[name].is_floating_point():
            raise DataError(f"{file} holds {name} as {tensors[name].dtype}; give weights in floating point.")
        if not tensors[name].isfinite().all():
            raise DataError(f"{file} holds NaN or infinite weights in {name}; train again or use other weights.")
    typed = {name: tensor.to(expected[name].dtype, copy=True).contiguous() for name, tensor in tensors.items()}
    encoder.load_state_dict(typed, strict=True, assign=True)
    encoder.eval()


def describe(encoder: AudioNTT) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in encoder.arguments.items())
    return f"{type(encoder).__name__}({arguments})"


def _grouped(names: list[str]) -> str:
    """Names by the module two levels deep: `learner.target_encoder (25), learner.online_predictor (10)`."""
    groups: dict[str, int] = {}
    for name in names:
        group = ".".join(name.split(".")[:-1][:2]) or name
        groups[group] = groups.get(group, 0) + 1
    return ", ".join(f"{group} ({count})" for group, count in groups.items())


def _shortened(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _first_names(value: Any) -> str:
    names = [name for _, state in _state_dicts(value) for name in state]
    return f"it has {_shortened(names)}" if names else "it holds no named tensors at all"
