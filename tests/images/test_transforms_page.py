"""Every block of the page on transforms runs, and does what the page says."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import randquant.images

PAGE = Path(randquant.images.__file__).with_name("TRANSFORMS.md")


@pytest.fixture(scope="module")
def session() -> dict[str, Any]:
    """What the blocks define, with a picture of many colours."""
    torch.manual_seed(0)
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would ask the network for its newest version
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 8
    found: dict[str, Any] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{PAGE.name}, block {number + 1}", "exec"), found)
        if number == 0:
            pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
            found["picture"] = Image.fromarray(pixels)
    return found


def levels(picture: torch.Tensor) -> int:
    """The most values that a channel of (3, H, W) holds."""
    return max(channel.unique().numel() for channel in picture)


def test_the_three_uses(session: dict[str, Any]) -> None:
    assert levels(session["transform"](session["picture"])) <= 8
    changed = [levels(session["first"](session["picture"])) <= 8 for _ in range(60)]
    assert 15 < sum(changed) < 45
    model, x = session["model"], torch.rand(4, 3, 32, 32)
    q1, _, k1, _ = model(x, x)
    assert not torch.equal(q1, k1)
    q1, _, k1, _ = model.eval()(x, x)
    assert torch.equal(q1, k1)


def test_the_adapters(session: dict[str, Any]) -> None:
    x = torch.rand(60, 3, 16, 16)
    changed = [levels(picture) <= 8 for picture in session["sequence"](x)]
    assert 15 < sum(changed) < 45
    pixels = np.asarray(session["picture"])
    views = [session["pipeline"](image=pixels)["image"] for _ in range(60)]
    assert {view.dtype for view in views} == {np.dtype(np.float32)}
    assert 15 < sum(levels(torch.from_numpy(view).permute(2, 0, 1)) <= 8 for view in views) < 45
    assert session["batch"].shape == (16, 3, 32, 32)


def test_a_picture_that_is_no_tensor_is_told_what_to_do(session: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"v2\.ToImage and v2\.ToDtype"):
        session["RandomizedQuantization"](bins=8, dim=(-2, -1))(session["picture"])
