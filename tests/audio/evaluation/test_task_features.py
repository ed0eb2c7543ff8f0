"""ClipTask features against embedding clip by clip; statistics see training clips alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from randquant.audio.encoders.weights import LoadedEncoder, untrained_encoder
from randquant.audio.evaluation import task_features
from randquant.audio.evaluation.task_features import task_statistics
from randquant.audio.evaluation.tasks import PROTOCOLS, ClipTask, ProtocolName, open_task, read_batches
from randquant.audio.spectrogram.logmel import LogMel
from randquant.data.features import Features
from randquant.data.store import Store
from randquant.errors import DataError

WriteStore = Callable[..., Store]


@pytest.fixture
def loaded() -> LoadedEncoder:
    return untrained_encoder("AudioNTT2020", 32, seed=3)


@pytest.fixture
def task(store: Store) -> ClipTask:
    return open_task(store, unit_seconds=1.0)


class Broken(nn.Module):
    """An encoder that must not be asked."""

    def embedding_size(self, layer: str) -> int:
        return 32

    def forward(self, x: Tensor, layer: str) -> Tensor:
        raise RuntimeError("the encoder was touched")


def features_of(
    loaded: LoadedEncoder, task: ClipTask, cache: Path, protocol: ProtocolName = "byola-v1", **options: object
) -> Features:
    fold = options.pop("fold", None)
    reading = task_features.Reading(cache, **options)  # type: ignore[arg-type]
    return task_features.task_features(loaded, task, PROTOCOLS[protocol], reading, fold)  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", ["byola-v1", "evar"])
def test_features_equal_embedding_clip_by_clip(
    loaded: LoadedEncoder, task: ClipTask, tmp_path: Path, protocol: ProtocolName
) -> None:
    features = features_of(loaded, task, tmp_path, protocol)
    preset = PROTOCOLS[protocol]
    normal = features.provenance["statistics"]
    head = np.array([split == "test" and protocol == "evar" for split in task.items.splits])
    clips = read_batches(task, np.arange(6), pad=preset.pad, head=head, seed=42, epoch=0, batch=1)
    with torch.no_grad():
        for row, clip in enumerate(clips):
            log_mel = (LogMel(loaded.front_end)(clip) - normal["mean"]) / normal["std"]
            expected = loaded.encoder(log_mel)[0].numpy()
            np.testing.assert_allclose(features.vectors[row], expected, rtol=1e-4, atol=1e-5)
    assert features.ids == [f"{index}.wav" for index in range(6)]
    assert not loaded.encoder.training


def test_a_second_probe_does_not_touch_the_encoder(loaded: LoadedEncoder, task: ClipTask, tmp_path: Path) -> None:
    first = features_of(loaded, task, tmp_path)
    loaded.encoder = Broken()  # type: ignore[assignment]
    np.testing.assert_array_equal(features_of(loaded, task, tmp_path).vectors, first.vectors)
    for options in ({"seed": 1}, {"layer": "conv"}, {"protocol": "evar"}):
        with pytest.raises(RuntimeError, match="touched"):
            features_of(loaded, task, tmp_path, **options)


@pytest.mark.parametrize("layer", ["output", "conv", "conv+output"])
def test_layers_have_their_sizes(loaded: LoadedEncoder, task: ClipTask, tmp_path: Path, layer: str) -> None:
    features = features_of(loaded, task, tmp_path, layer=layer)
    assert features.vectors.shape == (6, loaded.encoder.embedding_size(layer))  # type: ignore[arg-type]


def statistics(task: ClipTask, cache: Path, loaded: LoadedEncoder) -> tuple[float, float]:
    found = task_statistics(loaded.front_end, task, PROTOCOLS["byola-v1"], task_features.Reading(cache))
    return found.mean, found.std


def test_statistics_are_those_of_training_crops(write_store: WriteStore, loaded: LoadedEncoder, tmp_path: Path) -> None:
    """Other items may be as loud as they like; a clip exactly one unit long leaves no choice of crop."""
    lengths = [16_000] * 6
    one = write_store("one", lengths=lengths)
    loud = write_store("loud", lengths=lengths, loudness=[30_000, 30_000, 9, 9, 9, 30_000])
    task = open_task(one, unit_seconds=1.0)
    train = np.stack([one.rows(int(index)) for index in one.select("train")])
    values = LogMel(loaded.front_end)(torch.from_numpy(train)).double()
    found = statistics(task, tmp_path, loaded)
    assert found == pytest.approx((float(values.mean()), float(values.std(correction=0))), rel=1e-5)
    assert statistics(open_task(loud, unit_seconds=1.0), tmp_path, loaded) == pytest.approx(found, rel=1e-3)


def test_statistics_are_kept_and_do_not_depend_on_the_encoder(
    task: ClipTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = statistics(task, tmp_path, untrained_encoder("AudioNTT2020", 8, seed=0))
    monkeypatch.setattr(task_features, "LogMel", None)
    assert statistics(task, tmp_path, untrained_encoder("AudioNTT2020", 16, seed=1)) == first
    (record,) = (tmp_path / "statistics").iterdir()
    record.write_text("{}")
    with pytest.raises(TypeError):  # a damaged record is computed again
        statistics(task, tmp_path, untrained_encoder("AudioNTT2020", 16, seed=1))


def test_the_checkpoints_own_statistics(loaded: LoadedEncoder, task: ClipTask, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no log-mel statistics"):
        features_of(loaded, task, tmp_path, statistics="checkpoint")
    loaded.mean, loaded.std = -7.0, 4.0
    assert features_of(loaded, task, tmp_path, statistics="checkpoint").provenance["statistics"]["mean"] == -7.0


FOLDS = ("fold1", "fold2", "fold3", "fold1", "fold2", "fold3")
SECONDS = [16_000] * 6  # exactly the unit: there is no choice of crop


def spread_of(store: Store, rows: list[int], loaded: LoadedEncoder) -> tuple[float, float]:
    values = LogMel(loaded.front_end)(torch.from_numpy(np.stack([store.rows(row) for row in rows]))).double()
    return float(values.mean()), float(values.std(correction=0))


@pytest.mark.parametrize(
    ("protocol", "fold", "rows", "says"),
    [
        ("byola-v1", None, [0, 1, 2, 3, 4, 5], "the items of all folds"),
        ("evar", None, [1, 2, 4, 5], "fold1's training items, for all folds"),
        ("byola-v1", "fold2", [0, 2, 3, 5], "fold2's training items"),
        ("evar", "fold2", [0, 2, 3, 5], "fold2's training items"),
    ],
)
def test_statistics_of_folds(
    write_store: WriteStore,
    loaded: LoadedEncoder,
    tmp_path: Path,
    protocol: ProtocolName,
    fold: str | None,
    rows: list[int],
    says: str,
) -> None:
    """Which items enter: loudness tells them apart."""
    store = write_store("f", lengths=SECONDS, splits=FOLDS, loudness=[30_000, 3_000, 300, 30_000, 3_000, 30])
    task = open_task(store, unit_seconds=1.0)
    found = task_statistics(loaded.front_end, task, PROTOCOLS[protocol], task_features.Reading(tmp_path), fold)
    assert (found.mean, found.std) == pytest.approx(spread_of(store, rows, loaded), rel=1e-5)
    assert found.source.endswith(says)


def test_every_fold_has_features_of_its_own(write_store: WriteStore, loaded: LoadedEncoder, tmp_path: Path) -> None:
    store = write_store("f", lengths=SECONDS, splits=FOLDS, loudness=[30_000, 3_000, 300, 30_000, 3_000, 30])
    task = open_task(store, unit_seconds=1.0)
    one, other = (features_of(loaded, task, tmp_path, fold=fold) for fold in ("fold1", "fold2"))
    shared = features_of(loaded, task, tmp_path)
    assert (one.vectors != other.vectors).any()
    assert (one.vectors != shared.vectors).any()
    assert one.provenance["statistics"]["source"].endswith("fold1's training items")


def test_statistics_take_as_many_clips_as_the_protocol_says(
    write_store: WriteStore, loaded: LoadedEncoder, tmp_path: Path
) -> None:
    few = replace(PROTOCOLS["evar"], statistics_crops=2)
    task = open_task(write_store("f"), unit_seconds=0.3)
    found = task_statistics(loaded.front_end, task, few, task_features.Reading(tmp_path))
    assert found.source.startswith("2 random crops")


def test_silence_has_no_statistics(write_store: WriteStore, loaded: LoadedEncoder, tmp_path: Path) -> None:
    store = write_store("silent", loudness=[1] * 6)
    task = open_task(store, unit_seconds=0.2)
    monkey = Broken()
    loaded.encoder = monkey  # type: ignore[assignment]
    store.rows = lambda *_: np.zeros(3_200, dtype=np.int16)  # type: ignore[method-assign]
    with pytest.raises(DataError, match="silence"):
        features_of(loaded, task, tmp_path)
