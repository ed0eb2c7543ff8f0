"""Repeatable sums: on for a GPU while it trains, and the process is left as it was."""

import torch

from randquant.training.processes.repeatable import repeatable


def test_a_gpu_is_asked_for_one_order_of_sums() -> None:
    with repeatable(torch.device("cuda")):  # no GPU is needed to ask
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        with repeatable(torch.device("cpu")):
            assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]


def test_a_cpu_is_left_alone() -> None:
    with repeatable(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
