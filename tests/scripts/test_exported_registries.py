"""Every encoder that a registry names is exported in both formats and agrees with itself."""

import pytest

from randquant.audio.encoders.registry import ENCODERS as AUDIO
from randquant.export.agreement import agreement, require_equal
from randquant.export.choices import Format
from randquant.export.exportable import Exportable
from randquant.export.written import Run
from randquant.images.encoders.registry import ENCODERS as IMAGES
from randquant.pointcloud.encoders.registry import ENCODERS as POINTS
from randquant.scripts.exporting.opened import opened
from randquant.tables.encoders.registry import ENCODERS as TABLES
from randquant.tables.encoders.weights import named_encoder as named_table_encoder
from randquant.tables.exported import exportable as exportable_rows

LARGER = {"AudioNTT2022": 1056}  # which holds the 1,024 features of its convolutions
NAMED = [
    *(f"untrained:{name}:{LARGER.get(name, 32)}" for name in (*AUDIO, *POINTS)),
    *(f"untrained:{name}:0.25" for name in IMAGES),
    *(f"untrained:{name}:2" for name in TABLES),
]


def function(name: str) -> Exportable:
    if name.split(":")[1] in TABLES:  # which need to know the table
        return exportable_rows(named_table_encoder(name, 0, blocks=(1, 1, 3)))
    exportable, _ = opened(name, layer=None, seed=0, store=None)
    return exportable


def written(exportable: Exportable, format: Format) -> tuple[Run, Run | None]:
    """How the file of a function runs, and the one in float16 where the format has it."""
    if format == "onnx":
        pytest.importorskip("onnxruntime", reason="pip install 'randquant[export]' for the files of ONNX")
        from randquant.export.onnx_file import run_onnx, to_onnx
        from randquant.export.precision import in_precision

        model = to_onnx(exportable)
        run = run_onnx(model.SerializeToString())
        return run, run_onnx(in_precision(model, exportable, "float16", ()).SerializeToString())
    from randquant.export.torch_file import run_torch, to_torch, torch_file

    return run_torch(torch_file(to_torch(exportable), {})), None


@pytest.mark.long
@pytest.mark.parametrize("format", ["onnx", "torch_export"])
@pytest.mark.parametrize("name", NAMED)
def test_every_encoder_agrees_with_its_file(name: str, format: Format) -> None:
    exportable = function(name)
    run, half = written(exportable, format)
    found = agreement(run, exportable)
    require_equal(found)
    assert found.inputs == (15 if exportable.size else 3)
    assert half is None or agreement(half, exportable).cosine > 0.999
