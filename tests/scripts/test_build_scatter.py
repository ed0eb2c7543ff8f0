"""torch-scatter is compiled once for each torch, kept, and checked by computing with it; the compiler is pretended."""

from pathlib import Path

import pytest
import torch

from randquant.errors import DataError
from randquant.scripts import build_scatter


class Builder:
    """Stands in for pip and the compiler, and notes what was asked of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cache: Path, *, loads: list[bool]) -> None:
        self.done: list[str] = []
        self.loads = loads
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        monkeypatch.setattr(build_scatter, "target", lambda: "cpu")
        monkeypatch.setattr(build_scatter, "working_version", self.working_version)
        monkeypatch.setattr(build_scatter, "compile_wheel", self.compile_wheel)
        monkeypatch.setattr(build_scatter, "install", lambda built: self.done.append("install"))

    def working_version(self, device: str) -> str | None:
        return build_scatter.pinned_version() if self.loads.pop(0) else None

    def compile_wheel(self, device: str) -> Path:
        self.done.append("compile")
        folder = build_scatter.wheel_folder(device)
        folder.mkdir(parents=True, exist_ok=True)
        built = folder / f"torch_scatter-{build_scatter.pinned_version()}-any.whl"
        built.touch()
        return built


def test_nothing_is_done_where_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch, tmp_path, loads=[True])
    build_scatter.build_scatter()
    assert builder.done == []


def test_a_second_environment_takes_the_kept_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch, tmp_path, loads=[False, True, False, True])
    build_scatter.build_scatter()
    assert builder.done == ["compile", "install"]
    build_scatter.build_scatter()
    assert builder.done == ["compile", "install", "install"]


def test_a_kept_wheel_that_does_not_load_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch, tmp_path, loads=[False, False, True])
    builder.compile_wheel("cpu")
    build_scatter.build_scatter()
    assert builder.done == ["compile", "install", "compile", "install"]


def test_rebuild_passes_over_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch, tmp_path, loads=[True])
    builder.compile_wheel("cpu")
    build_scatter.build_scatter(rebuild=True)
    assert builder.done == ["compile", "compile", "install"]


def test_a_build_that_never_loads_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Builder(monkeypatch, tmp_path, loads=[False, False])
    with pytest.raises(DataError, match="does not load"):
        build_scatter.build_scatter()


def test_wheels_are_kept_by_the_version_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = build_scatter.wheel_folder("cpu")
    assert folder.is_relative_to(tmp_path / "randquant" / "wheels")
    assert torch.__version__ in folder.name
    monkeypatch.setattr(torch, "__version__", "2.12.0")
    assert build_scatter.wheel_folder("cpu") != folder


def test_without_a_compiler_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(DataError, match=r"C\+\+ compiler"):
        build_scatter.compile_wheel("cpu")
    assert not any(tmp_path.iterdir())


def test_a_machine_without_gpu_builds_for_the_cpu_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert build_scatter.target() == "cpu"
    monkeypatch.setenv("MAX_JOBS", "3")
    environment = build_scatter.build_environment(tmp_path, "cpu")
    assert environment["FORCE_ONLY_CPU"] == "1"
    assert "parallel = 3" in Path(environment["DIST_EXTRA_CONFIG"]).read_text()
