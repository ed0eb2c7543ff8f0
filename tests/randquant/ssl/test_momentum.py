"""The teacher and its schedule."""

import pytest
import torch
from torch import nn

from randquant.ssl.momentum import MomentumTeacher, momentum_at


def test_teacher_follows_parameters_only() -> None:
    student = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    teacher = MomentumTeacher(student)
    before = [parameter.clone() for parameter in teacher.parameters()]
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(1.0)
    student(torch.randn(8, 3) + 5)
    teacher.update(student, momentum=0.9)
    for old, new, own in zip(before, teacher.parameters(), student.parameters(), strict=True):
        torch.testing.assert_close(new, 0.9 * old + 0.1 * own)
    assert bool((teacher.network.get_buffer("1.running_mean") == 0).all())
    teacher(torch.randn(8, 3) + 5)
    assert not bool((teacher.network.get_buffer("1.running_mean") == 0).all())


def test_momentum_schedules() -> None:
    assert {momentum_at(step, 9, base=0.99, schedule="constant") for step in range(10)} == {0.99}
    rising = [momentum_at(step, 9, base=0.9, schedule="cosine") for step in range(10)]
    assert rising == sorted(rising)
    assert rising[0] == pytest.approx(0.9)
    assert rising[-1] == pytest.approx(1.0)
