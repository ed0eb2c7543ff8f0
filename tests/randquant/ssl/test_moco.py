"""MoCo and its queue against slow forms written by hand."""

import pytest
import torch
from torch import nn

from randquant.ssl.infonce import info_nce
from randquant.ssl.moco import MoCo


def test_moco_tells_its_key_from_the_queue_alone() -> None:
    method = MoCo(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.3, queue_size=5).eval()
    views = [torch.randn(2, 6) for _ in range(2)]
    queue = method.queue.clone()
    loss, _ = method(views)
    q = [method.online(view) for view in views]
    k = [method.teacher(view) for view in views]
    slow = [
        info_nce(q[i][row : row + 1], torch.cat([k[1 - i][row : row + 1], queue]), temperature=0.3)
        for i in range(2)
        for row in range(2)
    ]
    torch.testing.assert_close(loss, torch.stack(slow).mean())
    loss.backward()


def test_mocos_queue_holds_the_last_keys_first_in_first_out() -> None:
    method = MoCo(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, queue_size=5).eval()
    seen = []
    for _ in range(4):
        views = [torch.randn(1, 6) for _ in range(2)]
        method(views)
        seen += [nn.functional.normalize(method.teacher(view), dim=-1)[0] for view in views]
    assert int(method.oldest) == 8 % 5
    torch.testing.assert_close(method.queue.roll(-int(method.oldest), 0), torch.stack(seen[-5:]))
    method([torch.randn(4, 6) for _ in range(2)])  # more keys than places
    assert bool((method.queue.norm(dim=-1) - 1 < 1e-5).all())
    with pytest.raises(ValueError, match="queue_size"):
        MoCo(nn.Identity(), 3, queue_size=0)
