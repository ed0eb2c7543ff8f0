"""Numbers drawn by compiled code against PyTorch's."""

import threading

import pytest
import torch

from randquant.kernels.uniform import uniform

pytest.importorskip("numba")


@pytest.mark.parametrize("size", [(0,), (3,), (4096,), (4097, 5), (64, 64, 15), (100_000,)])
@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 10_000])
def test_equals_torch(size: tuple[int, ...], drawn: int) -> None:
    ours, theirs = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
    torch.rand(drawn, generator=ours)
    torch.rand(drawn, generator=theirs)
    for _ in range(2):
        assert torch.equal(uniform(size, ours), torch.rand(size, generator=theirs))
        assert torch.equal(ours.get_state(), theirs.get_state())
    assert torch.equal(torch.randn(5, generator=ours), torch.randn(5, generator=theirs))


def test_draws_from_the_default_generator() -> None:
    torch.manual_seed(1)
    drawn = uniform((5000,), None), torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(drawn[0], torch.rand(5000))
    assert torch.equal(drawn[1], torch.rand(3))


def test_keeps_a_pending_normal_number() -> None:
    ours, theirs = torch.Generator().manual_seed(2), torch.Generator().manual_seed(2)
    for generator in (ours, theirs):
        torch.randn(1, generator=generator)
    uniform((5000,), ours)
    torch.rand(5000, generator=theirs)
    assert torch.equal(torch.randn(3, generator=ours), torch.randn(3, generator=theirs))


def test_threads_do_not_share_numbers() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn: list[torch.Tensor] = []

    def draw() -> None:
        drawn.extend(uniform((2**14,), generator) for _ in range(20))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(numbers[:8].tolist()) for numbers in drawn}) == len(drawn)
