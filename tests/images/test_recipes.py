"""Every recipe is a training that runs, and its head says what it is of."""

from pathlib import Path

import pytest

import randquant.images
from randquant.cli.command import run
from randquant.images.encoders.weights import load_encoder
from randquant.scripts.pretrain_images import pretrain_images
from tests.images.stores import arguments, task

RECIPES = sorted((Path(randquant.images.__file__).parent / "recipes").glob("*.yaml"))
TOY = "--steps 1 --width 0.125 --image_size 16 --queue_size 16 --warmup_steps 0 --workers 0 --batch_size 8"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_a_recipe_trains_a_step_at_toy_size(tmp_path: Path, recipe: Path) -> None:
    task(tmp_path / "store", 24)
    splits = 2 if "bn_splits" in recipe.read_text() else 1
    words = [*arguments(tmp_path / "store", tmp_path / "run", *TOY.split()), "--bn_splits", str(splits)]
    assert run(pretrain_images, ["--config", str(recipe), *words]) == 0
    assert load_encoder(tmp_path / "run").metadata["step"] == 1


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_a_recipe_says_what_it_is(recipe: Path) -> None:
    head = [line for line in recipe.read_text().splitlines() if line.startswith("#")]
    titles = [line[2:11].strip(" :(") for line in head]
    assert {"What", "Data", "Hours", "Command"} <= set(titles)
    assert f"common/images/recipes/{recipe.name}" in " ".join(head)
    assert "Publishe" in " ".join(titles) or recipe.stem in ("cpu", "study")
