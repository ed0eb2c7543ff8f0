"""What is exported: a function from raw inputs to vectors, beside the encoder that it has to agree with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from randquant.files.json_record import Json

BATCHES = (1, 2, 5)  # sizes of batches that an exported file is tried with


@dataclass(frozen=True)
class Size:
    """The size of an input that is free besides that of the batch: its second dimension.

    Attributes:
        name: such as "samples".
        fewest: that the function takes.
        tried: five sizes that an exported file is tried with.
    """

    name: str
    fewest: int
    tried: tuple[int, ...]


@dataclass(frozen=True)
class Exportable:
    """A function of a modality that can be exported.

    Attributes:
        function: inputs (B, ...) -> vectors (B, D) float32, in eval mode; its network is the module `encoder`, and only
            there a lower precision may act.
        native: the same by the modality's own code, to compare with.
        input: what the input is called in the file.
        example: random inputs for a size of the batch and one of the free dimension.
        size: the free dimension; None where only the batch is free.
        about: what a user of the file has to know: modality, layer, scale of the input, hash of the weights.
        first_exact: what the first product of the network reads stays in float32 in a lower precision, since it is
            coordinates.
    """

    function: nn.Module
    native: Callable[[Tensor], Tensor]
    input: str
    example: Callable[[int, int], Tensor]
    size: Size | None
    about: Mapping[str, Json]
    first_exact: bool = False

    def tried(self) -> list[Tensor]:
        """Inputs that a file is tried with: three sizes of the batch by five of the free dimension."""
        sizes = self.size.tried if self.size else (0,)
        return [self.example(batch, size) for batch in BATCHES for size in sizes]
