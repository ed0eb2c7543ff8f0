"""What changes nothing in a training is said."""

from pathlib import Path
from typing import Any

import pytest

from randquant.audio.settings import AudioPretraining
from randquant.images.settings import ImagePretraining
from randquant.pointcloud.settings import PointPretraining
from randquant.tables.settings import TablePretraining
from randquant.training.idle import equal_views, idle_settings
from randquant.training.settings import Training

MODALITIES = [AudioPretraining, PointPretraining, ImagePretraining, TablePretraining]


@pytest.mark.parametrize("settings", MODALITIES)
def test_by_default_everything_is_used(settings: type[Any]) -> None:
    assert idle_settings(settings(out=Path("run"), data=["store"])) == []
    fields = set(settings.__dataclass_fields__)
    assert settings is ImagePretraining or set(settings.USED_BY) <= fields


@pytest.mark.parametrize("settings", MODALITIES)
def test_each_without_what_uses_it(settings: type[Any]) -> None:
    given: dict[str, Any] = {
        "mix_alpha": 2.0,
        "inputmix_alpha": 2.0,
        "rq_stage_bins": [4],
        "local_weight": 1.0,
        "milestones": [0.5],
    }
    given |= {
        "sgd_momentum": 0.5,
        "milestones": [0.5],
        "base_width": 32,
        "rq_p": 0.5,
        "method": "simclr",
        "queue_size": 8,
        "momentum": 0.5,
    }
    said = idle_settings(settings(out=Path("run"), data=["store"], augment="none", **given))
    assert {line.split()[0] for line in said} == {f"--{name}" for name in given if name != "method"}
    used: dict[str, Any] = {"mix": "mixup", "inputmix": 2, "rq_stage": "embed", "schedule": "step", "optimizer": "sgd"}
    used |= {"parametrization": "mup", "method": "moco", "augment": "rq"}
    said = idle_settings(
        Training(out=Path("run"), **{n: v for n, v in (given | used).items() if n not in ("augment", "rq_p")})
    )
    assert [line.split()[0] for line in said] == ["--local_weight"]


def test_settings_of_augmentations_and_of_mixing() -> None:
    pictures = ImagePretraining(out=Path("run"), data=[Path("s")], augment="rrc", colour_p=0.1, crop_min=0.3)
    assert idle_settings(pictures) == ["--colour_p changes nothing here: it is for colour in --augment"]
    sound = AudioPretraining(out=Path("run"), data=[Path("s")], mix="cutmix", mix_domain="power", mix_cut="band")
    assert idle_settings(sound) == ["--mix_domain changes nothing here: it is for --mix mixup or --inputmix"]
    shapes = PointPretraining(out=Path("run"), data=[Path("s")], stretch=1.5, rotate_axis="so3")
    assert [line.split()[0] for line in idle_settings(shapes)] == ["--rotate_axis"]


def test_views_that_nothing_tells_apart() -> None:
    assert "all views are equal" in equal_views(Training(out=Path("run")), "rows")[0]
    assert equal_views(Training(out=Path("run"), mix="mixup"), "rows") == []
