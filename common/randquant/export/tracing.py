"""From a module to a graph whose batch and length stay free."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.nn import functional as F

from randquant.errors import UsageError, one_line
from randquant.export.exportable import Exportable


def traced(exportable: Exportable, *, halve: "type[nn.Module] | None" = None) -> ExportedProgram:
    """The graph of a function, on the CPU.

    Args:
        exportable: the function.
        halve: what takes the place of a maximum over 2 x 2; `Halved` where None.

    Raises:
        UsageError: the encoder's own code asks for the size of a batch or an input, which would be fixed.
    """
    function = copy.deepcopy(exportable.function).cpu().eval().requires_grad_(False)
    _halve_freely(function, halve or Halved)
    size = exportable.size
    example = exportable.example(3, size.tried[-1] if size else 0)
    free = {0: Dim("batch", min=1)} | ({1: Dim(size.name, min=size.fewest)} if size else {})
    try:
        with quietly(), torch.no_grad(), _free_of_examples():
            return _untold(torch.export.export(function, (example,), dynamic_shapes=(free,), strict=False))
    except (
        Exception
    ) as error:  # whatever a tracer raises, of dozens of kinds, it is the encoder's code it cannot follow
        raise UsageError(
            f"{exportable.about.get('encoder', 'this encoder')} cannot be exported for inputs of any size: "
            f"torch.export could not follow its code ({_first(error)}); export another encoder."
        ) from error


class Halved(nn.Module):
    """The maximum over 2 x 2 of maps (B, C, H, W), whose graph asks nothing of W: an odd last column is dropped."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H // 2, W // 2)."""
        x = F.max_pool2d(x, (2, 1))
        return torch.maximum(x[..., 0:-1:2], x[..., 1::2])


@contextmanager
def quietly() -> Iterator[None]:
    """Without what tracers say to their own authors."""
    names = ("torch.onnx", "onnxscript", "onnx_ir", "torch.fx", "torch.export", "root")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def _halve_freely(module: nn.Module, halve: type[nn.Module]) -> None:
    """torch's own shape of a maximum over 2 x 2 asks whether the number of columns is even, and fixes it so."""
    for name, part in module.named_children():
        if isinstance(part, nn.MaxPool2d) and (part.kernel_size, part.stride, part.padding) == (2, 2, 0):
            setattr(module, name, halve())
        else:
            _halve_freely(part, halve)


def _untold(program: ExportedProgram) -> ExportedProgram:
    """A graph that does not say on which lines, in which folders of whose machine, its nodes were written."""
    for module in program.graph_module.modules():
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            node.meta.pop("stack_trace", None)
    return program


def _free_of_examples() -> Any:
    """So that a batch of one is as good as any: else the graph would be for batches of at least two."""
    import torch.fx.experimental._config as config

    return config.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]


def _first(error: Exception) -> str:
    return one_line(error)[:200]
