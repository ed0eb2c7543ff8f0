"""Named stages of an encoder: where randomized quantization and mixing may act on hidden features.

An encoder names them by an attribute `stages`, a mapping from a name to the module whose output is meant, or an
`nn.ModuleList`, whose modules are called stage1, stage2, ...:

    @property
    def stages(self) -> dict[str, nn.Module]:
        return {"stem": self.conv1, "layer1": self.layer1}

A stage gives features (B, ...), or (places, features) where features belong to places. What acts there is a forward
hook: no parameter is renamed, none enters a state dict, and a copy of the encoder, such as a momentum teacher, has
hooks of its own.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from randquant.errors import UsageError
from randquant.quantize import RandomizedQuantization


class Tap(nn.Module):
    """The identity, a stage where no module ends: an encoder sends features through it.

    Args:
        axis: dimension of the features that counts points, in no order of their own; (B, N, C) has -2.
    """

    def __init__(self, axis: int = -2) -> None:
        super().__init__()
        self.axis = axis

    @property
    def acting(self) -> bool:
        """Whether anything acts here, for what an encoder need not prepare otherwise."""
        return bool(self._forward_hooks)

    def forward(self, *parts: Tensor) -> Any:
        """The features, or (places, features)."""
        return parts if len(parts) > 1 else parts[0]


def stages_of(encoder: nn.Module) -> dict[str, nn.Module]:
    """The stages of an encoder by name, in order; none where it names none."""
    found = getattr(encoder, "stages", {})
    if isinstance(found, nn.ModuleList | nn.Sequential):
        return {f"stage{number}": module for number, module in enumerate(found, 1)}
    return dict(found) if isinstance(found, Mapping) else {}


def stage_of(encoder: nn.Module, name: str, flag: str) -> nn.Module:
    """The module of a stage.

    Raises:
        UsageError: the encoder has no such stage; `flag` asked for it.
    """
    stages = stages_of(encoder)
    if name not in stages:
        listed = ", ".join(stages) or "none"
        raise UsageError(f"{flag} {name}: the stages of {type(encoder).__name__} are {listed}; choose one of them.")
    return stages[name]


def unordered_axis(module: nn.Module, output: Any) -> int | None:
    """The dimension of a stage's features that counts unordered points; None where there is none."""
    if isinstance(module, Tap):
        return module.axis
    return -2 if isinstance(output, tuple) else None


def quantize_stage(encoder: nn.Module, name: str, bins: int | tuple[int, int] = 8) -> None:
    """Quantize the features of a stage while it trains; the gradient passes as if nothing had been done.

    Every channel of a sample has its own bins over its positions: feature maps (B, C, H, W) over both dimensions,
    tokens and points (B, N, C) over N; a vector (B, C) has one quantizer for all its numbers. Draws come from the
    global generator; a momentum teacher made from the encoder draws its own.

    Args:
        encoder: names its stages.
        name: of the stage; or "input", what the encoder is given, so that student and teacher see other bins of one
            view, as the third use in the original README has it.
        bins: as in `RandomizedQuantization`.

    Raises:
        UsageError: the encoder has no such stage.

    Source: as in DABS, Tamkin et al., NeurIPS 2021, where inputs of other kinds are augmented as embeddings.
    """
    if name == "input":
        encoder.register_forward_pre_hook(_QuantizedInput(bins))
    else:
        stage_of(encoder, name, "--rq_stage").register_forward_hook(_Quantized(bins))


class _Quantized:
    """The hook: an object, so that a deep copy of the encoder has its own."""

    def __init__(self, bins: int | tuple[int, int]) -> None:
        self.bins = bins

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        if not module.training:
            return None
        *places, features = output if isinstance(output, tuple) else (output,)
        axis = unordered_axis(module, output)
        dim = {2: (-1,), 3: (-2,), 4: (-2, -1)}[features.ndim] if axis is None else (axis,)
        quantized = RandomizedQuantization(self.bins, dim, straight_through=True)(features)
        return (*places, quantized) if places else quantized


class _QuantizedInput(_Quantized):
    """The same in front of an encoder."""

    def __call__(self, module: nn.Module, inputs: Any, output: Any = None) -> Any:
        if not module.training:
            return None
        features, *others = inputs
        if not isinstance(features, Tensor) or features.ndim not in (3, 4):
            raise UsageError(
                "--rq_stage input quantizes pictures, log-mels and clouds of one size; use --augment rq or a stage."
            )
        dim = -2 if features.ndim == 3 else (-2, -1)
        return (RandomizedQuantization(self.bins, dim)(features), *others)
