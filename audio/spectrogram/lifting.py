"""Initialisation from data: every unit before a ReLU starts alive."""

import torch
from torch import Tensor, nn

from randquant.audio.encoders.audio_encoder import AudioEncoder


@torch.no_grad()
def lift_activations(encoder: AudioEncoder, x: Tensor, margin: float) -> None:
    """Set the biases so that every unit before a ReLU starts `margin` deviations above zero on x (B, 1, F, T).

    Batch norms need no data for that. The linear layers do: their inputs are all positive, so by the signs of its
    weights alone a unit is always on or always off, and one that is off learns nothing. Biases are found layer by
    layer in one pass (Krähenbühl et al., "Data-dependent initializations", ICLR 2016).
    """

    def lift(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        units = output.flatten(0, -2)
        change = margin * units.std(dim=0) - units.mean(dim=0)
        layer.bias.add_(change)  # type: ignore[operator]
        return output + change

    norms = [part for part in encoder.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.constant_(norm.bias, margin)
    hooks = [part.register_forward_hook(lift) for part in encoder.modules() if isinstance(part, nn.Linear)]
    encoder.train()(x)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        norm.reset_running_stats()
