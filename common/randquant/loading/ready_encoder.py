"""The base class of encoders that take what a user has."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.errors import DataError, UsageError, without_flags
from randquant.inference import evaluating, in_precision, inference
from randquant.loading.hub_methods import HubMethods
from randquant.precision import InForce
from randquant.weights.named_encoder import untrained_name
from randquant.weights.weight_file import Content

Item = TypeVar("Item")


class Frames(NamedTuple):
    """Vectors over time.

    Attributes:
        vectors: (B, T', D) float32; zeros behind the end of a shorter input.
        times: (T',) float64, seconds: the middle of the step of sound that each vector stands for.
        valid: (B,) int64, how many of the T' vectors belong to each input.
    """

    vectors: Tensor
    times: Tensor
    valid: Tensor


class ReadyEncoder(HubMethods, nn.Module, Generic[Item]):
    """An encoder that takes inputs as users have them, with all that prepares them; made by `randquant.load`.

    A call gives one vector (D,) for one input and (B, D) for a list or a batch, float32 on the encoder's device,
    without gradients. A vector depends on its own input alone, not on what else is in the batch, and always in eval
    mode. `encoder` is the bare network for fine-tuning: an ordinary module, whose gradients are yours.

    Args:
        encoder: the network.
        sha256: of the weights.
        report: one sentence: what was loaded.
        metadata: about the training, JSON values.

    Attributes:
        modality: "audio", "points", "images" or "tables".
        networks: the classes of its encoders by name.
        encoder, sha256, report, metadata: as given.
        precision: in which the network computes; vectors are float32 in any.
    """

    modality: ClassVar[str]
    networks: ClassVar[Mapping[str, type[nn.Module]]]
    _anchor: Tensor

    if TYPE_CHECKING:  # a module's own says Any

        def __call__(self, x: Any, **how: Any) -> Tensor: ...

    def __init__(self, encoder: nn.Module, *, sha256: str, report: str, metadata: Mapping[str, Any]) -> None:
        super().__init__()
        self.encoder = encoder
        self.sha256, self.report, self.metadata = sha256, report, dict(metadata)
        self.precision: InForce = "32"
        self.register_buffer("_anchor", torch.zeros(()), persistent=False)  # not every network has parameters

    @classmethod
    def open(cls, name: str, *, seed: int) -> Self:
        """Open what `name` says, on the CPU; a modality's own options follow `seed`.

        Raises:
            DataError: it cannot be opened, or is of another modality.
            UsageError: it names no encoder, or an option does not suit it.
        """
        raise NotImplementedError

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether the content of a file is weights of this modality."""
        raise NotImplementedError

    @classmethod
    def file_of(cls, name: str) -> str:
        """The name of the file in a name, without what the modality lets follow it."""
        return name

    @classmethod
    def has_untrained(cls, name: str) -> bool:
        """Whether a name is that of an encoder of this modality that comes from no file."""
        return untrained_name(name) in cls.networks

    @property
    def device(self) -> torch.device:
        """Where it computes, and where the vectors are."""
        return self._anchor.device

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in."""
        return next((values.dtype for values in self.encoder.parameters()), torch.float32)

    @property
    def network(self) -> Callable[..., Tensor]:
        """The encoder, computing in the precision that was asked for."""
        return in_precision(self.encoder, self.precision, self.device)

    @property
    def layers(self) -> tuple[str, ...]:
        """What `layer=` may be."""
        return ("output",)

    def dimension(self, layer: str = "output") -> int:
        """D of a layer.

        Raises:
            UsageError: there is no such layer.
        """
        self._require_layer(layer)
        return self._dimension(layer)

    def frames(self, x: Any, **how: Any) -> Frames:
        """Vectors over time, where the input has any.

        Raises:
            UsageError: it has none.
        """
        raise UsageError(
            f"{type(self.encoder).__name__} is an encoder of {self.modality}, which have no time, so there are no "
            "vectors per frame; call the encoder itself."
        )

    def extra_repr(self) -> str:
        """The report."""
        return self.report

    def _dimension(self, layer: str) -> int:
        """D of a layer that there is."""
        return self.encoder.embedding_size()  # type: ignore[operator]

    def _embed(self, items: Sequence[Item], layer: str) -> Tensor:
        """Vectors (B, D) of at least one input, each as if it were alone."""
        raise NotImplementedError

    def _vectors(self, items: Sequence[Item], layer: str, *, single: bool) -> Tensor:
        """What a call gives for inputs that are read and checked."""
        self._require_layer(layer)
        if not items:
            return torch.zeros(0, self._dimension(layer), device=self.device)
        self._require_numbers()
        with inference(), evaluating(self.encoder), without_flags():
            found = self._embed(items, layer)
        vectors = found.to(self.device, torch.float32).clone()  # outside, so that a layer behind can be trained
        if not bool(torch.isfinite(vectors).all()):
            raise DataError("The encoder gave NaN or infinite vectors; its weights are broken: use others.")
        return vectors[0] if single else vectors

    def _require_numbers(self) -> None:
        if self.device.type == "meta":
            raise UsageError('the encoder is on the device "meta", which holds no numbers; load it on "cpu" or "cuda".')

    def _require_layer(self, layer: str) -> None:
        if layer not in self.layers:
            raise UsageError(
                f"{type(self.encoder).__name__} has no layer {layer!r}; choose one of {', '.join(self.layers)}."
            )


def as_array(name: str, x: Any) -> NDArray[Any]:
    """A tensor or an array as an array.

    Raises:
        UsageError: it is neither, or its numbers are complex or partly masked.
    """
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().resolve_conj()
        x = (x.float() if x.dtype == torch.bfloat16 else x).numpy()
    if isinstance(x, np.ma.MaskedArray):
        raise UsageError(
            f"{name} is a masked array; give a plain one of what counts, as by .compressed() or .filled()."
        )
    if not isinstance(x, np.ndarray):
        raise UsageError(f"{name} is {type(x).__name__}; give a path, a tensor, an array, or a list of these.")
    if np.iscomplexobj(x):
        raise UsageError(f"{name} holds complex numbers ({x.dtype.name}); give real ones.")
    return x


def whole(name: str, number: Any) -> int:
    """A whole number, also where it comes as a float or as a number of NumPy or PyTorch.

    Raises:
        UsageError: it is none.
    """
    try:
        if not isinstance(number, str | bytes) and int(number) == number:
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise UsageError(f"{name}={number!r} should be a whole number.")
