"""Encoders of sound as exported functions: the log-mel by matrix products, and one ONNX file in all its forms."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.encoders.weights import LoadedEncoder, untrained_encoder
from randquant.audio.exported import MatrixLogMel, Waveforms, exportable, tones
from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LogMel
from randquant.data.store import Store
from randquant.errors import DataError
from randquant.export.agreement import agreement, require_equal
from randquant.export.exportable import Exportable
from randquant.scripts.exporting.inputs import inputs_of
from randquant.scripts.exporting.opened import opened

onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'randquant[export]' for the files of ONNX")
SMALL = FrontEnd(sample_rate=2000, n_fft=64, hop=16, n_mels=16, f_min=20.0, f_max=990.0)


def small_encoder() -> LoadedEncoder:
    torch.manual_seed(0)
    return LoadedEncoder(AudioNTT2020(n_mels=16, d=16).eval(), SMALL, -3.0, 2.0, {}, "", "0" * 64)


@pytest.fixture(scope="module")
def function() -> Exportable:
    return exportable(small_encoder(), Waveforms(-3.0, 2.0))


@pytest.fixture(scope="module")
def file(function: Exportable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from randquant.export.onnx_file import to_onnx, with_metadata

    out = tmp_path_factory.mktemp("onnx") / "encoder.onnx"
    out.write_bytes(with_metadata(to_onnx(function), function.about))
    return out


@pytest.mark.parametrize(
    ("backend", "mel"), [("native", "slaney"), ("native", "htk"), ("torchaudio", "htk"), ("nnaudio", "slaney")]
)
def test_the_matrix_form_is_the_log_mel_of_every_back_end(backend: str, mel: str) -> None:
    front_end = FrontEnd(backend=backend, mel=mel)  # type: ignore[arg-type]
    waveform = tones(3, 7_001, 16_000)
    torch.testing.assert_close(MatrixLogMel(front_end)(waveform), LogMel(front_end)(waveform), atol=3e-4, rtol=0)


def test_silence_is_the_floor() -> None:
    waveform = torch.zeros(1, 2_000)
    assert torch.equal(MatrixLogMel(FrontEnd())(waveform), LogMel()(waveform))


def test_the_largest_sample_is_scaled_inside() -> None:
    function = exportable(small_encoder(), Waveforms(-3.0, 2.0, peak_normalise=True))
    waveform = tones(2, 1_000, 2_000)
    loud = function.function(0.01 * waveform)
    torch.testing.assert_close(loud, function.function(waveform), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(loud, function.native(waveform), atol=1e-4, rtol=1e-4)


def test_the_file_agrees_for_three_batches_of_five_lengths(function: Exportable, file: Path) -> None:
    from randquant.export.onnx_file import run_onnx

    assert len(function.tried()) == 15
    assert function.tried()[0].shape == (
        1,
        1,
    )  # one frame, fewer than one step of the network, of a sample that nothing reflects
    found = agreement(run_onnx(file), function)
    require_equal(found)
    assert found.relative < 1e-5
    with pytest.raises(DataError, match="differs from the encoder"):
        require_equal(agreement(lambda inputs: function.native(inputs) * 1.001, function))


@pytest.mark.parametrize("samples", [1, 2, 511, 512, 513, 700])
def test_short_waveforms_are_padded_as_load_pads_them(samples: int) -> None:
    ready = AudioReadyEncoder.open("untrained:AudioNTT2020:16", statistics=(-7.0, 5.5))
    function = exportable(untrained_encoder("AudioNTT2020", 16, 42), Waveforms(-7.0, 5.5)).function
    waveform = torch.randint(-9_000, 9_000, (1, samples)).float() / 32_768.0  # what a store holds exactly
    with torch.inference_mode():
        torch.testing.assert_close(function(waveform)[0], ready(waveform[0], sample_rate=16_000), atol=1e-5, rtol=1e-4)


def test_no_samples_are_refused_as_load_refuses_them(file: Path) -> None:
    session = onnxruntime.InferenceSession(str(file))
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, {"waveform": np.zeros((1, 0), np.float32)})
    ready = AudioReadyEncoder.open("untrained:AudioNTT2020:16", statistics=(-7.0, 5.5))
    with pytest.raises(DataError, match="holds no samples"):
        ready(torch.zeros(0), sample_rate=16_000)


def test_onnxruntime_alone_runs_it(function: Exportable, file: Path) -> None:
    session = onnxruntime.InferenceSession(str(file))
    (given,) = session.get_inputs()
    assert (given.name, given.shape) == ("waveform", ["batch", "samples"])
    about = session.get_modelmeta().custom_metadata_map
    assert (about["modality"], about["sample_rate"], about["layer"]) == ("audio", "2000", "output")
    assert json.loads(about["front_end"]) == SMALL.to_dict()
    waveform = np.sin(np.arange(3_003, dtype=np.float32))[None]
    (vector,) = session.run(None, {"waveform": waveform})
    assert vector.shape == (1, 16)
    np.testing.assert_allclose(vector, function.native(torch.from_numpy(waveform)).detach(), atol=1e-5)


def test_the_example_of_the_page_runs(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "README.md").read_text()
    (block,) = re.findall(r"## An encoder as one file\n.*?```python\n(.*?)```", page, re.S)
    monkeypatch.chdir(file.parent)
    found: dict[str, Any] = {}
    exec(block, found)
    assert found["vectors"].shape == (2, 16)
    assert capsys.readouterr().out.startswith("waveform (batch, samples) float32")


@pytest.mark.parametrize(("precision", "least"), [("float16", 0.9999), ("int8", 0.95)])
def test_lower_precisions_stay_near(function: Exportable, file: Path, precision: str, least: float) -> None:
    import onnx

    from randquant.export.onnx_file import run_onnx
    from randquant.export.precision import in_precision

    model = onnx.load(file)
    small = in_precision(model, function, precision, function.tried()).SerializeToString()  # type: ignore[arg-type]
    found = agreement(run_onnx(small), function)
    assert least < found.cosine < 1.0
    assert len(small) < file.stat().st_size


def test_inputs_of_a_store(store: Store) -> None:
    function, _ = opened("untrained:AudioNTT2020:8", layer="conv", seed=0, store=None)
    inputs = inputs_of(store, function)
    (batch,) = inputs.unlabelled(2)  # of the three training items the first and the last
    assert batch.shape[0] == 2
    assert batch.dtype == torch.float32
    assert float(batch.abs().max()) <= 1.0
