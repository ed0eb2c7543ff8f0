"""Eval mode is that of every thread that computes with a network."""

from torch import nn

from randquant.inference import evaluating


def test_the_mode_comes_back_after_the_last_who_evaluates() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train()
    network[0].eval()
    first, second = evaluating(network), evaluating(network)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not any(part.training for part in network.modules())
    second.__exit__(None, None, None)
    assert [part.training for part in network.modules()] == [True, False, True]
