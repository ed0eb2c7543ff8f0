"""What the command says before it exports anything, and what it writes."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from randquant.cli.command import run
from randquant.scripts.export import arguments, export

SOUND, PICTURES = "untrained:AudioNTT2020:8", "untrained:small_cnn:0.25"


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """What a command line is answered with."""

    def answer(name: str, out: str, *words: str) -> str:
        assert run(export, arguments([name, "--out", str(tmp_path / out), *words])) == 2
        assert not (tmp_path / out).is_file() or (tmp_path / out).read_text() == "mine"
        return capsys.readouterr().err

    return answer


def test_flags_that_cannot_be(refused: Callable[..., str], tmp_path: Path) -> None:
    onnx, torch_export = ("--format", "onnx"), ("--format", "torch_export")
    assert "does not take the value tflite (expected one of onnx, torch_export)" in refused(
        SOUND, "a.onnx", "--format", "tflite"
    )
    assert "should end in .pt2" in refused(SOUND, "a.onnx", *torch_export)
    (tmp_path / "here.onnx").write_text("mine")
    assert "exists; give another name, or --overwrite" in refused(SOUND, "here.onnx", *onnx)
    (tmp_path / "folder.onnx").mkdir()
    assert "is a folder; give the name of a file in it" in refused(SOUND, "folder.onnx", *onnx, "--overwrite")
    assert "give --calibrate STORE" in refused(SOUND, "a.onnx", *onnx, "--precision", "int8")
    assert "--precision float16 is for --format onnx" in refused(
        SOUND, "a.pt2", *torch_export, "--precision", "float16"
    )
    assert "has output, conv and conv+output" in refused(SOUND, "a.onnx", *onnx, "--layer", "last")
    assert "has the layer output alone" in refused(PICTURES, "a.onnx", *onnx, "--layer", "conv")
    assert "give --task or --calibrate a store" in refused("untrained:MLP:2", "a.onnx", *onnx)


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    out = str(tmp_path / "file" / "a.onnx")
    assert run(export, arguments(["no such encoder", "--out", out, "--format", "torch_export"])) == 2  # its suffix
    assert (
        run(export, arguments(["no such encoder", "--out", out.replace("onnx", "pt2"), "--format", "torch_export"]))
        == 1
    )
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == f"error: {tmp_path / 'file'}: not a directory; a folder was expected, give one."


def test_a_missing_package(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install 'randquant[export]', or choose --format torch_export" in refused(
        SOUND, "a.onnx", "--format", "onnx"
    )


def test_a_file_of_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "pictures.pt2"
    assert run(export, arguments([PICTURES, "--out", str(out), "--format", "torch_export"])) == 0
    assert "over 3 batches entries differ by" in capsys.readouterr().out
    facts = {"randquant.json": ""}
    function = torch.export.load(io.BytesIO(out.read_bytes()), extra_files=facts).module()
    assert function(torch.zeros(7, 32, 32, 3, dtype=torch.uint8)).shape == (7, 64)
    about = json.loads(facts["randquant.json"])
    assert (about["modality"], about["size"], about["layer"]) == ("images", 32, "output")
    assert about["agreement"]["relative"] < 1e-4
