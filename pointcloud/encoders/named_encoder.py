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

_NEIGHBOURS = re.compile(r"(.+):k=([1-9]\d{0,3})")


def named_encoder(name: str, *, seed: int, channels: int = 3) -> LoadedPointEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, `untrained:ENCODER:D` such as `untrained:PointNetLite:256`,
            `python:MODULE:FUNCTION`, which runs the user's own code, or `occupancy:CELLS`, a grid of occupied cells.
            Behind a DGCNN's, `:k=15` sets its number of neighbours, which published files do not hold.
        seed: of an untrained encoder's initialisation, and of what a user's function draws.
        channels: of an untrained encoder, 3 or 6.

    Raises:
        DataError: the file is not weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a size it can have, or `occupancy:` by a number,
            or `:k=` follows another encoder than a DGCNN.
    """
    if name.startswith(occupancy.PREFIX):
        return occupancy.occupancy(name)
    named, k = split_neighbours(name)
    loaded = open_named(
        named,
        load=load_encoder,
        make=lambda encoder, d: untrained_encoder(encoder, d, seed, channels),
        foreign=lambda python: foreign_encoder(python, seed),
        encoders=ENCODERS,
        example="PointNetLite:256",
    )
    if k is None:
        return loaded
    if not isinstance(loaded.encoder, DGCNN):
        raise UsageError(
            f"--checkpoint {name}: {type(loaded.encoder).__name__} is made for its own neighbours; leave out :k={k}, "
            "which is for a DGCNN."
        )
    loaded.encoder.set_neighbours(k)
    loaded.sha256 = network_hash(loaded.encoder)
    loaded.report += f"; with {k} neighbours, as asked for"
    return loaded


def split_neighbours(name: str) -> tuple[str, int | None]:
    """A name without `:k=`, and the number behind it.

    >>> split_neighbours("dgcnn_cls_best.pth:k=15")
    ('dgcnn_cls_best.pth', 15)
    """
    matched = None if name.startswith(PREFIX) or Path(name).exists() else _NEIGHBOURS.fullmatch(name)
    return (matched[1], int(matched[2])) if matched else (name, None)
