"""Exported files against the encoders they were made of, on a CPU."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from randquant.audio import exported as audio_exported
from randquant.audio.encoders.weights import untrained_encoder as untrained_sound
from randquant.export.exportable import Exportable
from randquant.export.onnx_file import run_onnx, to_onnx
from randquant.export.precision import Precision, in_precision
from randquant.export.torch_file import run_torch, to_torch, torch_file
from randquant.pointcloud import exported as point_exported
from randquant.pointcloud.encoders.weights import untrained_encoder as untrained_shapes
from randquant.scripts.benchmarks.pair import Pair

CLIPS, SECONDS = 16, 1.0
CLOUDS, POINTS = 16, 1024
_WIDTHS = {"PointNetLite": 256, "PointNet": 1024, "DGCNN": 1024}


def exported(_device: str) -> Iterator[Pair]:
    """From waveform or points to vector: by onnxruntime in three precisions and by torch.export, and natively."""
    waveforms = audio_exported.tones(CLIPS, round(SECONDS * 16_000), 16_000)
    for d in (512, 2048):
        loaded = untrained_sound("AudioNTT2020", d, 0)
        function = audio_exported.exportable(loaded, audio_exported.Waveforms(-7.0, 5.5))
        yield from _pairs(f"AudioNTT2020-{d}, {CLIPS} clips of {SECONDS:g} s", function, waveforms)
    for name, width in _WIDTHS.items():
        shapes = point_exported.exportable(untrained_shapes(name, width, 0))
        clouds = point_exported.boxes(CLOUDS, POINTS, 3)
        yield from _pairs(f"{name}-{width}, {CLOUDS} of {POINTS} points", shapes, clouds)


def _pairs(what: str, function: Exportable, inputs: Tensor) -> Iterator[Pair]:
    native = _called(function.native, inputs)
    for precision in ("float32", "int8"):
        run = run_onnx(_file(function, precision, inputs))
        yield Pair(f"{what}: onnx {precision}", _called(run, inputs), native, "encoder", len(inputs))
    run = run_torch(torch_file(to_torch(function), {}))
    yield Pair(f"{what}: torch.export", _called(run, inputs), native, "encoder", len(inputs))


def _file(function: Exportable, precision: Precision, inputs: Tensor) -> bytes:
    return in_precision(to_onnx(function), function, precision, [inputs]).SerializeToString()


def _called(run: Callable[[Tensor], Tensor], inputs: Tensor) -> Callable[[], Tensor]:
    def call() -> Tensor:
        with torch.inference_mode():
            return run(inputs)

    return call
