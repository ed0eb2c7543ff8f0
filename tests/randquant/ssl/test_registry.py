"""What every method of the registry does."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from randquant.ssl.method import Method
from randquant.ssl.registry import METHODS, make_method
from randquant.ssl.toy import learn
from randquant.training.settings import Training
from randquant.views import together


class Sum(nn.Module):
    """An encoder of two arguments, one of them optional."""

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        return first if second is None else first + second


@pytest.mark.parametrize("method_class", METHODS.values())
def test_a_view_of_several_tensors_is_the_encoders_arguments(method_class: Callable[..., Method]) -> None:
    torch.manual_seed(0)
    method = method_class(Sum(), 6, hidden_size=8, projection_size=4)
    a, b = torch.randn(2, 2, 7, 6)
    state = {name: value.clone() for name, value in method.state_dict().items()}
    losses = []
    for views in ([a[0] + a[1], b[0] + b[1]], [(a[0], a[1]), (b[0], b[1])], [(a[0] + a[1], None), (b[0] + b[1], None)]):
        method.load_state_dict(state)
        losses.append(method(views)[0].item())
    assert losses[1:] == pytest.approx(losses[:1] * 2, rel=1e-5)
    with pytest.raises(ValueError, match="one shape"):
        together([(a[0], a[1]), (b[0], None)])


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_made_from_the_settings_and_keeps_its_encoder(name: str) -> None:
    encoder = nn.Linear(6, 5)
    method = make_method(Training(Path("run"), name, hidden_size=8, projection_size=4, queue_size=3), encoder, 5)
    assert type(method) is METHODS[name]
    assert method.encoder is encoder
    assert method([torch.randn(7, 6) for _ in range(2)])[1].shape == (14, 4)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_the_toy_sounds(name: str) -> None:
    before, after = learn(METHODS[name])
    assert after > before + 0.05
