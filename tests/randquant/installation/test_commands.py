"""Commands are named as they are typed, and `randquant COMMAND` runs them."""

import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest

from randquant.__main__ import main
from randquant.installation import overview
from randquant.installation.commands import as_typed, commands, module_of, program, summary


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """As if the interpreter had been started with the module of the parameter."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name=request.param))


def test_every_command_says_what_it_does() -> None:
    assert {"prepare", "embed", "pretrain_audio"} <= set(commands())
    assert all(len(summary(name)) > 10 for name in commands())


@pytest.mark.parametrize("started", ["scripts.prepare"], indirect=True)
def test_in_a_clone_a_command_is_a_module(started: None) -> None:
    assert program() == "python -m scripts.prepare"
    assert as_typed("python -m scripts.embed, scripts.prepare") == "python -m scripts.embed, scripts.prepare"
    assert module_of("embed") == "scripts.embed"


@pytest.mark.parametrize("started", ["randquant.scripts.prepare"], indirect=True)
def test_installed_it_is_a_word(started: None) -> None:
    assert program() == "randquant prepare"
    assert (
        as_typed("type python -m scripts.embed; see scripts.doctor.") == "type randquant embed; see randquant doctor."
    )
    assert as_typed("scripts.nothing, my_scripts.embedding") == "scripts.nothing, my_scripts.embedding"
    assert module_of("embed") == "randquant.scripts.embed"


def test_no_help_loads_torch_nor_a_dataset() -> None:
    code = """
import runpy, sys
sys.argv = ["randquant", "--help"]
for module in ("randquant", *sys.stdin.read().split()):
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
loaded = {"torch", "scipy", "sklearn", "pyarrow", "matplotlib", "huggingface_hub"}
loaded = (loaded | {"randquant.data_prep.datasets.us8k"}) & set(sys.modules)
sys.exit(" ".join(loaded) or 0)
"""
    modules = " ".join(f"randquant.scripts.{name}" for name in commands())
    told = subprocess.run([sys.executable, "-c", code], input=modules, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("usage: ") == len(commands())  # of the overview too, and check_libusb takes no flags


def test_no_command_and_no_such_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["randquant", "prepar"])
    assert main() == 2
    assert capsys.readouterr().err == (
        "error: prepar is not a command (did you mean prepare?); randquant --help lists them.\n"
    )
    monkeypatch.setattr(sys, "argv", ["randquant", "--help"])
    assert main() == 0
    assert all(f"  {name} " in capsys.readouterr().out for name in commands()[:1])


def test_a_command_gets_its_words_and_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["randquant", "compare", "--nothing"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "--nothing is not known here" in capsys.readouterr().err


def test_a_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in sys.modules if name.startswith("randquant.results")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "randquant.cli.command", raising=False)
    monkeypatch.setitem(sys.modules, "jsonargparse", None)
    monkeypatch.setattr(sys, "argv", ["randquant", "compare", "a", "b"])
    assert main() == 1
    assert capsys.readouterr().err == "error: jsonargparse is not installed; type: pip install 'randquant[train]'.\n"


def test_the_overview_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["torch>=2", 'numpy>=2 ; extra == "sound"', 'no-such-thing>=1 ; extra == "sound"', 'ruff ; extra == "dev"']
    monkeypatch.setattr(overview.importlib.metadata, "requires", lambda name: lines)
    assert overview.libraries() == {"sound": ["numpy", "no-such-thing"]}
    text = "\n".join(overview.overview())
    assert "[sound]" in text
    assert "lacks no-such-thing" in text
    assert "pip install 'randquant[sound]'" in text
    assert "cpu (" in text


def test_an_interruption_while_a_command_is_imported_is_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runpy, "run_module", interrupted)
    monkeypatch.setattr(sys, "argv", ["randquant", "embed"])
    assert main() == 130
    assert capsys.readouterr().err == "interrupted.\n"
