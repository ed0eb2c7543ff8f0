"""From clouds as a store holds them to what an encoder reads, and to embeddings."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from randquant.inference import in_precision
from randquant.packed import PackedBatch
from randquant.pointcloud.encoders.weights import LoadedPointEncoder
from randquant.pointcloud.points.axes import Axis, turn_up
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.geometry import unit_sphere, unit_spheres
from randquant.pointcloud.points.layout import Layout


class CloudInputs:
    """From stored clouds to what an encoder reads.

    Args:
        read: the columns the encoder reads.
        stored: the columns there are.
        up: the axis that points up for the encoder; z does in stored clouds.
        device: where to compute.
        renormalise: bring the coordinates to the unit sphere.
    """

    def __init__(
        self, read: Layout, stored: Layout, up: Axis, device: str | torch.device, *, renormalise: bool = True
    ) -> None:
        self.up, self.device, self.renormalise = up, device, renormalise
        self.columns = [stored.index(name) for name in read.channels]
        self.triples = [triple for triple in (read.xyz, read.normals) if triple is not None]  # what turns with a shape

    def inputs(self, clouds: Tensor) -> Tensor:
        """What the encoder reads (B, n, channels), on the device, of stored clouds (B, n, C) with the up axis z."""
        x = clouds[..., self.columns].to(self.device, non_blocking=True)
        if self.renormalise:
            x[..., :3] = unit_sphere(x[..., :3])
        return self._turned(x)

    def packed_inputs(self, clouds: Sequence[Tensor]) -> PackedBatch:
        """The same of clouds of any size, each (n, C)."""
        stored = PackedBatch.of([cloud[:, self.columns] for cloud in clouds]).to(self.device)
        x = stored.rows
        if self.renormalise:
            x[:, :3] = unit_spheres(stored.with_rows(x[:, :3]))
        return stored.with_rows(self._turned(x))

    def embedded(
        self, encode: Callable[[Tensor | PackedBatch], Tensor], clouds: Sequence[Tensor], *, points: Points
    ) -> Tensor:
        """Embeddings (B, D) of stored clouds (n, C): those of `points` as one tensor, all others packed.

        Which of the two depends on the cloud alone, so that its embedding does too: they round differently, and with
        DGCNN that decides who is whose neighbour.
        """
        places = [place for place, cloud in enumerate(clouds) if len(cloud) == points]
        others = [place for place, cloud in enumerate(clouds) if len(cloud) != points]
        found = [encode(self.inputs(torch.stack([clouds[place] for place in places])))] if places else []
        if others:
            found.append(encode(self.packed_inputs([clouds[place] for place in others])))
        return torch.cat(found)[torch.tensor([*places, *others]).argsort()]

    def _turned(self, x: Tensor) -> Tensor:
        for triple in self.triples:
            x[..., triple] = turn_up(x[..., triple], "z", self.up)
        return x


class Preparation(CloudInputs):
    """From stored clouds of this layout to embeddings; the encoder is moved to `device` and put in eval mode.

    With `renormalise` the coordinates are brought to the unit sphere.
    """

    def __init__(
        self, loaded: LoadedPointEncoder, layout: Layout, device: str | torch.device, *, renormalise: bool = True
    ) -> None:
        self.network = in_precision(loaded.encoder.to(device).float().eval(), loaded.precision, device)
        super().__init__(loaded.layout, layout, loaded.up, device, renormalise=renormalise)

    def __call__(self, clouds: Tensor) -> Tensor:
        """Embeddings (B, D) of stored clouds (B, n, C)."""
        return self.network(self.inputs(clouds))

    def embed(self, clouds: Sequence[Tensor], *, points: Points) -> Tensor:
        """As `embedded`, by this encoder."""
        return self.embedded(self.network, clouds, points=points)


def batch_points(device: str | torch.device) -> int:
    """Points a batch: enough to fill the device, little enough for its memory."""
    # DGCNN takes the most memory: 64 clouds of 1,024 points take 4 GB with 20 neighbours.
    return 2**15 if torch.device(device).type == "cpu" else 2**16
