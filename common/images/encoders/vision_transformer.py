"""Vision transformers as MoCo v3 trains them; blocks by timm, whose parameter names the published files have too.

Source: Chen, Xie and He, "An empirical study of training self-supervised vision transformers", ICCV 2021: fixed
sine-cosine positions in two dimensions, a patch projection that stays as it was initialised, and twelve heads.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from randquant.extras import needs
from randquant.images.encoders.image_encoder import ImageEncoder

PATCH = 16  # pixels


class VisionTransformer(ImageEncoder):
    """Patches of 16x16 pixels, twelve blocks; the embedding is the class token behind the last layer norm.

    Args:
        width: factor of the number of heads, whose size stays; D grows with it.
        size: side of the pictures, a multiple of 16.
        heads: number of attention heads; by default MoCo v3's twelve times the width.
    """

    usual_size: ClassVar[int] = 224
    any_size: ClassVar[bool] = False
    dimension: ClassVar[int]  # D at width 1
    usual_heads: ClassVar[int] = 12
    patch_embed: Any
    blocks: nn.Sequential
    norm: nn.Module
    pos_embed: Tensor

    def __init__(self, width: float = 1.0, size: int | None = None, heads: int | None = None) -> None:
        super().__init__(width, size)
        if self.size < PATCH or self.size % PATCH:
            raise ValueError(f"{self.name} takes pictures of a multiple of {PATCH} pixels, got {self.size}.")
        with needs("images"):
            from timm import create_model

        scale = max(1, round(self.usual_heads * width))
        self._embedding_size, self.heads = self.dimension // self.usual_heads * scale, heads or scale
        network: Any = create_model(
            self.name, img_size=self.size, embed_dim=self._embedding_size, num_heads=self.heads, num_classes=0
        )
        self.patch_embed, self.blocks, self.norm = network.patch_embed, network.blocks, network.norm
        self.cls_token = nn.Parameter(torch.empty(1, 1, self._embedding_size))
        self.register_buffer("pos_embed", sine_positions(self.size // PATCH, self._embedding_size))
        self._initialise()

    @property
    def arguments(self) -> dict[str, Any]:
        """As in `ImageEncoder`."""
        return {**super().arguments, "heads": self.heads}

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """As in `ImageEncoder`; all are of tokens (B, T, D), patches in rows, the class token first behind `embed`."""
        blocks = {f"block{number}": block for number, block in enumerate(self.blocks, 1)}
        return {"embed": self.patch_embed, **blocks}

    def embedding_size(self) -> int:
        """384 or 768 at width 1."""
        return self._embedding_size

    def refuses(self, size: int) -> str | None:
        """As in `ImageEncoder`."""
        return None if size == self.size else f"this {self.name} takes pictures of {self.size} pixels, got {size}."

    def forward(self, x: Tensor) -> Tensor:
        """As in `ImageEncoder`; pictures have the side `size`."""
        self.check(x)
        tokens = self.patch_embed(x)  # whose len would be fixed in a graph for batches of any size, unlike its shape
        tokens = torch.cat([self.cls_token.expand(tokens.shape[0], -1, -1), tokens], dim=1) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens)
        embedding = self.norm(tokens)[:, 0]
        return embedding.to(torch.promote_types(embedding.dtype, torch.float32))

    @torch.no_grad()
    def _initialise(self) -> None:
        """MoCo v3's initial weights: Xavier's uniform ones, query, key and value each by themselves."""
        for name, layer in self.blocks.named_modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight, math.sqrt(2) if name.endswith("qkv") else 1.0)
                nn.init.zeros_(layer.bias)
        projection = self.patch_embed.proj
        nn.init.xavier_uniform_(projection.weight.view(len(projection.weight), -1))
        nn.init.zeros_(projection.bias)
        nn.init.normal_(self.cls_token, std=1e-6)
        projection.requires_grad_(False)


class ViTSmall(VisionTransformer):
    """21.6 million parameters, D = 384."""

    name: ClassVar[str] = "vit_small_patch16_224"
    dimension: ClassVar[int] = 384


class ViTBase(VisionTransformer):
    """85.7 million parameters, D = 768."""

    name: ClassVar[str] = "vit_base_patch16_224"
    dimension: ClassVar[int] = 768


def sine_positions(side: int, dimension: int, temperature: float = 10_000.0) -> Tensor:
    """Fixed positions of side x side patches in rows and, before them, zeros for the class token.

    Returns:
        (1, 1 + side^2, dimension): a quarter each of sines and cosines of the row, sines and cosines of the column.

    Raises:
        ValueError: the dimension is no multiple of 4.
    """
    if dimension % 4:
        raise ValueError(f"positions need a dimension that is a multiple of 4, got {dimension}.")
    frequencies = temperature ** -(torch.arange(dimension // 4) / (dimension // 4))
    places = torch.arange(side * side)
    row, column = (place[:, None] * frequencies for place in (places // side, places % side))
    table = torch.cat([row.sin(), row.cos(), column.sin(), column.cos()], dim=1)
    return torch.cat([torch.zeros(1, dimension), table])[None]
