"""Find an encoder in a foreign file by its tensor names under any prefix, and load it strictly.

Published weights come bare or wrapped (`state_dict`, `model`), under bare or prefixed names, and the checkpoint of a
method with a teacher holds the network up to three times. Of an online and a target network the online one is taken,
never the target. Every tensor has to be the encoder's or recognisably another part's.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from randquant.errors import DataError
from randquant.weights.weight_file import Content

_FOLLOWER = re.compile(r"target|teacher|momentum|ema$|^ema|^encoder_k$|^key_encoder$")  # the last two are MoCo's
# Other parts of a training checkpoint, of any modality.
OTHER_PARTS = (
    *("project", "predict", "target", "teacher", "momentum", "ema$", "^ema", "queue", "bank"),
    *("head", "classif", "loss", "criterion", "augment", "^n_averaged$"),
)


@dataclass(frozen=True)
class Naming:
    """How a family of files names the tensors of an encoder.

    Attributes:
        first: the tensor that stands in every such file; what is before it in a name is the prefix.
        rename: from a name without prefix to the encoder's own, None for tensors that are not the encoder's. Two
            names may lead to one tensor, which then has to be the same under both.
        source: whose names these are, where they are not the encoder's own.
    """

    first: str
    rename: Callable[[str], str | None]
    source: str = ""


@dataclass
class Found:
    """An encoder's tensors in a file: where, under which prefix, in which state dict, and the names left out."""

    where: str
    prefix: str
    naming: Naming
    tensors: dict[str, Tensor]
    state: dict[str, Tensor]
    left_out: list[str] = field(default_factory=list)

    def report(self, encoder: nn.Module) -> str:
        """One sentence."""
        place = f" in {self.where!r}" if self.where else ""
        named = f" under the prefix {self.prefix!r}" if self.prefix else " under their published names"
        variant = f", renamed from {self.naming.source}" if self.naming.source else ""
        others = f"; left out: {_grouped(self.left_out)}" if self.left_out else ""
        return f"{describe(encoder)}: all {len(self.tensors)} tensors matched{place}{named}{variant}{others}"


def find_encoder(content: Content, namings: tuple[Naming, ...], other: re.Pattern[str], known: str) -> Found:
    """The one encoder in a file: online rather than target; of several, only if they are equal.

    Args:
        content: of the file.
        namings: how its tensors may be called.
        other: finds, in one part of a dotted name, that a tensor belongs to another part.
        known: the encoders there are, for messages.

    Raises:
        DataError: none, a target network alone, several different ones, or tensors of unknown purpose.
    """
    file, value = content.file, content.value
    found = [
        each for where, state in state_dicts(value) for naming in namings for each in _candidates(where, state, naming)
    ]
    if not found:
        raise unknown(content, known)
    learned = [
        each for each in found if not any(_FOLLOWER.search(part) for part in f"{each.where}.{each.prefix}".split("."))
    ]
    if not learned:
        raise DataError(
            f"{file} holds a target network only, under {found[0].prefix!r}, and not the network that was trained; "
            "give a file that has it."
        )
    online = [each for each in learned if "online" in each.prefix] or learned
    chosen = online[0]
    for each in online[1:]:
        if not _same_tensors(chosen.tensors, each.tensors):
            places = ", ".join(repr(f"{each.where}.{each.prefix}".strip(".")) for each in online)
            raise DataError(f"{file} holds several different encoders ({places}); save the one you mean alone.")
    _check_aliases(content, chosen)
    chosen.left_out = _checked_rest(content, chosen, found, other)
    return chosen


def unknown(content: Content, known: str) -> DataError:
    """The error for a file that names no tensor as an encoder of ours, of those that `known` lists."""
    names = [name for _, state in state_dicts(content.value) for name in state]
    held = f"it has {shortened(names)}" if names else "it holds no named tensors at all"
    return DataError(f"{content.file} holds no encoder of ours ({known}), {held}; give weights of one.")


def holds(content: Content, namings: tuple[Naming, ...]) -> bool:
    """Whether a file names a tensor as the first one of any of these encoders, under whatever prefix."""
    return any(
        next(_candidates(where, state, naming), None) is not None
        for where, state in state_dicts(content.value)
        for naming in namings
    )


def state_dicts(value: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every mapping that holds tensors under names, with the keys that lead to it; from the outside inwards."""
    if not isinstance(value, Mapping) or depth > 4:
        return
    tensors = {key: item for key, item in value.items() if isinstance(key, str) and isinstance(item, Tensor)}
    if tensors:
        yield where, tensors
    for key, item in value.items():
        yield from state_dicts(item, f"{where}.{key}" if where else str(key), depth + 1)


def _candidates(where: str, state: dict[str, Tensor], naming: Naming) -> Iterator[Found]:
    """Every prefix under which the first tensor stands, with the encoder's tensors there under its own names."""
    for name in state:
        if name == naming.first or name.endswith("." + naming.first):
            prefix = name.removesuffix(naming.first)
            yield Found(where, prefix, naming, dict(_renamed(state, prefix, naming)), state)


def _renamed(state: dict[str, Tensor], prefix: str, naming: Naming) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in state.items():
        own = naming.rename(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if own is not None:
            yield own, tensor


def _check_aliases(content: Content, chosen: Found) -> None:
    """Refuse a file in which two names of one tensor disagree."""
    for own, tensor in _renamed(chosen.state, chosen.prefix, chosen.naming):
        if tensor is not chosen.tensors[own] and not torch.equal(tensor, chosen.tensors[own]):
            raise DataError(
                f"{content.file} holds two different tensors for {own} of the encoder, under names that should be of "
                "one; it was changed after it was saved: use the original file."
            )


def _same_tensors(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _checked_rest(content: Content, chosen: Found, found: list[Found], other: re.Pattern[str]) -> list[str]:
    """The other names in the encoder's state dict; an error where one belongs to no known part."""
    rest = [
        name
        for name in chosen.state
        if not name.startswith(chosen.prefix) or chosen.naming.rename(name.removeprefix(chosen.prefix)) is None
    ]
    if content.is_checkpoint:
        return rest  # our own: everything else is heads and the teacher
    elsewhere = tuple(each.prefix for each in found if each.prefix and each.prefix != chosen.prefix)
    unknown = [
        name
        for name in rest
        if not name.startswith(elsewhere) and not any(other.search(part) for part in name.split("."))
    ]
    if unknown:
        raise DataError(
            f"{content.file} holds an encoder and tensors of unknown purpose ({shortened(unknown)}), so it may be for "
            "another network; save the encoder's state dict alone."
        )
    return rest


def fill_encoder(file: Path, encoder: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give a shapeless ("meta") encoder its tensors, all of them and no others, as float32, and set eval mode.

    Raises:
        DataError: naming the first tensor that does not fit.
    """
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
            wanted = "a floating-point number" if expected[name].is_floating_point() else "an integer"
            raise DataError(
                f"{file} holds {name} as {tensors[name].dtype} where {wanted} is expected; save the encoder's state "
                "dict as it is."
            )
        if not tensors[name].isfinite().all():
            raise DataError(f"{file} holds NaN or infinite weights in {name}; train again or use other weights.")
    typed = {name: tensor.to(expected[name].dtype, copy=True).contiguous() for name, tensor in tensors.items()}
    encoder.load_state_dict(typed, strict=True, assign=True)
    encoder.eval()


def describe(encoder: Any) -> str:
    """`AudioNTT2020(n_mels=64, d=2048)`."""
    arguments = ", ".join(f"{name}={value}" for name, value in encoder.arguments.items())
    return f"{type(encoder).__name__}({arguments})"


def shortened(names: list[str]) -> str:
    """The first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _grouped(names: list[str]) -> str:
    """Names by the module two levels deep: `learner.target_encoder (25), learner.online_predictor (10)`."""
    groups: dict[str, int] = {}
    for name in names:
        group = ".".join(name.split(".")[:-1][:2]) or name
        groups[group] = groups.get(group, 0) + 1
    return ", ".join(f"{group} ({count})" for group, count in groups.items())
