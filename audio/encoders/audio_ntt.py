"""The convolutional encoders of BYOL-A: normalised log-mel (B, 1, F, T) -> embedding (B, D).

Source: Niizumi et al., BYOL-A (IJCNN 2021): AudioNTT2020, after Koizumi et al. (DCASE 2020); BYOL-A v2 (TASLP 2023):
AudioNTT2022. Reimplemented from the papers; parameter names and shapes are those of the published weights.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.conv_blocks import CHANNELS, PARTS, ConvBlocks, through
from randquant.audio.encoders.layer import Layer
from randquant.batch_floor import at_least

_SMALL = 20_480  # numbers up to which PyTorch takes other kernels for a batch of one


class AudioNTT(AudioEncoder):
    """The common part of both encoders: convolution blocks, an MLP on every frame, and maximum + mean over frames.

    A block is convolution 3x3, batch norm, ReLU, maximum over 2x2; after `blocks` of them a frame is the vector of
    (F / 2^blocks) bands by 64 channels, bands first.

    Any number of frames will do. Fewer than 2^blocks frames (clips under 80 or 40 ms) would leave none behind the
    blocks, so zeros, the mean of normalised input, are added at the tail; a last incomplete group of 2^blocks frames
    is dropped, as published.
    """

    def __init__(self, n_mels: int, blocks: int, hidden: int, last: int) -> None:
        super().__init__()
        shrink = 2**blocks
        for name, value in (("d", last), ("hidden", hidden)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{type(self).__name__} needs positive whole sizes, got {name}={value!r}.")
        if isinstance(n_mels, bool) or not isinstance(n_mels, int) or n_mels < shrink or n_mels % shrink:
            raise ValueError(f"n_mels should be a positive multiple of {shrink}, got {n_mels!r}.")
        self.n_mels, self.frame_step = n_mels, shrink
        self.frame_reach = shrink - 1  # 1 of the first block, 2 of the second, 4 of the third
        self.conv_size = n_mels // shrink * CHANNELS
        self.features = ConvBlocks.of(blocks)
        self.fc = nn.Sequential(
            nn.Linear(self.conv_size, hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, last), nn.ReLU()
        )

    @property
    def stages(self) -> dict[str, nn.Module]:
        """block1, ...: feature maps (B, 64, bands, frames); mlp: its output for each frame, (B, frames, D)."""
        ends = list(self.features)[PARTS - 1 :: PARTS]
        return {f"block{number}": end for number, end in enumerate(ends, 1)} | {"mlp": self.fc}

    def forward(self, x: Tensor, layer: Layer = "output", lengths: Tensor | None = None) -> Tensor:
        """As in `AudioEncoder`; each layer is pooled over frames by maximum + mean, in float32."""
        frames = self.frames(x, layer, lengths)
        wide = frames.to(torch.promote_types(frames.dtype, torch.float32))
        if lengths is None:
            return wide.amax(dim=1) + wide.mean(dim=1)
        counts = (lengths // self.frame_step).clamp(min=1).to(wide.device)
        highest = wide.masked_fill(_behind(counts, wide.shape[1])[:, :, None], -torch.inf).amax(dim=1)
        return highest + wide.sum(dim=1) / counts[:, None]

    def frames(self, x: Tensor, layer: Layer = "output", lengths: Tensor | None = None) -> Tensor:
        """As in `AudioEncoder`, (B, max(1, T // 2^blocks), D)."""
        self.check(x, lengths)
        if layer not in ("output", "conv", "conv+output"):
            raise ValueError(f'layer should be "output", "conv" or "conv+output", got {layer!r}.')
        exporting = torch.compiler.is_exporting()  # to a graph for batches of any size
        if not self.training and not exporting and len(x) == 1 and x.numel() <= _SMALL:
            # Two of it, so that the kernels, and the rounding (1.3e-6 apart), are those of any other batch.
            return self.frames(at_least(2, x), layer, None if lengths is None else at_least(2, lengths))[:1]
        if lengths is not None:
            lengths = lengths.to(x.device)
            x = x.masked_fill(_behind(lengths, x.shape[3])[:, None, None], 0.0)
        if x.shape[3] < self.frame_step:
            x = nn.functional.pad(x, (0, self.frame_step - x.shape[3]))
        if lengths is None:
            conv = self.features(x).permute(0, 3, 2, 1).flatten(2)
            return conv if layer == "conv" else self._head(conv, layer)
        conv = self._masked_features(x, lengths).permute(0, 3, 2, 1).flatten(2)
        frames = conv if layer == "conv" else self._head(conv, layer)
        counts = (lengths // self.frame_step).clamp(min=1)
        return frames.masked_fill(_behind(counts, frames.shape[1])[:, :, None], 0.0)

    def _masked_features(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The blocks, each of which reads zeros behind a clip's own frames, as the convolution's padding has them."""
        lengths = lengths.clamp(min=self.frame_step)  # shorter clips have zeros at the tail
        for block in self.features.blocks():
            x = through(block, x)
            lengths = lengths // 2
            x = x.masked_fill(_behind(lengths, x.shape[3])[:, None, None], 0.0)
        return x

    def _head(self, conv: Tensor, layer: Layer) -> Tensor:
        """The MLP on every frame, with the convolution features concatenated if the layer has them."""
        raise NotImplementedError


class AudioNTT2020(AudioNTT):
    """Three blocks, then 512 -> d -> d on every frame (at 64 bands). 600,192 parameters at d=512, 5,321,856 at 2048.

    Args:
        n_mels: mel bands F, a multiple of 8.
        d: size of the embedding.
    """

    def __init__(self, n_mels: int = 64, d: int = 2048) -> None:
        super().__init__(n_mels, blocks=3, hidden=d, last=d)
        self.d = d

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"n_mels": self.n_mels, "d": self.d}

    def embedding_size(self, layer: Layer = "output") -> int:
        """d, the size of the convolution features (512 at 64 bands), or their sum."""
        return {"output": self.d, "conv": self.conv_size, "conv+output": self.conv_size + self.d}[layer]

    def _head(self, conv: Tensor, layer: Layer) -> Tensor:
        output = self.fc(conv)
        return torch.cat([conv, output], dim=-1) if layer == "conv+output" else output


class AudioNTT2022(AudioNTT):
    """Two blocks, then an MLP whose output is concatenated to the convolution features: d = 1024 + 2048 at 64 bands.

    The output already starts with the convolution features, so "conv+output" is "output".

    Args:
        n_mels: mel bands F, a multiple of 4.
        d: size of the embedding, more than the n_mels * 16 of the convolution features.
        hidden: width of the MLP's hidden layer.
    """

    def __init__(self, n_mels: int = 64, d: int = 3072, hidden: int = 2048) -> None:
        conv_size = n_mels // 4 * CHANNELS
        if d <= conv_size:
            raise ValueError(f"d should exceed the {conv_size} convolution features it contains, got d={d!r}.")
        super().__init__(n_mels, blocks=2, hidden=hidden, last=d - conv_size)
        self.d, self.hidden = d, hidden

    @classmethod
    def of_width(cls, d: int, n_mels: int = 64) -> Self:
        """With d units in the MLP, concatenated to the 16 n_mels convolution features."""
        AudioNTT2020(n_mels, d)  # draws first: a seed's initial weights, and with them published numbers, depend on it
        return cls(n_mels, d=d + n_mels // 4 * CHANNELS, hidden=d)

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"n_mels": self.n_mels, "d": self.d, "hidden": self.hidden}

    def embedding_size(self, layer: Layer = "output") -> int:
        """d, or the size of the convolution features (1024 at 64 bands)."""
        return {"output": self.d, "conv": self.conv_size, "conv+output": self.d}[layer]

    def _head(self, conv: Tensor, layer: Layer) -> Tensor:
        return torch.cat([conv, self.fc(conv)], dim=-1)


def _behind(lengths: Tensor, frames: int) -> Tensor:
    """(B, frames) bool: what is no frame of the clip's own."""
    return torch.arange(frames, device=lengths.device) >= lengths[:, None]
