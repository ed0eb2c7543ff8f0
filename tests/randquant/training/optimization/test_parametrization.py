"""muP: the standard parametrization at the base widths, what it says elsewhere, and runs that go on exactly."""

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from randquant.errors import UsageError
from randquant.ssl.registry import METHODS, make_method
from randquant.training.optimization.optimizer import make_optimizer
from randquant.training.optimization.parametrization import Readout, base_shapes, parametrize
from randquant.training.optimization.schedule import set_learning_rate
from randquant.training.settings import Training
from randquant.training.setup import pretrain
from randquant.training.task import Task
from tests.randquant.training.test_loop import RememberingViews, Rows, Stop, weights

pytest.importorskip("mup")


HERE = Path()  # nothing is written


class Encoder(nn.Sequential):
    """8 -> width -> width."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(8, width), nn.ReLU(), nn.Dropout(0.3), nn.Linear(width, width))
        self.width = width

    def embedding_size(self) -> int:
        return self.width


class Beside(Encoder):
    """The same, with its input beside its output."""

    def embedding_size(self) -> int:
        return self.width + 8


def settings(out: Path = HERE, width: int = 16, **changes: Any) -> Training:
    base = {
        "steps": 5, "batch_size": 8, "learning_rate": 1e-2, "weight_decay": 0.1, "hidden_size": 2 * width,
        "projection_size": 8, "accelerator": "cpu", "log_every": 2, "checkpoint_every": 2, "monitor_every": 1,
        "warmup_steps": 3, "schedule": "cosine", "precision": "32", "base_width": 16, "base_hidden_size": 32,
        "queue_size": 16, "parametrization": "mup",
    }  # fmt: skip
    return Training(out, **{**base, **changes})


def parametrized(width: int, **changes: Any) -> Any:
    """A method with all its weights, as they are initialised."""
    torch.manual_seed(0)
    method = make_method(settings(**changes), Encoder(width), width)
    parametrize(method, settings(**changes), Encoder)
    return method


def builder(width: int, stop_at: int | None = None):  # type: ignore[no-untyped-def]
    def build(device: torch.device) -> Task:
        calls: list[int] = []

        def save(path: Path, trained: nn.Module, step: int) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(trained.state_dict(), path)

        def monitor(trained: nn.Module, device: torch.device) -> dict[str, float]:
            calls.append(1)
            if len(calls) == stop_at:
                raise Stop
            return {}

        views = RememberingViews(None)
        return Task(Rows(), views, Encoder(width), width, save, monitor, {"rows": "24 x 8"}, of_width=Encoder)

    return build


def equal(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(bool((one[name] == two[name]).all()) for name in one)


def test_at_the_base_widths_it_is_the_standard_parametrization(tmp_path: Path) -> None:
    runs = [
        pretrain(settings(tmp_path / name, parametrization=name, method="byol"), builder(16))
        for name in ("standard", "mup")
    ]
    assert equal(*(weights(run) for run in runs))


@pytest.mark.parametrize("method", ["byol", "moco"])
def test_stopped_and_started_again_gives_the_same_bits_and_plain_weights(tmp_path: Path, method: str) -> None:
    whole = weights(pretrain(settings(tmp_path / "whole", 32, method=method, accumulate=2), builder(32)))
    run = settings(tmp_path / "stopped", 32, method=method, accumulate=2)
    with pytest.raises(Stop):
        pretrain(run, builder(32, stop_at=3))
    assert equal(weights(pretrain(run, builder(32))), whole)
    Encoder(32).load_state_dict(whole)


@pytest.mark.parametrize("method", METHODS)
def test_rates_and_decay_follow_the_width(method: str) -> None:
    model = parametrized(64, method=method, hidden_size=256)
    optimizer = make_optimizer(settings(), model)
    for rate in (1e-2, 5e-3):
        set_learning_rate(optimizer, rate)
        found = {id(weight): group for group in optimizer.param_groups for weight in group["params"]}
        for name, weight in model.named_parameters():
            if not weight.requires_grad:
                continue
            between_widths = name.endswith(
                ("encoder.3.weight", "online.0.3.weight", "online.1.0.weight", "or.0.weight")
            )
            fan_in = 1 if not between_widths or name == "predictor.0.weight" else weight.shape[1] // 16
            group = found[id(weight)]
            assert group["lr"] == pytest.approx(rate / fan_in), name
            assert group["lr"] * group["weight_decay"] == pytest.approx(rate * 0.1), name


def test_a_teacher_begins_as_its_student_and_heads_end_in_readouts() -> None:
    method = parametrized(64, method="byol")
    x = torch.randn(6, 8)
    method.eval()
    assert torch.equal(method.online(x), method.teacher(x))
    readouts = [name for name, part in method.named_modules() if isinstance(part, Readout)]
    assert readouts == ["online.1.3", "predictor.3", "teacher.network.1.3"]
    assert torch.equal(copy.deepcopy(method).online(x), method.online(x))


def test_a_readout_is_that_of_mup() -> None:
    from mup import MuReadout, set_base_shapes

    torch.manual_seed(0)
    reference = nn.Sequential(nn.Linear(4, 64), MuReadout(64, 3))
    linear = nn.Linear(64, 3)
    linear.load_state_dict(reference[1].state_dict())
    set_base_shapes(
        reference,
        nn.Sequential(nn.Linear(4, 16), MuReadout(16, 3)),
        delta=nn.Sequential(nn.Linear(4, 32), MuReadout(32, 3)),
    )
    linear.bias.data *= 2.0  # as `set_base_shapes` does
    x = torch.randn(5, 64)
    torch.testing.assert_close(Readout(linear, 4.0)(x), reference[1](x))


class Pictures(nn.Sequential):
    """A stem that begins by its number of outputs."""

    initialised_by_fan_out = True

    def __init__(self, width: int) -> None:
        stem = nn.Conv2d(3, width, 3)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out")
        super().__init__(stem, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.width = width

    def embedding_size(self) -> int:
        return self.width


def test_what_begins_by_fan_out_no_longer_depends_on_the_width() -> None:
    deviations = []
    for width in (16, 256):
        torch.manual_seed(0)
        method = make_method(settings(method="byol"), Pictures(width), width)
        parametrize(method, settings(method="byol"), Pictures)
        stem, teacher = (part.weight for part in method.modules() if isinstance(part, nn.Conv2d))
        assert torch.equal(stem, teacher), "the teacher begins as its student"
        deviations.append(float(stem.detach().std()))
    assert deviations[1] == pytest.approx(deviations[0], rel=0.1)


def test_rates_of_sgd_grow_with_the_width_outside_of_matrices() -> None:
    model = parametrized(64, method="simclr", hidden_size=128)
    optimizer = make_optimizer(settings(optimizer="sgd"), model)
    set_learning_rate(optimizer, 1e-2)
    rates = {id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]}
    found = {name: rates[id(weight)] / 1e-2 for name, weight in model.named_parameters()}
    wanted = {"encoder.0.weight": 4.0, "encoder.3.weight": 1.0, "projector.3.weight": 4.0, "projector.3.bias": 1.0}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)


def test_outputs_keep_their_size_and_draws_are_those_of_the_standard_one() -> None:
    torch.manual_seed(0)
    standard = make_method(settings(method="simclr"), Encoder(64), 64)
    drawn = torch.rand(1)
    method = parametrized(64, method="simclr")
    assert torch.equal(torch.rand(1), drawn)
    assert torch.equal(dict(standard.named_parameters())["encoder.3.weight"], method.encoder[3].weight)


def test_what_does_not_suit_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"projector.0.weight takes what grows with the width beside what does not"):
        base_shapes(settings(method="simclr"), Beside)
    with pytest.raises(UsageError, match="its width cannot be chosen"):
        base_shapes(settings(), None)
    monkeypatch.setitem(sys.modules, "mup.shape", None)
    monkeypatch.setitem(sys.modules, "mup", None)
    with pytest.raises(ImportError, match=r"pip install 'randquant\[mup\]'"):
        base_shapes(settings(), Encoder)
