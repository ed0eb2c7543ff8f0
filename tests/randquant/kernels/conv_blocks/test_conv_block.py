"""Blocks in one pass against their four modules, in double precision and in single."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from randquant.kernels.chosen import plain_form
from randquant.kernels.conv_blocks.conv_block import ConvBlock, conv_block, takes

pytest.importorskip("numba")
pytestmark = pytest.mark.filterwarnings("error")

Shape = tuple[int, int, int, int]
SHAPES = [(3, 1, 8, 12), (1, 1, 2, 2), (9, 1, 7, 37), (2, 64, 8, 12), (1, 64, 2, 2), (9, 64, 5, 9), (2, 64, 6, 61)]


def block(channels: int, scales: str = "any") -> ConvBlock:
    made = ConvBlock(nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64), nn.MaxPool2d(2), nn.ReLU())
    made.norm.weight.data.copy_(torch.randn(64) if scales == "any" else torch.full((64,), float(scales)))
    made.norm.bias.data.normal_()
    made.norm.running_mean.normal_()  # type: ignore[union-attr]
    made.norm.running_var.uniform_(0.5, 2.0)  # type: ignore[union-attr]
    return made


def modules(x: Tensor, made: ConvBlock) -> Tensor:
    for part in made:
        x = part(x)
    return x


def everything(form: Callable[[Tensor, ConvBlock], Tensor], x: Tensor, made: ConvBlock) -> dict[str, Tensor]:
    """Output, gradients and running statistics of one training step, in double precision."""
    made, x = copy.deepcopy(made), x.detach().clone().requires_grad_(x.shape[1] > 1)
    out = form(x, made)
    upstream = torch.randn(out.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (out * upstream.to(out)).sum().backward()
    parts = nn.ModuleList(made)
    found = {"out": out.detach(), **{f"{name} gradient": each.grad for name, each in parts.named_parameters()}}
    found |= dict(parts.named_buffers()) | ({} if x.grad is None else {"x gradient": x.grad})
    return {name: value.double() for name, value in found.items() if value is not None}


def in_double(made: ConvBlock) -> ConvBlock:
    return ConvBlock(*nn.ModuleList(copy.deepcopy(made)).double())


def assert_as_exact_as_the_modules(x: Tensor, made: ConvBlock) -> None:
    assert takes(x, made)
    exact = everything(modules, x.double(), in_double(made))
    found, plain = everything(conv_block, x, made), everything(modules, x, made)
    for name, expected in exact.items():
        size = float(expected.abs().max())
        if name == "0.bias gradient":
            assert not found[name].any()
            continue
        error, allowed = (float((each[name] - expected).abs().max()) for each in (found, plain))
        assert error <= max(2 * allowed, 2e-5 * size + 1e-6), name


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scales", ["any", "1", "-1", "0"])
def test_a_training_step_is_that_of_the_modules(shape: Shape, scales: str) -> None:
    assert_as_exact_as_the_modules(torch.randn(shape), block(shape[1], scales))


@pytest.mark.parametrize("channels", [1, 64])
def test_a_mean_far_from_zero_leaves_the_variance_its_digits(channels: int) -> None:
    assert_as_exact_as_the_modules(torch.randn(4, channels, 8, 8) + 30.0, block(channels))


@pytest.mark.parametrize("channels", [1, 64])
@pytest.mark.parametrize("value", [0.0, 1.5])
def test_constant_maps_are_ties_of_which_the_first_gets_the_gradient(channels: int, value: float) -> None:
    assert_as_exact_as_the_modules(torch.full((2, channels, 8, 8), value), block(channels))


@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize("bias", [True, False])
def test_momentum_and_bias(momentum: float | None, bias: bool) -> None:
    for channels in (1, 64):
        made = block(channels)
        made.norm.momentum = momentum
        made.convolution.bias = made.convolution.bias if bias else None
        assert_as_exact_as_the_modules(torch.randn(2, channels, 8, 8), made)


@pytest.mark.parametrize("shape", SHAPES)
def test_inference_is_that_of_the_modules(shape: Shape) -> None:
    made, x = block(shape[1]), torch.randn(shape)
    nn.ModuleList(made).eval()
    with torch.no_grad():
        assert takes(x, made)
        torch.testing.assert_close(conv_block(x, made), modules(x, made), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 64])
def test_without_gradients_a_training_step_is_the_same(channels: int) -> None:
    x, one, other = torch.randn(3, channels, 8, 12), block(channels), block(channels)
    nn.ModuleList(other).load_state_dict(nn.ModuleList(one).state_dict())
    with torch.no_grad():
        alone = conv_block(x, other)
    assert torch.equal(conv_block(x, one), alone)
    for name, buffer in nn.ModuleList(one).named_buffers():
        assert torch.equal(buffer, nn.ModuleList(other).get_buffer(name)), name


@pytest.mark.parametrize("channels", [1, 64])
def test_a_clip_is_the_same_in_any_batch(channels: int) -> None:
    made, x = block(channels), torch.randn(5, channels, 8, 62)
    nn.ModuleList(made).eval()
    with torch.no_grad():
        assert torch.equal(conv_block(x, made)[3:4], conv_block(x[3:4], made))


@pytest.mark.parametrize("channels", [1, 64])
def test_threads_change_nothing(channels: int) -> None:
    x, made = torch.randn(20, channels, 32, 32), block(channels)
    alone = everything(conv_block, x, made)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        shared = everything(conv_block, x, made)
    finally:
        torch.set_num_threads(threads)
    for name, value in alone.items():
        # The sums of a few numbers a channel are PyTorch's own, and shared among threads by it.
        torch.testing.assert_close(shared[name], value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 64])
@pytest.mark.parametrize("training", [True, False])
def test_what_is_not_a_number_stays(channels: int, training: bool) -> None:
    made, x = block(channels), torch.randn(3, channels, 8, 8)
    x[1, 0, 3, 3] = torch.nan
    nn.ModuleList(made).train(training)
    with torch.no_grad():
        found = conv_block(x, made)
        assert found[1, :, 1, 1].isnan().all()
        assert training or found[::2].isfinite().all()


def test_gradients_are_given_once() -> None:
    made, x = block(64), torch.randn(2, 64, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(conv_block(x, made).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def hooked(made: ConvBlock) -> None:
    made.relu.register_forward_hook(lambda *_: None)


def synchronised(made: ConvBlock) -> None:
    made.norm.__class__ = nn.SyncBatchNorm  # type: ignore[assignment]


def frozen(made: ConvBlock) -> None:
    made.norm.eval()


def strided(made: ConvBlock) -> None:
    made.convolution.stride = (2, 2)


def circular(made: ConvBlock) -> None:
    made.convolution.padding_mode = "circular"


def ceiled(made: ConvBlock) -> None:
    made.pooling.ceil_mode = True


def normed(made: ConvBlock) -> None:
    nn.utils.parametrizations.weight_norm(made.convolution)


@pytest.mark.parametrize("change", [hooked, synchronised, frozen, strided, circular, ceiled, normed])
def test_other_blocks_keep_their_modules(change: Callable[[ConvBlock], None]) -> None:
    x, made = torch.randn(2, 64, 8, 8), block(64)
    assert takes(x, made)
    change(made)
    assert not takes(x, made)


def test_other_inputs_keep_the_modules() -> None:
    made, first = block(64), block(1)
    x, clips = torch.randn(2, 64, 8, 8), torch.randn(2, 1, 8, 8)
    assert not takes(x.double(), in_double(made))
    assert not takes(x[:, :, :1], made)
    assert not takes(x[:0], made)
    assert not takes(clips, made)
    assert not takes(clips.requires_grad_(), first)
    assert not takes(x.to("meta"), made)
    with plain_form():
        assert not takes(x, made)
    with torch.autocast("cpu", torch.bfloat16):
        assert not takes(x, made)
    assert torch.func.vmap(lambda each: torch.ones(()) * takes(each[None], made))(x).sum() == 0
