"""Speed: how pairs are measured and shown, and that the forms of the shapes' groups do what their twins do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from randquant.data_prep.formats.meshes.off import read_off
from randquant.errors import UsageError
from randquant.installation.commands import commands
from randquant.scripts import benchmark as script
from randquant.scripts.benchmark import GROUPS, benchmark
from randquant.scripts.benchmarks import images
from randquant.scripts.benchmarks.meshes import write_torus
from randquant.scripts.benchmarks.pair import Pair
from randquant.scripts.benchmarks.quantize import original_formulation


def test_both_forms_run_in_turn_after_a_warm_up() -> None:
    calls: list[str] = []
    pair = Pair("a", lambda: calls.append("fast"), lambda: calls.append("twin"), "b", items=10)
    numbers = pair.measure(3, "cpu")
    assert calls == ["fast", "twin"] * 4
    assert numbers["per_second"] == pytest.approx(10 / numbers["seconds"])
    assert numbers["ratio"] > 0.0


def test_the_table_and_the_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    def small(device: str) -> Iterator[Pair]:
        yield Pair(f"sum on {device}", lambda: sum(range(100)), lambda: sum(range(1000)), "longer sum", 100)

    monkeypatch.setitem(script.GROUPS, "small", small)
    benchmark(only=["small"], runs=2, out=tmp_path / "numbers.json")
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["what", "ms", "a", "second", "twin", "ms", "ratio"]
    assert line.startswith("sum on cpu")
    stored = json.loads((tmp_path / "numbers.json").read_text())
    assert stored["about"]["runs"] == 2
    assert [(each["group"], each["twin"]) for each in stored["results"]] == [("small", "longer sum")]


def test_unknown_groups_and_runs_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--only takes quantize, .*, got speed"):
        benchmark(only=["speed"])
    with pytest.raises(UsageError, match="--runs should be at least 1"):
        benchmark(runs=0)


@pytest.mark.parametrize("group", ["point_augment", "farthest_points", "point_pretrain"])
def test_every_form_and_twin_runs(group: str) -> None:
    for pair in GROUPS[group]("cpu"):
        fast, twin = pair.fast(), pair.twin()
        if isinstance(fast, torch.Tensor) and isinstance(twin, torch.Tensor) and fast.ndim == 3:
            assert fast.numel() == twin.numel()


def test_pictures_take_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "COUNT", 4)
    for pair in images.image_augmentations("cpu"):
        view, reference = pair.fast(), pair.twin()
        assert isinstance(view, torch.Tensor)
        assert isinstance(reference, torch.Tensor)
        assert view.shape == reference.shape


def test_the_start_of_every_command_is_measured() -> None:
    names = [pair.name for pair in GROUPS["startup"]("cpu")]
    assert {f"{name} --help" for name in commands()} < set(names)


def test_the_original_formulation_quantizes() -> None:
    x = torch.randn(5, 3, 200)
    quantized = original_formulation(x, 6)
    for before, after in zip(x.flatten(0, 1), quantized.flatten(0, 1), strict=True):
        assert after.unique().numel() <= 6
        assert (after[before.argsort()].diff() >= 0).all()


def test_the_torus_is_closed(tmp_path: Path) -> None:
    torus = read_off(write_torus(tmp_path / "torus.off", 1.0))
    vertices, faces = torus.vertices, torus.faces
    assert (len(vertices), len(faces)) == (10_000, 20_000)
    edges = [tuple(sorted((int(a), int(b)))) for face in faces for a, b in zip(face, face[[1, 2, 0]], strict=True)]
    assert len(edges) == 2 * len(set(edges))
    x, y = vertices.T[:2]
    assert abs((x**2 + y**2) ** 0.5 - 1.0).max() <= 0.4 + 1e-5
