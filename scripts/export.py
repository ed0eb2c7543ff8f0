"""Write an encoder as one file that runs without this library: raw input in, vector out.

    python -m scripts.export RUN --format onnx --out encoder.onnx
    python -m scripts.export RUN --format torch_export --out encoder.pt2
    python -m scripts.export RUN --format onnx --out small.onnx --precision int8 --task STORE
    python -m scripts.export untrained:PointNetLite:256 --format onnx --out shapes.onnx

A file of sound takes waveforms (batch, samples) at 16 kHz, the log-mel is inside; of shapes points (batch, points, 3)
of any scale, neighbours are found inside; of pictures pixels (batch, size, size, 3); of tables rows. Batch, length and
number of points are free. Before it is written the file is run on three sizes of the batch by five lengths and held
against the encoder: in float32 no entry may differ by more than 1e-4 of its vector's largest. It prints

    held against the encoder: over 15 batches entries differ by 2.0e-07 at most, 7.0e-07 of the vector's largest; ...
    encoder.onnx: 21.8 MB, waveform (batch, samples) float32, ... -> vector (batch, 2048) float32

`--task STORE` also says what the file costs in accuracy: the same probe on its vectors and on the encoder's own. What
a user of the file has to know (sample rate, layer, hash of the weights) and these numbers are in its metadata.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from randquant.cli.command import run
from randquant.cli.first_words import with_flag
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.export.choices import Format, Precision
from randquant.files.writable import require_writable
from randquant.probes.registry import ProbeName

if TYPE_CHECKING:
    from torch import Tensor

    from randquant.export.accuracy import Cost
    from randquant.export.exportable import Exportable
    from randquant.export.written import Run

SAMPLES = 256  # items that ranges for int8 are taken of
_SUFFIX: dict[Format, str] = {"onnx": ".onnx", "torch_export": ".pt2"}


@dataclass(frozen=True)
class Export:
    """Write an encoder as one file that runs without this library.

    Attributes:
        checkpoint: run folder, weights file (ours, published, Lightning), hf://OWNER/NAME, untrained:ENCODER:D, or
            python:MODULE:FUNCTION, which runs your own code; the first word of the command line.
        format: onnx, for onnxruntime and others; torch_export, for torch without this library.
        out: file to write, .onnx or .pt2; it must not exist.
        precision: of the network, for onnx: float32; float16, half the size; int8, a quarter, with ranges from
            --calibrate. What prepares its input stays in float32.
        layer: of an encoder of sound: features to give, output by default.
        calibrate: store whose items give the ranges for int8, without their labels; that of --task by default.
        task: labelled store on which a probe says what the file costs in accuracy.
        probe: which one.
        overwrite: replace the file where it exists.
        seed: of an untrained encoder.
    """

    checkpoint: str
    out: Path
    format: Format
    precision: Precision = "float32"
    layer: str | None = None
    calibrate: Path | None = None
    task: Path | None = None
    probe: ProbeName = "ridge"
    overwrite: bool = False
    seed: int = 42


def export(settings: Export) -> None:
    """Write an encoder as one file that runs without this library."""
    # Late, since they load torch, which --help does not need.
    from randquant.data.store import Store
    from randquant.export.written import require_packages, write
    from randquant.scripts.exporting.inputs import inputs_of
    from randquant.scripts.exporting.opened import opened

    _check(settings)
    require_packages(settings.format)
    require_writable(settings.out)
    store = settings.calibrate or settings.task
    exportable, kind = opened(settings.checkpoint, layer=settings.layer, seed=settings.seed, store=store)
    samples: Iterable[Tensor] = ()
    if settings.precision == "int8" and store is not None:
        samples = inputs_of(Store.open(store, kind=kind), exportable).unlabelled(SAMPLES)
    found, size = write(
        exportable,
        settings.out,
        format=settings.format,
        precision=settings.precision,
        samples=samples,
        probe=_probe(settings, kind, exportable),
    )
    if found is not None:
        say(f"{settings.precision}: {found}")
    say(f"{settings.out}: {size / 1e6:,.1f} MB, {exportable.about['input']} -> {exportable.about['output']}")


def _probe(settings: Export, kind: str, exportable: "Exportable") -> "Callable[[Run], Cost] | None":
    import numpy as np

    from randquant.evaluation.labelled_task import open_task
    from randquant.export.accuracy import cost
    from randquant.scripts.exporting.inputs import inputs_of

    if settings.task is None:
        return None
    task = open_task(settings.task, kind=kind)
    inputs, every = inputs_of(task.store, exportable), np.arange(len(task.store))
    return lambda run: cost(task, settings.probe, inputs.batches(every), exportable.native, run)


def _check(settings: Export) -> None:
    from randquant.export.precision import NO_SAMPLES
    from randquant.export.written import require_precision

    suffix = _SUFFIX[settings.format]
    if settings.out.suffix != suffix:
        raise UsageError(f"--out {settings.out} should end in {suffix} for --format {settings.format}; rename it.")
    if settings.out.is_dir():
        raise UsageError(f"--out {settings.out} is a folder; give the name of a file in it.")
    if settings.out.exists() and not settings.overwrite:
        raise UsageError(f"--out {settings.out} exists; give another name, or --overwrite.")
    require_precision(settings.format, settings.precision)
    if settings.precision == "int8" and settings.calibrate is None and settings.task is None:
        raise UsageError(NO_SAMPLES)
    if settings.calibrate is not None and settings.precision != "int8":
        raise UsageError(f"--calibrate gives ranges for int8; leave it out for --precision {settings.precision}.")
    if settings.seed < 0:
        raise UsageError(f"--seed {settings.seed} should be at least 0.")


arguments = partial(with_flag, "checkpoint")


if __name__ == "__main__":
    raise SystemExit(run(export, arguments(sys.argv[1:]), description=__doc__))
