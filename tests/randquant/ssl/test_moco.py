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


def test_the_published_loss_has_one_query_and_one_key() -> None:
    method = MoCo(
        nn.Linear(6, 5), 5, projection_size=4, temperature=0.3, queue_size=5, head="linear", symmetric_loss=False
    )
    views, queue = [torch.randn(2, 6) for _ in range(2)], method.queue.clone()
    loss, projections = method(views)
    q, k = method.online(views[0]), method.teacher(views[1])
    slow = [info_nce(q[row : row + 1], torch.cat([k[row : row + 1], queue]), temperature=0.3) for row in range(2)]
    torch.testing.assert_close(loss, torch.stack(slow).mean())
    assert projections.shape == (2, 4)
    torch.testing.assert_close(method.queue[:2], nn.functional.normalize(k, dim=-1))
    assert int(method.oldest) == 2


def test_batch_norm_in_parts_sees_the_keys_shuffled() -> None:
    method = MoCo(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, queue_size=8, bn_splits=2)
    encoder, head = method.teacher.network.children()
    hidden, _, *rest = head.children()
    views = [torch.randn(4, 6) for _ in range(2)]
    torch.manual_seed(3)
    order = torch.randperm(8)
    shuffled = torch.cat(views)[order]
    expected = torch.empty(8, 4)
    for part in range(2):
        x = hidden(encoder(shuffled[part::2]))
        scaled = (x - x.mean(dim=0)) / (x.var(dim=0, unbiased=False) + 1e-5).sqrt()
        expected[order[part::2]] = nn.Sequential(*rest)(scaled)
    torch.manual_seed(3)
    method(views)
    torch.testing.assert_close(method.queue, nn.functional.normalize(expected, dim=-1))
