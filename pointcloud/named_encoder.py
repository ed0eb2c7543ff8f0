"""A point-cloud encoder as named on the command line: a run, a weights file, or something untrained to compare with."""

from pointcloud import occupancy
from pointcloud.encoder import ENCODERS
from pointcloud.weights import LoadedPointEncoder, load_encoder, untrained_encoder
from randquant.named_encoder import open_named


def named_encoder(name: str, *, seed: int, channels: int = 3) -> LoadedPointEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, `untrained:ENCODER:D` such as `untrained:PointNetLite:256`, or
            `occupancy:CELLS`, a grid of occupied cells.
        seed: of an untrained encoder's initialisation.
        channels: of an untrained encoder, 3 or 6.

    Raises:
        DataError: the file is no weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a size it can have, or `occupancy:` by a number.
    """
    if name.startswith(occupancy.PREFIX):
        return occupancy.occupancy(name)
    return open_named(
        name,
        load=load_encoder,
        make=lambda encoder, d: untrained_encoder(encoder, d, seed, channels),
        encoders=ENCODERS,
        example="PointNetLite:256",
    )
