"""A point-cloud encoder as named on the command line: a run, a weights file, or something untrained to compare with."""

import re
from pathlib import Path

from randquant.errors import UsageError
from randquant.pointcloud.encoders import occupancy
from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.foreign import foreign_encoder
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import LoadedPointEncoder, load_encoder, untrained_encoder
from randquant.weights.foreign.user_function import PREFIX
from randquant.weights.named_encoder import open_named
from randquant.weights.weight_file import network_hash

_ENDING = re.compile(r"(.+):(k|part)=([1-9]\d{0,3})")


def named_encoder(name: str, *, seed: int, channels: int = 3) -> LoadedPointEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, `untrained:ENCODER:D` such as `untrained:PointNetLite:256`,
            `python:MODULE:FUNCTION`, which runs the user's own code, or `occupancy:CELLS`, a grid of occupied cells.
            Behind a DGCNN's, `:k=15` sets its number of neighbours, which published files do not hold. `:part=128`
            embeds clouds as the mean over parts of so many points (`PointEncoder.set_part`).
        seed: of an untrained encoder's initialisation, and of what a user's function draws.
        channels: of an untrained encoder, 3 or 6.

    Raises:
        DataError: the file is not weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a size it can have, or `occupancy:` by a number,
            or `:k=` follows another encoder than a DGCNN.
    """
    if name.startswith(occupancy.PREFIX):
        return occupancy.occupancy(name)
    named, own = split_ending(name)
    loaded = open_named(
        named,
        load=load_encoder,
        make=lambda encoder, d: untrained_encoder(encoder, d, seed, channels),
        foreign=lambda python: foreign_encoder(python, seed),
        encoders=ENCODERS,
        example="PointNetLite:256",
    )
    if not own:
        return loaded
    if "part" in own:
        loaded.encoder.set_part(own["part"])
        loaded.report += f"; in parts of {own['part']} points, as asked for"
    if "k" in own:
        if not isinstance(loaded.encoder, DGCNN):
            raise UsageError(
                f"--checkpoint {name}: {type(loaded.encoder).__name__} is made for its own neighbours; leave out "
                f":k={own['k']}, which is for a DGCNN."
            )
        loaded.encoder.set_neighbours(own["k"])
        loaded.report += f"; with {own['k']} neighbours, as asked for"
    loaded.sha256 = network_hash(loaded.encoder)
    return loaded


def split_ending(name: str) -> tuple[str, dict[str, int]]:
    """A name without `:k=` and `:part=`, and the numbers behind them.

    >>> split_ending("dgcnn_cls_best.pth:k=15")
    ('dgcnn_cls_best.pth', {'k': 15})
    """
    own: dict[str, int] = {}
    while not name.startswith(PREFIX) and not Path(name).exists() and (matched := _ENDING.fullmatch(name)):
        name, own = matched[1], {matched[2]: int(matched[3]), **own}
    return name, own
