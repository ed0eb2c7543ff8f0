"""MoCo v3 against the slow form of its loss."""

import torch
from torch import nn

from randquant.ssl.infonce import info_nce
from randquant.ssl.mocov3 import MoCoV3


def test_moco_v3_is_the_scaled_sum_over_ordered_pairs_of_teacher_keys() -> None:
    method = MoCoV3(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.3).eval()
    views = [torch.randn(7, 6) for _ in range(2)]
    loss, _ = method(views)
    q = [method.predictor(method.online(view)) for view in views]
    k = [method.teacher(view) for view in views]
    pairs = [info_nce(q[i], k[1 - i], temperature=0.3) for i in range(2)]
    torch.testing.assert_close(loss, 2 * 0.3 * (pairs[0] + pairs[1]))
    loss.backward()
    assert all(parameter.grad is None for parameter in method.teacher.parameters())
