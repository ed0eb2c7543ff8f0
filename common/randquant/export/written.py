"""An exported file as it is written: made, held against the encoder, probed, and only then put in its place."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.export.accuracy import Cost
from randquant.export.agreement import agreement, require_equal
from randquant.export.choices import Format, Precision
from randquant.export.exportable import Exportable
from randquant.files.atomic import atomic_path
from randquant.files.json_record import Json

Run = Callable[[Tensor], Tensor]
_PACKAGES: dict[Format, tuple[str, ...]] = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "torch_export": ()}


def require_packages(format: Format) -> None:
    """Refuse a format whose packages are not there.

    Raises:
        UsageError: one cannot be imported.
    """
    for name in _PACKAGES[format]:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            raise UsageError(
                f"--format {format} needs {name}, which does not import here ({error}); type: pip install "
                "'randquant[export]', or choose --format torch_export, which needs torch alone."
            ) from None


def require_precision(format: Format, precision: Precision) -> None:
    """Refuse a precision that a format does not have.

    Raises:
        UsageError: it has float32 alone.
    """
    if precision != "float32" and format != "onnx":
        raise UsageError(
            f"--precision {precision} is for --format onnx, whose runtimes have it; leave it out for {format}."
        )


def write(
    exportable: Exportable,
    out: Path,
    *,
    format: Format,
    precision: Precision,
    samples: Iterable[Tensor],
    probe: Callable[[Run], Cost] | None,
) -> tuple[Cost | None, int]:
    """Write the file of a function.

    Args:
        exportable: the function.
        out: file to write.
        format: of the file.
        precision: of the network.
        samples: unlabelled inputs, for int8.
        probe: what the file costs in accuracy, from how it is run; None where nothing is probed.

    Returns:
        What it costs in accuracy, and its size in bytes.

    Raises:
        DataError: it differs from the encoder by more than rounding, in float32; nothing is written.
        UsageError: the encoder cannot be traced, or the precision is not one of the format.
    """
    require_precision(format, precision)
    run, finished = _made(exportable, format, precision, samples)
    found = agreement(run, exportable)
    if precision == "float32":
        require_equal(found)
    say(f"held against the encoder: {found}")
    cost = None if probe is None else probe(run)
    about: dict[str, Json] = {**exportable.about, "precision": precision, "agreement": asdict(found)}
    if cost is not None:
        about["accuracy"] = asdict(cost)
    content = finished(about)
    with atomic_path(out) as temporary:
        temporary.write_bytes(content)
    return cost, len(content)


def _made(
    exportable: Exportable, format: Format, precision: Precision, samples: Iterable[Tensor]
) -> tuple[Run, Callable[[dict[str, Json]], bytes]]:
    """How a file runs, and its content once the facts are known."""
    if format == "onnx":
        from randquant.export.onnx_file import run_onnx, to_onnx, with_metadata
        from randquant.export.precision import in_precision

        model = in_precision(to_onnx(exportable), exportable, precision, samples)
        return run_onnx(model.SerializeToString()), lambda about: with_metadata(model, about)
    from randquant.export.torch_file import run_torch, to_torch, torch_file

    program = to_torch(exportable)
    return run_torch(torch_file(program, {})), lambda about: torch_file(program, about)
