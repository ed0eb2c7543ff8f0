"""Recipes of sound."""

from pathlib import Path

import pytest
import yaml

from randquant.audio.settings import AudioPretraining

RECIPES = Path(__file__).parents[2] / "audio" / "recipes"


def read(name: str) -> dict[str, object]:
    return yaml.safe_load((RECIPES / f"{name}.yaml").read_text())


def test_the_small_recipe_is_that_of_rq_with_mixup_beside_it() -> None:
    both, alone = read("small"), read("small_rq")
    assert both.pop("mixup_alpha") == AudioPretraining.mixup_alpha
    assert set(str(both.pop("augment")).split("+")) == {*str(alone.pop("augment")).split("+"), "mixup"}
    assert both == alone


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_names_its_own_command(path: Path) -> None:
    assert f"--config audio/recipes/{path.name} " in path.read_text()
