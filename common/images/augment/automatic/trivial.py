"""TrivialAugment: one operation of any strength."""

from randquant.images.augment.automatic.operation import KINDS, Operation
from randquant.images.augment.automatic.randaugment import CHOICES
from randquant.images.augment.automatic.warp import shifted_x, shifted_y
from randquant.policies.one_of import OneOf

LEVELS = 31
# The wide space of the paper; shifts are in pixels.
WIDE = {
    "shear_x": KINDS["shear_x"]._replace(strongest=0.99),
    "shear_y": KINDS["shear_y"]._replace(strongest=0.99),
    "shift_x": KINDS["shift_x"]._replace(change=shifted_x, strongest=32.0),
    "shift_y": KINDS["shift_y"]._replace(change=shifted_y, strongest=32.0),
    "rotate": KINDS["rotate"]._replace(strongest=135.0),
    **{name: KINDS[name]._replace(strongest=0.99) for name in ("brightness", "saturation", "contrast", "sharpness")},
    "posterize": KINDS["posterize"]._replace(strongest=2.0),
}


class TrivialAugment(OneOf):
    """Apply to each picture one operation out of fourteen, at one of 31 strengths; nothing to choose.

    Source: Müller and Hutter, "TrivialAugment", ICCV 2021, wide space; ranges as in torchvision.
    """

    def __init__(self) -> None:
        super().__init__(*(Operation({**KINDS, **WIDE}[name], levels=LEVELS) for name in CHOICES))
