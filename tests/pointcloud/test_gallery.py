"""The picture shows every cloud under every augmentation, upright and seen from one side."""

import builtins
from typing import Any

import numpy as np
import pytest
import torch

from randquant.errors import UsageError
from randquant.figures.under_each import under_each
from randquant.pointcloud.gallery import BINS, augmentations, gallery, projected


def clouds(count: int = 2) -> torch.Tensor:
    points = torch.randn(count, 200, 6)
    return torch.cat([torch.nn.functional.normalize(points[..., :3], dim=-1), points[..., 3:]], dim=-1)


def test_every_augmentation_is_drawn_by_the_seed() -> None:
    x = clouds()[..., :3]
    first, again, other = (under_each(augmentations(), x, seed=seed) for seed in (0, 0, 1))
    assert list(first) == list(augmentations())
    assert torch.equal(first["as stored"], x)
    for title in list(first)[1:]:
        assert first[title].shape == x.shape
        assert torch.equal(first[title], again[title])
        assert not torch.equal(first[title], x)
        assert not torch.equal(first[title], other[title])
    distinct = [len(first[f"RQ, {bins} bins"][0].unique(dim=0)) for bins in BINS]
    assert distinct == sorted(distinct)
    assert all(len(first[f"RQ, {bins} bins"][0, :, axis].unique()) <= bins for bins in BINS for axis in range(3))


def test_the_view_is_a_rotation_with_z_up() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    places, near = projected(points)
    seen = np.column_stack([places, near])
    np.testing.assert_allclose(seen @ seen.T, points @ points.T, atol=1e-12)
    (x, y), depth = (each[0] for each in projected(np.array([[0.0, 0.0, 1.0]])))
    assert x == pytest.approx(0.0)
    assert y > 0.9
    assert depth > 0, "from above"


def test_there_is_a_panel_for_each() -> None:
    pytest.importorskip("matplotlib")
    figure = gallery(clouds(3), ["chair", "cup", "door"], seed=1)
    panels = figure.get_axes()
    assert len(panels) == 3 * len(augmentations())
    assert [panel.get_ylabel() for panel in panels[:: len(augmentations())]] == ["chair", "cup", "door"]
    assert [panel.get_title() for panel in panels[: len(augmentations())]] == list(augmentations())
    assert panels[0].get_xlabel() == "200 points"
    assert np.shape(panels[0].collections[0].get_offsets()) == (200, 2)


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def hidden(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", hidden)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        gallery(clouds(), ["a", "b"])
