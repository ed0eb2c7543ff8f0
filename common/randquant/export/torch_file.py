"""Files of torch.export: written from a graph, with metadata, and run by torch alone."""

import io
import json
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.export import ExportedProgram

from randquant.export.exportable import Exportable
from randquant.export.tracing import quietly, traced
from randquant.files.json_record import Json

METADATA = "randquant.json"  # the extra file that holds the facts


def to_torch(exportable: Exportable) -> ExportedProgram:
    """The function as a graph of torch.export, in float32.

    Raises:
        UsageError: the encoder cannot be traced.
    """
    return traced(exportable)


def torch_file(program: ExportedProgram, about: Mapping[str, Json]) -> bytes:
    """The file of a graph, with facts as JSON in its extra file `METADATA`."""
    content = io.BytesIO()
    with quietly():
        torch.export.save(program, content, extra_files={METADATA: json.dumps(about, indent=2)})
    return content.getvalue()


def run_torch(file: bytes) -> Callable[[Tensor], Tensor]:
    """The function in a file of torch.export."""
    with quietly():
        function = torch.export.load(io.BytesIO(file)).module()

    def run(inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            return function(inputs)

    return run
