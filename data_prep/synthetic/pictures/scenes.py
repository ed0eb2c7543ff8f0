"""Pictures of one patterned object before a background: what it is shows in its outline and its pattern alone.

The object's colours, place, size and angle, the background, the light and the noise are drawn whatever the class is, so
that neither the mean colour nor any single pixel gives it away.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data_prep.synthetic.sounds.waves import uniform

_NOISE = (2.0, 12.0)  # standard deviation of the noise, in levels of 255
_LEAST_CONTRAST = 0.9  # between the two colours of an object, as the distance in the RGB cube
_BLOBS = 4  # of a background

Field = Callable[[Tensor, Tensor], Tensor]


def _polygon(corners: int, depth: float = 0.0) -> Field:
    """The distance from a regular polygon, or from a star with notches of some depth, of radius 1; negative inside."""

    def distance(x: Tensor, y: Tensor) -> Tensor:
        angle, radius = torch.atan2(y, x), torch.hypot(x, y)
        sector = 2 * math.pi / corners
        within = torch.remainder(angle, sector) - sector / 2
        edge = math.cos(sector / 2) / torch.cos(within)
        return radius - edge * (1 - depth * (1 - 2 * within.abs() / sector))

    return distance


# The distance from an outline of radius 1, negative inside; the first five are round, the others have corners.
OUTLINES: dict[str, Field] = {
    "disc": lambda x, y: torch.hypot(x, y) - 0.9,
    "ring": lambda x, y: (torch.hypot(x, y) - 0.7).abs() - 0.3,
    "crescent": lambda x, y: torch.maximum(torch.hypot(x, y) - 1, 0.8 - torch.hypot(x - 0.5, y)),
    "ellipse": lambda x, y: torch.hypot(x, 2.2 * y) - 1,
    "flower": lambda x, y: torch.hypot(x, y) - 0.75 - 0.25 * torch.cos(5 * torch.atan2(y, x)),
    "star": _polygon(5, 0.55),
    "triangle": _polygon(3),
    "square": _polygon(4),
    "cross": lambda x, y: torch.minimum(
        torch.maximum(x.abs() - 1, y.abs() - 0.33), torch.maximum(y.abs() - 1, x.abs() - 0.33)
    ),
    "bars": lambda x, y: torch.maximum(x.abs() - 1, (y.abs() - 0.6).abs() - 0.3),
}
# Between -1 and 1; of coordinates in wavelengths.
PATTERNS: dict[str, Field] = {
    "stripes": lambda x, _: torch.sin(2 * math.pi * x),
    "checks": lambda x, y: torch.sin(math.pi * x) * torch.sin(math.pi * y) * 3,
    "dots": lambda x, y: 3 * (torch.cos(2 * math.pi * x) + torch.cos(2 * math.pi * y) - 0.8),
    "rings": lambda x, y: torch.sin(2 * math.pi * torch.hypot(x, y)),
    "waves": lambda x, y: torch.sin(2 * math.pi * (x + 0.35 * torch.sin(2 * math.pi * y / 1.5))),
    "grid": lambda x, y: 4 * (torch.maximum(torch.cos(2 * math.pi * x), torch.cos(2 * math.pi * y)) - 0.8),
    "zigzag": lambda x, y: torch.sin(2 * math.pi * (x + (torch.remainder(y, 1.0) - 0.5).abs())),
    "sectors": lambda x, y: torch.sin(6 * torch.atan2(y, x)) * 2,
    "plain": lambda x, _: torch.ones_like(x),
    "shaded": lambda x, y: (x + y) / 2,
}


@dataclass(frozen=True)
class Look:
    """What a class looks like: the names of an outline and a pattern."""

    outline: str
    pattern: str


def looks(count: int) -> list[Look]:
    """As many different looks, up to 100: neighbours share a pattern, and an outline occurs with every pattern.

    Raises:
        ValueError: there are not so many.
    """
    if not 1 <= count <= len(OUTLINES) * len(PATTERNS):
        raise ValueError(f"there are 1 to {len(OUTLINES) * len(PATTERNS)} looks, got {count}")
    across = max(math.ceil(count / len(PATTERNS)), min(2, count))
    outlines = list(OUTLINES)[:: len(OUTLINES) // across][:across]
    return [Look(outlines[place % across], list(PATTERNS)[place // across]) for place in range(count)]


def draw_picture(look: Look, *, height: int, width: int, generator: torch.Generator) -> NDArray[np.uint8]:
    """One picture: (height, width, 3) uint8."""
    side = min(height, width)
    y, x = torch.meshgrid(
        torch.linspace(-height / side, height / side, height),
        torch.linspace(-width / side, width / side, width),
        indexing="ij",
    )
    object_x, object_y, scale = _placed(x, y, generator)
    distance = OUTLINES[look.outline](object_x, object_y)
    inside = torch.sigmoid(-distance * scale * side / 2)
    wavelength, phase = uniform((0.45, 0.7), generator), uniform((0.0, 1.0), generator)
    wave = PATTERNS[look.pattern](object_x / wavelength + phase, object_y / wavelength + phase)
    share = (wave.clamp(-1, 1) + 1) / 2
    first, second = _colours(generator)
    pattern = share[..., None] * first + (1 - share[..., None]) * second
    picture = inside[..., None] * pattern + (1 - inside[..., None]) * _background(x, y, generator)
    slope = torch.rand(2, generator=generator) * 0.6 - 0.3
    light = 1 + slope[0] * x + slope[1] * y
    noise = torch.randn(height, width, 3, generator=generator) * uniform(_NOISE, generator)
    return (255 * picture * light[..., None] + noise).round().clamp(0, 255).to(torch.uint8).numpy()


def _placed(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, float]:
    """Coordinates of an object that is moved, turned and scaled; its radius."""
    scale, angle = uniform((0.6, 0.95), generator), uniform((-0.6, 0.6), generator)
    moved_x, moved_y = x - uniform((-0.25, 0.25), generator), y - uniform((-0.25, 0.25), generator)
    cos, sin = math.cos(angle), math.sin(angle)
    return (cos * moved_x + sin * moved_y) / scale, (cos * moved_y - sin * moved_x) / scale, scale


def _colours(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two colours, (3,) in [0, 1], far enough apart to see a pattern in them."""
    first = torch.rand(3, generator=generator)
    farthest = (first < 0.5).float()
    second = torch.rand(3, generator=generator)
    distance = float((second - first).norm())
    if distance < _LEAST_CONTRAST:
        second = second + (farthest - second) * uniform((0.6, 1.0), generator)
    return first, second


def _background(x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
    """A gradient of two colours with a few soft blobs, (H, W, 3)."""
    colours = torch.rand(2 + _BLOBS, 3, generator=generator)
    angle = uniform((0.0, 2 * math.pi), generator)
    share = ((math.cos(angle) * x + math.sin(angle) * y) / 2 + 0.5).clamp(0, 1)[..., None]
    found = share * colours[0] + (1 - share) * colours[1]
    for colour in colours[2:]:
        centre = 2 * torch.rand(2, generator=generator) - 1
        near = torch.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / uniform((0.02, 0.3), generator))[..., None]
        found = near * colour + (1 - near) * found
    return found
