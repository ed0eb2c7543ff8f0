"""Recipes are found by name, from any folder."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from randquant.audio.settings import AudioPretraining
from randquant.cli.command import run, settings_from
from randquant.errors import UsageError
from randquant.installation.recipes import modality_of, recipe_named, recipes


@dataclass
class Preview(AudioPretraining):
    """Settings of a command outside the folder of sound."""


def configured(settings: AudioPretraining) -> None:
    """Take settings of sound."""


def test_a_recipe_has_several_names() -> None:
    file = recipes("audio")["demo"]
    for name in ("audio/demo", "audio/recipes/demo.yaml", "common/audio/recipes/demo.yaml"):
        assert recipe_named(name) == file
    assert recipe_named("demo", "audio") == file
    assert recipe_named("demo") is None
    assert recipe_named("cpu", "images") == recipe_named("common/images/recipes/cpu.yaml") != recipe_named("tables/cpu")


def test_a_command_takes_the_recipes_of_its_modality() -> None:
    assert modality_of(AudioPretraining) == modality_of(Preview) == "audio"
    assert modality_of(recipes) is None


def test_a_name_is_read_as_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = ["--data", "store", "--out", "run"]
    named = settings_from(AudioPretraining, ["--config", "demo", *data])
    assert named == settings_from(AudioPretraining, ["--config", str(recipes("audio")["demo"]), *data])
    assert named != settings_from(AudioPretraining, data)
    (tmp_path / "demo").mkdir()  # no file of flags
    assert settings_from(AudioPretraining, ["--config", "audio/recipes/demo.yaml", *data]) == named
    assert settings_from(AudioPretraining, ["--config", "demo", *data]) == named
    (tmp_path / "byola_v1").write_text("d: 64\n")  # a file of the user's own comes first
    assert settings_from(AudioPretraining, ["--config", "byola_v1", *data]).d == 64
    with pytest.raises(UsageError, match=r"--config demos is neither .* \(did you mean demo\?\); .*byola_rq"):
        settings_from(AudioPretraining, ["--config", "demos", *data])


def test_the_help_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(configured, ["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"a recipe by name ({', '.join(recipes('audio'))})" in text
