"""The heads of the papers, layer by layer."""

import pytest
from torch import nn

from randquant.ssl.choices import Head
from randquant.ssl.heads import predictor, projector

LINEAR, PLAIN, NORM, FREE = "linear", "linear without bias", "norm", "norm without weights"
OF_PROJECTOR: dict[Head, list[str]] = {
    "byol": [LINEAR, NORM, "ReLU", LINEAR],
    "linear": [LINEAR],
    "mocov2": [LINEAR, "ReLU", LINEAR],
    "mocov3": [PLAIN, NORM, "ReLU", PLAIN, FREE],
    "mocov3_vit": [PLAIN, NORM, "ReLU", PLAIN, NORM, "ReLU", PLAIN, FREE],
}
OF_PREDICTOR: dict[Head, list[str]] = {
    "mocov3": [PLAIN, NORM, "ReLU", PLAIN],
    "mocov3_vit": [PLAIN, NORM, "ReLU", PLAIN, FREE],
}


def layers(head: nn.Sequential) -> list[str]:
    """In words."""
    found = []
    for layer in head:
        if isinstance(layer, nn.Linear):
            found.append(LINEAR if layer.bias is not None else PLAIN)
        elif isinstance(layer, nn.BatchNorm1d):
            found.append(NORM if layer.affine else FREE)
        else:
            found.append(type(layer).__name__)
    return found


@pytest.mark.parametrize("head", list(OF_PROJECTOR))
def test_heads(head: Head) -> None:
    made = projector(6, 8, 4, head)
    assert layers(made) == OF_PROJECTOR[head]
    linear = [layer for layer in made if isinstance(layer, nn.Linear)]
    assert (linear[0].in_features, linear[-1].out_features) == (6, 4)
    made = predictor(4, 8, head)
    assert layers(made) == OF_PREDICTOR.get(head, OF_PROJECTOR["byol"])
    linear = [layer for layer in made if isinstance(layer, nn.Linear)]
    assert (linear[0].in_features, linear[-1].out_features) == (4, 4)
