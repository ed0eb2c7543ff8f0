"""Exported files against the encoders they were made of, on a CPU."""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from randquant.audio import exported as audio_exported
from randquant.audio.encoders.weights import untrained_encoder as untrained_sound
from randquant.audio.ready_encoder import USUAL_STATISTICS
from randquant.export.choices import Precision
from randquant.export.exportable import Exportable
from randquant.export.onnx_file import run_onnx, to_onnx
from randquant.export.precision import in_precision
from randquant.export.torch_file import run_torch, to_torch, torch_file
from randquant.pointcloud import exported as point_exported
from randquant.pointcloud.encoders.weights import untrained_encoder as untrained_shapes
from randquant.scripts.measuring.pair import Pair

CLIPS, RATE = 16, 16_000
CLOUDS, POINTS = 16, 1024
_PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
_SOUND = {"AudioNTT2020": (512, 2048)}
_SHAPES = {"PointNetLite": 256, "PointNet": 1024, "DGCNN": 1024}


def exported(_device: str) -> Iterator[Pair]:
    """From waveform or points to vector: by onnxruntime in two precisions, by torch.export, and natively."""
    waveforms = audio_exported.tones(CLIPS, RATE, RATE)
    for name, widths in _SOUND.items():
        for width in widths:
            sound = untrained_sound(name, width, 0)
            function = audio_exported.exportable(sound, audio_exported.Waveforms(*USUAL_STATISTICS))
            yield from _pairs(f"{name}-{width}, {CLIPS} x 1 s", function, waveforms)
    for name, width in _SHAPES.items():
        shapes = point_exported.exportable(untrained_shapes(name, width, 0))
        yield from _pairs(f"{name}-{width}, {CLOUDS} x {POINTS} points", shapes, shapes.example(CLOUDS, POINTS))


def _pairs(what: str, function: Exportable, inputs: Tensor) -> Iterator[Pair]:
    native, model = _called(function.native, inputs), to_onnx(function)
    for precision in _PRECISIONS:
        low = in_precision(copy.deepcopy(model), function, precision, [inputs])
        run = _called(run_onnx(low.SerializeToString()), inputs)
        yield Pair(f"{what}: onnx {precision}", run, native, "encoder", len(inputs))
    run = _called(run_torch(torch_file(to_torch(function), {})), inputs)
    yield Pair(f"{what}: torch.export", run, native, "encoder", len(inputs))


def _called(run: Callable[[Tensor], Tensor], inputs: Tensor) -> Callable[[], Tensor]:
    def call() -> Tensor:
        with torch.inference_mode():
            return run(inputs)

    return call
