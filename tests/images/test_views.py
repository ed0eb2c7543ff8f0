"""Views of pictures by policies: whole ones and small crops."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.cli.command import run
from randquant.images.encoders.weights import load_encoder
from randquant.images.pretraining import build_task
from randquant.images.settings import ImagePretraining
from randquant.scripts.pretrain_images import pretrain_images
from randquant.views import ViewSet
from tests.images.stores import arguments, task

VIEWS: list[Any] = [
    "simclr",
    "generic",
    {"augment": "rrc", "random": {"n": 2, "m": [0, 9]}},
    {"augment": "rrc", "local": True, "image_size": 8},
    {"augment": "rrc+rq", "table": [[["posterize", 1.0, 3], ["rq", 0.5, 5]]]},
]


@pytest.mark.parametrize("raw", [True, False])
def test_views_are_whole_and_small_pictures(tmp_path: Path, raw: bool) -> None:
    store = task(tmp_path / "store", 8, raw=raw)
    chosen = ImagePretraining(tmp_path / "run", data=[store.path], image_size=12, batch_size=4, views=VIEWS)
    made = build_task(chosen, torch.device("cpu"))
    views = made.make_views(made.source.fetch(np.arange(4), 0), generator=torch.Generator().manual_seed(0))
    assert isinstance(views, ViewSet)
    assert [tuple(view.shape) for view in views.views] == [(4, 3, 12, 12)] * 4  # type: ignore[union-attr]
    assert [tuple(view.shape) for view in views.local] == [(4, 3, 8, 8)]  # type: ignore[union-attr]


def test_a_local_view_is_a_small_crop_of_an_encoder_for_any_size(tmp_path: Path) -> None:
    chosen = ImagePretraining(tmp_path, data=[tmp_path], views=["generic", "generic", "small"])
    local = chosen.planned()[2].settings
    assert (local.image_size, local.crop_min, local.crop_max) == (16, 0.1, 0.3)
    for changes, says in (
        ({"views": ["rrc", "rrc", {"augment": "rq", "local": True}]}, "add rrc"),
        ({"encoder": "vit_small_patch16_224"}, "pictures of one size"),
        ({"views": ["rrc", {"crop_max": 0.01}]}, "crop_min"),
    ):
        with pytest.raises(ValueError, match=says):
            ImagePretraining(tmp_path, data=[tmp_path], **{"views": ["rrc", "rrc", "small"], **changes})  # type: ignore[arg-type]


def test_views_train_from_the_command_line(tmp_path: Path) -> None:
    store = task(tmp_path / "store")
    words = arguments(
        store.path, tmp_path / "run", "--views", "generic", "{augment: rrc, random: {n: 1, m: 5}}", "small"
    )
    assert run(pretrain_images, [*words, "--steps", "1"]) == 0
    assert load_encoder(tmp_path / "run").metadata["views"] == "generic, rrc+1 of strength 5, small"
    again = ["--config", str(tmp_path / "run" / "config.yaml")]
    assert run(pretrain_images, again) == 0  # finished, under the same settings
    assert run(pretrain_images, [*arguments(store.path, tmp_path / "other"), "--views", "simclr"]) == 2
