"""Speed: how pairs are measured and shown, and that the forms of the shapes' groups do what their twins do."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from randquant.audio.stored_crops import LogMelCrops
from randquant.data_prep.formats.meshes.off import read_off
from randquant.errors import DataError, UsageError
from randquant.installation.commands import commands
from randquant.scripts import benchmark as script
from randquant.scripts.benchmark import GROUPS, benchmark
from randquant.scripts.benchmarks import embed, images, memory, scaling, stored_crops
from randquant.scripts.benchmarks import quantize as quantization
from randquant.scripts.benchmarks.meshes import write_torus
from randquant.scripts.benchmarks.plain_byol import PlainBYOL
from randquant.scripts.benchmarks.quantize import original_formulation
from randquant.scripts.measuring import limits
from randquant.scripts.measuring.page import header
from randquant.scripts.measuring.pair import Pair
from randquant.scripts.measuring.stored_run import StoredRun, slower


def test_both_forms_run_in_turn_after_a_warm_up() -> None:
    calls: list[str] = []
    pair = Pair("a", lambda: calls.append("fast"), lambda: calls.append("twin"), "b", items=10)
    line = pair.measure("letters", 3, "cpu")
    assert calls == ["fast", "twin"] * 4
    assert line.per_second == pytest.approx(10 / line.seconds)
    assert 0.0 < line.ratio_low <= line.ratio <= line.ratio_high


def test_stored_crops_are_those_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_crops, "_RECORDINGS", 8)
    source = stored_crops.noise_source(tmp_path / "store", 1.5)
    log_mels = LogMelCrops(source.stores, stored_crops._settings(tmp_path), torch.device("cpu"))
    positions = np.arange(8)[::-1].copy()
    assert torch.equal(source.fetch(positions, 3)[0], stored_crops._one_by_one(source)(positions, 3))
    assert torch.equal(log_mels.fetch(positions, 3)[0], stored_crops._bands_one_by_one(log_mels)(positions, 3))


def test_the_plain_program_learns(tmp_path: Path) -> None:
    plain = PlainBYOL(stored_crops.noise_source(tmp_path / "store", 0.5), 16, 4, -8.0, 4.0, torch.device("cpu"))
    before = [parameter.clone() for parameter in (*plain.online.parameters(), *plain.teacher.parameters())]
    for _ in range(2):
        plain.step()
    after = [*plain.online.parameters(), *plain.teacher.parameters()]
    assert all(parameter.isfinite().all() for parameter in after)
    assert not any(torch.equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    def sums(device: str) -> Iterator[Pair]:
        yield Pair(f"sum on {device}", lambda: sum(range(100)), lambda: sum(range(1000)), "longer sum", 100)

    monkeypatch.setitem(script.GROUPS, "small", sums)
    monkeypatch.setattr(limits, "_COPIED", 1 << 16)
    monkeypatch.setattr(limits, "_LEAST_SECONDS", 1e-9)


@pytest.mark.usefixtures("small")
def test_the_table_and_the_file(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    assert benchmark(only=["small"], runs=2, json=tmp_path / "numbers.json") == 0
    machine, titles, line = capsys.readouterr().out.splitlines()
    assert "GB/s" in machine
    assert titles.split() == [word for title in header("ms") for word in title.split()]
    assert line.startswith("sum on cpu")
    stored = StoredRun.read(tmp_path / "numbers.json")
    assert (stored.runs, stored.device.split()[0]) == (2, "cpu")
    assert [(each.group, each.twin) for each in stored.lines] == [("small", "longer sum")]
    assert min(stored.limits.copy, stored.limits.float32, stored.limits.bfloat16) > 0


@pytest.mark.usefixtures("small")
def test_what_became_slower_is_told(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    benchmark(only=["small"], runs=3, json=path)
    before = StoredRun.read(path)
    better = replace(before.lines[0], ratio=1e6, ratio_low=0.9e6, ratio_high=1.1e6)
    replace(before, lines=[better], threads=before.threads + 1).write(path)
    capsys.readouterr()
    assert benchmark(only=["small"], runs=3, against=path) == 1
    told = capsys.readouterr().out
    assert "slower: sum on cpu against longer sum: ratio 1000000.0 -> " in told
    assert f"threads {before.threads + 1} -> {before.threads}" in told
    assert slower([better], [better]) == []
    assert slower([better], [replace(better, twin="another")]) == []
    small, large = (replace(better, ratio=each, ratio_low=each, ratio_high=each, grows=True) for each in (2.0, 9.0))
    assert slower([large], [small]) == [(large, small)]
    assert slower([small], [large]) == []


@pytest.mark.usefixtures("small")
def test_the_page_keeps_what_is_written_by_hand(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    page = tmp_path / "BENCHMARKS.md"
    mark = f"<!-- benchmark small cpu {torch.get_num_threads()} -->"
    page.write_text(f"# Sums\n\n{mark}\nold\n<!-- end -->\n\nThe end.\n")
    for _ in range(2):
        benchmark(only=["small"], runs=2, page=page)
    text = page.read_text()
    assert text.startswith("# Sums\n\n<!--")
    assert text.endswith("<!-- end -->\n\nThe end.\n")
    assert (text.count("| sum on cpu"), text.count("old"), text.count(mark)) == (1, 0, 1)
    page.write_text("# Sums\n")
    benchmark(only=["small"], runs=1, page=page)
    assert page.read_text() == "# Sums\n"
    assert "no mark for small on cpu" in capsys.readouterr().out


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"lines": []}')
    with pytest.raises(DataError, match="is no file of scripts"):
        benchmark(only=["quantize"], against=tmp_path / "other.json")
    with pytest.raises(DataError, match="cannot be read"):
        benchmark(only=["quantize"], against=tmp_path / "none.json")


def test_places_are_tried_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(script, "_measure", lambda *arguments: pytest.fail("measured"))
    with pytest.raises(UsageError, match=r"--page .* is no file"):
        benchmark(only=["quantize"], page=tmp_path / "none.md")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        benchmark(only=["quantize"], json=tmp_path / "file" / "numbers.json")


def test_where_the_time_goes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    x = torch.randn(64, 64)
    monkeypatch.setitem(
        script.GROUPS, "small", lambda device: iter([Pair("product", lambda: x @ x, lambda: x, "none")])
    )
    assert benchmark(only=["small"], profile=True) == 0
    assert "aten::mm" in capsys.readouterr().out


def test_unknown_groups_and_runs_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--only takes quantize, .*, got speed"):
        benchmark(only=["speed"])
    with pytest.raises(UsageError, match="--runs should be at least 1"):
        benchmark(runs=0)
    with pytest.raises(UsageError, match="--files should be at least 1"):
        benchmark(files=0)


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


def test_every_size_is_measured_beside_ten_times_as_much(tmp_path: Path) -> None:
    for made in (partial(scaling._prepared, tmp_path), partial(scaling._opened, tmp_path)):
        made(3)()
    for made in (
        partial(scaling._quantized, "cpu", 4),
        partial(scaling._farthest, "cpu"),
        partial(scaling._probed, "cpu"),
    ):
        made(70)()
    pairs = list(scaling._decades("things", (1, 10, 100), lambda size: lambda: size))
    assert [(pair.fast(), pair.twin()) for pair in pairs] == [(1, 10), (10, 100)]


def test_memory_is_that_of_the_command_alone(tmp_path: Path) -> None:
    recordings = memory.Recordings(tmp_path / "few", 5)
    held = np.ones(1 << 25)  # 256 MB of this process, which a child would start with
    pairs = list(memory.pairs(dict.fromkeys(memory.ITEMS, recordings)))
    assert {pair.unit for pair in pairs} == {"MB"}
    pairs[0].fast()
    assert 0.02 < pairs[0].clock() < held.nbytes / 1e9


def test_the_start_of_every_command_is_measured() -> None:
    names = [pair.name for pair in GROUPS["startup"]("cpu")]
    assert {f"{name} --help" for name in commands()} < set(names)


def test_every_form_of_quantization_and_its_twin_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantization, "SHAPES", [((2, 3, 8, 8), 4, (-2, -1)), ((2, 9, 3), 4, -2)])
    monkeypatch.setattr(quantization, "CLOUDS", 2)
    monkeypatch.setattr(quantization, "POINTS", 20)
    for pair in quantization.quantize("cpu"):
        quantized, twin = pair.fast(), pair.twin()
        assert isinstance(quantized, torch.Tensor)
        assert isinstance(twin, torch.Tensor)
        assert quantized.numel() == twin.numel() or "random numbers" in pair.twin_name


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


def test_the_command_gives_the_vectors_of_the_loop(tmp_path: Path) -> None:
    loop = embed.recordings(tmp_path, 2)
    embed.embedded(loop, tmp_path / "sound.parquet", "cpu")
    table = pq.read_table(tmp_path / "sound.parquet")
    command, by_hand = torch.tensor(table["embedding"].to_pylist()), loop.vectors(1, "cpu")
    assert table["path"].to_pylist() == [file.name for file in loop.files]
    assert torch.nn.functional.cosine_similarity(command, by_hand).min() > 0.9999  # one is rounded to int16
    assert embed.meshes(tmp_path, 3).vectors(2, "cpu").shape == (3, 512)
