"""The HEAR API as its page states it: shapes, types, devices, times; and that vectors are those of the encoder."""

import numpy as np
import pytest
import torch

import randquant
from randquant.audio.harness import fine_steps, hear
from randquant.errors import UsageError
from randquant.loading.ready_encoder import Frames

NAMES = {"untrained:AudioNTT2020:16": 80.0, "untrained:AudioNTT2022:1032": 40.0}  # and their own step, ms
AUDIO = 0.1 * torch.randn(2, 20_000, generator=torch.Generator().manual_seed(0))

pytestmark = pytest.mark.filterwarnings("ignore:.*does not say by which mean")


@pytest.fixture(scope="module", params=list(NAMES))
def model(request: pytest.FixtureRequest) -> hear.HearModel:
    return hear.load_model(request.param)


def test_what_a_model_says(model: hear.HearModel) -> None:
    assert isinstance(model, torch.nn.Module)
    assert not model.training
    sizes = (model.sample_rate, model.scene_embedding_size, model.timestamp_embedding_size)
    assert all(type(size) is int and size > 0 for size in sizes)


def test_scenes(model: hear.HearModel) -> None:
    scenes = hear.get_scene_embeddings(AUDIO, model)
    assert scenes.shape == (2, model.scene_embedding_size)
    assert scenes.dtype == torch.float32
    assert scenes.device == next(model.parameters()).device
    assert torch.equal(scenes, model.encoder(AUDIO.numpy(), sample_rate=16_000, axes="BT"))
    assert torch.equal(hear.get_scene_embeddings(AUDIO.double(), model), scenes)
    assert torch.allclose(hear.get_scene_embeddings(AUDIO[1:], model), scenes[1:], rtol=1e-5, atol=1e-6)


def test_times_are_regular_and_at_most_50_ms_apart(model: hear.HearModel) -> None:
    vectors, times = hear.get_timestamp_embeddings(AUDIO, model)
    assert vectors.shape == (2, times.shape[1], model.timestamp_embedding_size)
    assert vectors.dtype == times.dtype == torch.float32
    assert times.shape[0] == 2
    assert torch.equal(times[0], times[1])
    steps = times[0].diff()
    assert float(steps.min()) > 0
    assert float(steps.max()) <= 50.0
    assert float(steps.max() - steps.min()) < 1.0
    assert 0 <= float(times[0, 0]) < 50.0
    assert 1250 - 100 < float(times[0, -1]) <= 1250


def test_every_second_vector_is_the_networks_own(model: hear.HearModel) -> None:
    vectors, times = hear.get_timestamp_embeddings(AUDIO, model)
    number = fine_steps.passes(model.encoder)
    for shift in range(number):
        rest = AUDIO[:, shift * 640 :].numpy()
        alone = model.encoder.frames(rest, sample_rate=16_000, axes="BT")
        assert torch.equal(vectors[:, shift::number], alone.vectors)
        expected = alone.times * 1000 + shift * 40.0
        assert torch.allclose(times[0, shift::number].double(), expected, atol=1e-3)


@pytest.mark.parametrize("samples", [1, 500, 1_280, 2_000, 16_000])
def test_short_clips(model: hear.HearModel, samples: int) -> None:
    vectors, times = hear.get_timestamp_embeddings(AUDIO[:, :samples], model)
    assert vectors.shape[1] == times.shape[1] >= 1
    assert bool(torch.isfinite(vectors).all())
    assert hear.get_scene_embeddings(AUDIO[:, :samples], model).shape[0] == 2


@pytest.mark.parametrize(("name", "own"), NAMES.items())
def test_drift_over_40_minutes(name: str, own: float, monkeypatch: pytest.MonkeyPatch) -> None:
    model = hear.load_model(name)
    assert fine_steps.step_milliseconds(model.encoder) == 40.0

    def silent(waveforms: np.ndarray, **how: object) -> Frames:
        count = model.encoder.encoder.frame_count(1 + waveforms.shape[1] // 160)
        return Frames(torch.zeros(1, count, 1), model.encoder.encoder.frame_times(count, 0.01), torch.tensor([count]))

    monkeypatch.setattr(model.encoder, "frames", silent)
    _, times = hear.get_timestamp_embeddings(torch.zeros(1, 40 * 60 * 16_000), model)
    first = (own / 10 - 1) / 2 * 10
    assert float((times[0].double() - first - 40.0 * torch.arange(times.shape[1])).abs().max()) < 1.0
    assert float(times[0, -1]) == pytest.approx(40 * 60 * 1000, abs=100)


def test_it_is_what_load_opens() -> None:
    name = next(iter(NAMES))
    loaded = randquant.load(name)
    assert torch.equal(loaded(AUDIO[0], sample_rate=16_000), hear.get_scene_embeddings(AUDIO, hear.load_model(name))[0])


def test_what_is_refused(model: hear.HearModel) -> None:
    with pytest.raises(UsageError, match="--model"):
        hear.load_model()
    with pytest.raises(ValueError, match="n_sounds"):
        hear.get_scene_embeddings(AUDIO[0], model)
