"""Encoders of pictures as functions that are exported: pixels (B, H, W, 3) in, their vector out."""

import torch
from torch import Tensor, nn

import randquant
from randquant.export.exportable import Exportable
from randquant.files.json_record import Json
from randquant.images.encoders.weights import LoadedImageEncoder
from randquant.images.normalise import ColourStatistics, Normalise, as_encoded


class ExportedPictures(nn.Module):
    """Pixels (B, H, W, 3) uint8 -> vectors (B, D); resizing stays outside.

    Args:
        loaded: the network.
        colours: by which pictures are normalised.
    """

    def __init__(self, loaded: LoadedImageEncoder, colours: ColourStatistics) -> None:
        super().__init__()
        self.normalise, self.encoder = Normalise(colours), loaded.encoder

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pictures of the encoder's size."""
        # Colours first in memory: the strides of others would be those of at least two pictures in a graph.
        x = pixels.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format).float() / 255.0
        return self.encoder(self.normalise(x)).float()


def exportable(loaded: LoadedImageEncoder, colours: ColourStatistics) -> Exportable:
    """A loaded encoder as a function that can be exported."""
    encoder, normalise, side = loaded.encoder.eval(), Normalise(colours), loaded.encoder.size
    return Exportable(
        ExportedPictures(loaded, colours).eval(),
        lambda pixels: encoder(as_encoded(pixels, normalise, "cpu")),
        "pixels",
        lambda batch, _: gradients(batch, side),
        None,
        _about(loaded, colours),
    )


def gradients(batch: int, side: int) -> Tensor:
    """Pictures (batch, side, side, 3) uint8 to try a function with: slopes of colour under noise."""
    generator = torch.Generator().manual_seed(batch)
    slope = torch.linspace(0, 1, side)
    weights = torch.rand(batch, 2, 1, 1, 3, generator=generator)
    slopes = weights[:, 0] * slope[:, None, None] + weights[:, 1] * slope[None, :, None]
    noise = 0.2 * torch.rand(batch, side, side, 3, generator=generator)
    return ((0.4 * slopes + noise) * 255).to(torch.uint8)


def _about(loaded: LoadedImageEncoder, colours: ColourStatistics) -> dict[str, Json]:
    side, dimension = loaded.encoder.size, loaded.encoder.embedding_size()
    return {
        "modality": "images",
        "input": f"pixels (batch, {side}, {side}, 3) uint8, RGB; scale the middle square of a picture to this size",
        "output": f"vector (batch, {dimension}) float32",
        "encoder": type(loaded.encoder).__name__,
        "layer": "output",
        "dimension": dimension,
        "size": side,
        "mean": list(colours.mean),
        "std": list(colours.std),
        "sha256": loaded.sha256,
        "randquant": randquant.__version__,
    }
