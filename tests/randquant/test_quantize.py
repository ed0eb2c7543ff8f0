"""Randomized quantization against its own definition, written slowly, and against the promises of its docstring."""

import copy
import itertools
import pickle
import shutil

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from randquant import QuantizationParams, RandomizedQuantization, randomized_quantization
from randquant.quantizers.bins import FEW_BINS

Dim = int | tuple[int, ...]
LAYOUTS: dict[str, tuple[tuple[int, ...], Dim, tuple[int, ...]]] = {  # name: (shape, dim, quantized axes of that shape)
    "images": ((5, 3, 6, 7), (-2, -1), (2, 3)),
    "image": ((3, 6, 7), (-2, -1), (1, 2)),
    "spectrogram per band": ((4, 1, 8, 20), -1, (3,)),
    "spectrogram per clip": ((4, 1, 8, 20), (-2, -1), (2, 3)),
    "points": ((4, 30, 3), -2, (1,)),
    "one cloud": ((30, 3), -2, (0,)),
    "tokens": ((2, 12, 16), -2, (1,)),
    "signal": ((40,), -1, (0,)),
    "video": ((2, 4, 3, 5, 5), (-2, -1), (3, 4)),
    "first dimension": ((9, 4), 0, (0,)),
}


def slow(x: Tensor, params: QuantizationParams, axes: tuple[int, ...], samples_of: int | None) -> Tensor:
    """The definition, one channel and one entry at a time, in float64."""
    out = x.clone().double()
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    for place in itertools.product(*(range(x.shape[axis]) for axis in kept)):
        decision = (
            params.apply if samples_of is None or params.apply is None else params.apply[place[kept.index(samples_of)]]
        )
        if decision is not None and not bool(decision):
            continue
        select: list[int | slice] = [slice(None)] * x.ndim
        for axis, number in zip(kept, place, strict=True):
            select[axis] = number
        channel = x[tuple(select)].double()
        low, high = channel.min(), channel.max()
        edges, values = params.edges[place].double(), params.values[place].double()
        for entry in itertools.product(*(range(size) for size in channel.shape)):
            cut = low + edges * (high - low)
            index = int((channel[entry] >= cut).sum())
            out[tuple(select)][entry] = low + values[index] * (high - low)
    return out


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("bins", [2, 5, (3, 9), FEW_BINS + 20])
def test_equals_the_slow_definition(name: str, bins: int | tuple[int, int]) -> None:
    shape, dim, axes = LAYOUTS[name]
    x = torch.randn(shape, dtype=torch.float64)
    augment = RandomizedQuantization(bins, dim, p=0.8)
    params = augment.make_params(x)
    assert params.apply is not None
    batch = 0 if params.apply.ndim else None
    torch.testing.assert_close(augment.transform(x, params), slow(x, params, axes, batch))


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("edges", ["random", "jittered", "uniform"])
@pytest.mark.parametrize("value", ["random", "midpoint"])
@pytest.mark.parametrize("bins", [2, 8, (2, 6), 40])
def test_promises(name: str, edges: str, value: str, bins: int | tuple[int, int]) -> None:
    shape, dim, axes = LAYOUTS[name]
    x = torch.randn(shape)
    quantized = RandomizedQuantization(bins, dim, edges=edges, value=value)(x)  # type: ignore[arg-type]
    most = bins if isinstance(bins, int) else bins[1]
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    before, after = (
        tensor.permute(*kept, *axes).reshape(-1, *[x.shape[a] for a in axes]).flatten(1) for tensor in (x, quantized)
    )
    for channel, replaced in zip(before, after, strict=True):
        assert replaced.unique().numel() <= most
        assert bool((replaced[channel.argsort()].diff() >= 0).all()), "order between entries is kept"
        assert replaced.min() >= channel.min()
        assert replaced.max() <= channel.max()


def test_every_channel_has_its_own_quantizer_and_the_elements_along_dim_share_one() -> None:
    x = torch.linspace(0, 1, 500).expand(6, 4, 500)
    quantized = RandomizedQuantization(4, dim=-1)(x)
    rows = quantized.reshape(24, 500)
    assert len({tuple(row.unique().tolist()) for row in rows}) == 24
    assert RandomizedQuantization(4, dim=(-2, -1))(x[:, None])[0].unique().numel() <= 4


@pytest.mark.parametrize(
    ("shape", "dim"), [((2000, 2, 3, 4), (-2, -1)), ((2000, 9, 3), -2), ((2000, 1, 4, 9), -1), ((2000, 9), -1)]
)
def test_p_counts_samples(shape: tuple[int, ...], dim: int | tuple[int, int]) -> None:
    x = torch.randn(shape)
    changed = (RandomizedQuantization(3, dim, p=0.3)(x) != x).flatten(1)
    assert not bool((changed.any(1) & ~changed.float().mean(1).gt(0.3)).any()), (
        "a sample is quantized whole or not at all"
    )
    assert 0.25 < float(changed.any(1).float().mean()) < 0.35


@pytest.mark.parametrize(("shape", "dim"), [((16, 5, 5), (-2, -1)), ((20, 6), -2), ((30,), -1)])
def test_p_of_a_lone_sample_is_one_decision(shape: tuple[int, ...], dim: int | tuple[int, int]) -> None:
    x = torch.randn(shape)
    augment = RandomizedQuantization(2, dim, p=0.5)
    outcomes = {bool((augment(x) == x).all()) for _ in range(60)}
    assert outcomes == {True, False}


def test_p_zero_and_one() -> None:
    x = torch.randn(8, 1, 4, 30)
    assert bool((RandomizedQuantization(2, -1, p=0.0)(x) == x).all())
    assert bool((RandomizedQuantization(2, -1, p=1.0)(x) != x).flatten(1).any(1).all())


def test_a_range_of_bins_is_uniform_over_samples() -> None:
    x = torch.rand(4000, 1, 400)
    quantized = RandomizedQuantization((2, 4), dim=-1, edges="uniform")(x)
    counts = torch.tensor([row.unique().numel() for row in quantized])
    shares = [(counts == bins).float().mean().item() for bins in (2, 3, 4)]
    assert all(abs(share - 1 / 3) < 0.04 for share in shares)


@pytest.mark.parametrize("bins", range(2, 70))
def test_uniform_edges_make_bins_of_equal_width(bins: int) -> None:
    params = RandomizedQuantization(bins, -1, edges="uniform", value="midpoint").make_params(torch.zeros(1, 9))
    torch.testing.assert_close(params.edges[0], torch.arange(1, bins) / bins)
    torch.testing.assert_close(params.values[0], (torch.arange(bins) + 0.5) / bins)


def test_jittered_edges_lie_one_in_each_part() -> None:
    params = RandomizedQuantization((3, 9), -1, edges="jittered").make_params(torch.zeros(500, 9))
    used = params.edges.isfinite()
    parts = used.sum(dim=1, keepdim=True)
    expected = torch.arange(8).expand_as(used)
    assert torch.equal((params.edges * parts).floor()[used].long(), expected[used])


def test_distribution_of_edges_and_values() -> None:
    """K - 1 uniform cuts: gap of mean 1 / K and a value uniform in its gap, so E|q - x|^2 has a closed form."""
    x = torch.linspace(0, 1, 1001).expand(3000, 1, 1001)
    error = (RandomizedQuantization(4, -1)(x) - x).square().mean()
    # For x and v uniform in one gap of length l: E(x - v)^2 = l^2 / 6, and E l^3 = 6 / (K (K+1) (K+2)).
    assert abs(float(error) - 4 * 6 / (4 * 5 * 6) / 6) < 2e-3


@pytest.mark.parametrize("same", [True, False])
def test_same_on_batch_shares_fractions_and_decision(same: bool) -> None:
    x = torch.randn(1, 3, 40).expand(64, 3, 40)
    quantized = RandomizedQuantization((2, 9), -1, p=0.5, same_on_batch=same)(x)
    assert bool((quantized == quantized[0]).all()) is same
    scaled = x * torch.arange(1, 65)[:, None, None]
    params = RandomizedQuantization(5, -1, same_on_batch=True).make_params(scaled)
    torch.testing.assert_close(
        RandomizedQuantization(5, -1).transform(scaled, params) / torch.arange(1, 65)[:, None, None],
        RandomizedQuantization(5, -1).transform(x, params),
    )


def test_replay_generator_and_permutation() -> None:
    x = torch.randn(6, 1, 8, 20)
    augment = RandomizedQuantization(8, -1, p=0.7)
    params = augment.make_params(x, generator=torch.Generator().manual_seed(1))
    again = augment.make_params(x, generator=torch.Generator().manual_seed(1))
    assert all(bool((a == b).all()) for a, b in zip(params, again, strict=True) if a is not None and b is not None)
    first = augment(x, generator=torch.Generator().manual_seed(1))
    assert bool((first == augment.transform(x, params)).all())
    order = torch.randperm(6)
    permuted = QuantizationParams(*(part[order] for part in params if part is not None))
    assert bool((augment.transform(x[order], permuted) == first[order]).all())
    assert not bool((augment(x) == augment(x)).all())


def test_constant_channels_come_back_unchanged() -> None:
    for number in (0.0, 0.1, -3.7e8, 1e30, 5e-40):
        x = torch.full((2, 1, 3, 50), number)
        assert bool((RandomizedQuantization(8, -1)(x) == x).all())
    assert bool((RandomizedQuantization(8, -1, value="zero")(torch.ones(2, 9)) == 0).all())


def test_non_finite_entries_pass_through_and_leave_the_rest_alone() -> None:
    x = torch.randn(4, 50)
    x[0, 3], x[1, 4], x[2, 5] = torch.nan, torch.inf, -torch.inf
    x[3] = torch.nan
    quantized = RandomizedQuantization(4, -1)(x)
    odd = ~torch.isfinite(x)
    assert bool((torch.isnan(quantized) == torch.isnan(x)).all())
    assert bool((quantized[odd] == x[odd])[~torch.isnan(x[odd])].all())
    for row in range(3):
        kept = x[row][~odd[row]]
        assert quantized[row][~odd[row]].unique().numel() <= 4
        assert kept.min() <= quantized[row][~odd[row]].min() <= quantized[row][~odd[row]].max() <= kept.max()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1.0, 3e4])
def test_dtypes(dtype: torch.dtype, scale: float) -> None:
    x = (torch.randn(4, 1, 6, 50) * scale).clamp(-6e4, 6e4).to(dtype)
    quantized = RandomizedQuantization(6, -1)(x)
    assert quantized.dtype == dtype
    assert bool(torch.isfinite(quantized).all())
    assert all(row.unique().numel() <= 6 for row in quantized.reshape(24, 50))


def test_ranges_near_the_end_of_float32_do_not_overflow() -> None:
    x = torch.tensor([[-3e38, -1.0, 0.0, 2.0, 3e38]])
    for _ in range(20):
        assert bool(torch.isfinite(RandomizedQuantization(4, -1)(x)).all())


def test_integers_are_refused_with_a_remedy() -> None:
    for x in (torch.zeros(3, 4, dtype=torch.uint8), torch.zeros(3, 4, dtype=torch.bool)):
        with pytest.raises(TypeError, match="convert first"):
            RandomizedQuantization(4, -1)(x)


def test_strides_do_not_matter_and_input_is_not_changed() -> None:
    x = torch.randn(7, 5, 20, 3)
    augment = RandomizedQuantization(4, -2)
    params = augment.make_params(x)
    before = x.clone()
    strided = x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    assert not strided.is_contiguous()
    assert bool((augment.transform(strided, params) == augment.transform(x, params)).all())
    assert bool((x == before).all())


def test_empty_batches_and_empty_channels() -> None:
    empty: list[tuple[tuple[int, ...], Dim]] = [((0, 3, 4, 4), (-2, -1)), ((4, 0, 3), -2), ((0, 5), -1)]
    for shape, dim in empty:
        assert RandomizedQuantization(4, dim)(torch.zeros(shape)).shape == shape


def test_eval_mode_is_the_identity() -> None:
    x = torch.randn(3, 1, 4, 9)
    assert RandomizedQuantization(2, -1).eval()(x) is x


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"bins": 1}, "bins"),
        ({"bins": (4, 2)}, "bins"),
        ({"bins": 2.5}, "bins"),
        ({"bins": (2, 3, 4)}, "bins"),
        ({"p": 1.5}, "p should"),
        ({"edges": "even"}, "edges"),
        ({"value": "mean"}, "value"),
        ({"dim": ()}, "dim"),
        ({"dim": "hw"}, "dim"),
        ({"dim": (0.5, 1)}, "dim"),
        ({"dim": None}, "dim"),
    ],
)
def test_bad_arguments_fail_in_the_constructor(arguments: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        RandomizedQuantization(**arguments)


def test_a_dim_the_input_lacks_is_named() -> None:
    with pytest.raises(ValueError, match=r"dim=\(-2, -1\)"):
        RandomizedQuantization(4, (-2, -1))(torch.zeros(5))


# ------------------------------------------------------------------------------------------------- gradients


def test_straight_through_passes_the_gradient_and_the_value() -> None:
    x = torch.randn(2, 10, 4, requires_grad=True)
    weight = torch.randn(2, 10, 4)
    augment = RandomizedQuantization(3, -2, straight_through=True)
    params = augment.make_params(x)
    quantized = augment.transform(x, params)
    (quantized * weight).sum().backward()
    assert x.grad is not None
    assert bool((x.grad == weight).all())
    assert bool((quantized == RandomizedQuantization(3, -2).transform(x, params)).all())


@pytest.mark.parametrize("value", ["random", "midpoint", "zero"])
@pytest.mark.parametrize("straight_through", [False, True])
def test_gradients_are_finite(value: str, straight_through: bool) -> None:
    x = torch.randn(3, 20).index_put((torch.tensor(0), torch.tensor([1, 2])), torch.tensor([torch.nan, torch.inf]))
    x.requires_grad_()
    quantized = randomized_quantization(x, 4, value=value, straight_through=straight_through)  # type: ignore[arg-type]
    (gradient,) = torch.autograd.grad(quantized[1:].sum(), x)
    assert gradient.isfinite().all()
    if straight_through:
        assert (gradient[1:] == 1).all()
    elif value == "zero":
        assert (gradient == 0).all()


@pytest.mark.parametrize("bins", [3, FEW_BINS + 5])
def test_without_it_only_the_extremes_receive_a_gradient(bins: int) -> None:
    x = torch.randn(2, 200, requires_grad=True)
    RandomizedQuantization(bins, -1)(x).sum().backward()
    assert x.grad is not None
    touched = x.grad != 0
    extremes = (x == x.amin(1, keepdim=True)) | (x == x.amax(1, keepdim=True))
    assert bool((touched == extremes).all())


# ------------------------------------------------------------------------------------------ packed and padded


def cloud_params(params: QuantizationParams, cloud: int) -> QuantizationParams:
    """One cloud's part of a batch's draw."""
    apply = None if params.apply is None else params.apply[cloud]
    return QuantizationParams(params.edges[cloud], params.values[cloud], apply)


@pytest.mark.parametrize("bins", [2, 8, (3, 40), 33])
def test_a_packed_batch_equals_its_clouds_one_by_one(bins: int | tuple[int, int]) -> None:
    lengths = [7, 0, 30, 1, 50]
    offsets = torch.tensor([0, *itertools.accumulate(lengths)])
    x = torch.randn(sum(lengths), 4)
    augment = RandomizedQuantization(bins, -2, p=0.8)
    params = augment.make_params(x, offsets=offsets)
    packed = augment.transform(x, params, offsets=offsets)
    for cloud, (start, stop) in enumerate(itertools.pairwise(offsets.tolist())):
        own = cloud_params(params, cloud)
        torch.testing.assert_close(packed[start:stop], augment.transform(x[start:stop], own), rtol=0, atol=0)


def test_a_padded_batch_equals_its_clouds_and_leaves_padding_alone() -> None:
    lengths = [5, 30, 12]
    x = torch.full((3, 30, 3), 1e6)
    mask = torch.arange(30) < torch.tensor(lengths)[:, None]
    x[mask] = torch.randn(int(mask.sum()), 3)
    augment = RandomizedQuantization(8, -2)
    params = augment.make_params(x)
    padded = augment.transform(x, params, mask=mask)
    assert bool((padded[~mask] == 1e6).all())
    for cloud, length in enumerate(lengths):
        own = cloud_params(params, cloud)
        assert bool((padded[cloud, :length] == augment.transform(x[cloud, :length], own)).all())
    assert bool((augment.transform(x, params, mask=mask[..., None]) == padded).all())


def test_wrong_masks_and_offsets_are_named() -> None:
    x = torch.randn(4, 10, 3)
    with pytest.raises(ValueError, match="got a mask of shape"):
        randomized_quantization(x, dim=-2, mask=torch.ones(7, dtype=torch.bool))
    with pytest.raises(TypeError, match="bool"):
        randomized_quantization(x, dim=-2, mask=torch.ones(4, 10))
    with pytest.raises(ValueError, match="offsets"):
        randomized_quantization(torch.randn(10, 3), dim=-1, offsets=torch.tensor([0, 10]))
    with pytest.raises(TypeError, match="mask should be a bool tensor, got list"):
        randomized_quantization(x, dim=-2, mask=[True] * 4)  # type: ignore[arg-type]
    packed = torch.randn(10, 3)
    for offsets in (torch.tensor([0]), torch.tensor([], dtype=torch.int64), torch.zeros(2, 2, dtype=torch.int64)):
        with pytest.raises(ValueError, match=r"offsets should be \(clouds \+ 1,\)"):
            randomized_quantization(packed, dim=0, offsets=offsets)
    for wrong in (torch.tensor([0.0, 10.0]), [0, 10]):
        with pytest.raises(TypeError, match="offsets should be an int64"):
            randomized_quantization(packed, dim=0, offsets=wrong)  # type: ignore[arg-type]


def test_params_of_another_layout_are_named() -> None:
    augment = RandomizedQuantization(4, -2)
    params = augment.make_params(torch.randn(6, 7, 3))
    assert augment.transform(torch.randn(6, 20, 3), params).shape == (6, 20, 3)
    with pytest.raises(ValueError, match=r"expected params drawn for channels \[4, 3\], got \[6, 3\]"):
        augment.transform(torch.randn(4, 7, 3), params)


@pytest.mark.parametrize("x", [torch.zeros(3).numpy(), [1.0, 2.0], None])
def test_what_is_no_tensor_is_refused_with_a_remedy(x: object) -> None:
    with pytest.raises(TypeError, match="needs a tensor, got"):
        randomized_quantization(x)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ where it is used


def test_in_torchvision_compose_before_and_after_normalisation() -> None:
    image = torch.randint(0, 256, (3, 24, 24), dtype=torch.uint8)
    quantize = RandomizedQuantization(8, (-2, -1))
    normalise = v2.Normalize([0.5] * 3, [0.25] * 3)
    to_float = v2.ToDtype(torch.float32, scale=True)
    for steps in ([to_float, quantize, normalise], [to_float, normalise, quantize]):
        out = v2.Compose([v2.RandomHorizontalFlip(), *steps])(image)
        assert out.shape == (3, 24, 24)
        assert all(channel.unique().numel() <= 8 for channel in out)


class _Clouds(torch.utils.data.Dataset[Tensor]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Tensor:
        return RandomizedQuantization(4, -2)(torch.arange(30.0).reshape(10, 3))


def test_in_dataloader_workers_draws_differ_and_are_reproducible() -> None:
    def draw() -> Tensor:
        torch.manual_seed(3)
        return torch.cat(list(DataLoader(_Clouds(), batch_size=2, num_workers=2)))

    first = draw()
    assert len({tuple(cloud.flatten().tolist()) for cloud in first}) == 8
    assert bool((first == draw()).all())


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quantize = RandomizedQuantization(8, dim=-2, straight_through=True)
        self.linear = nn.Linear(16, 16)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.linear(self.quantize(self.linear(tokens)))


def test_inside_a_model_under_autocast_copy_and_pickle() -> None:
    model = _Model()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(torch.randn(2, 12, 16))
    out.float().sum().backward()
    assert model.linear.weight.grad is not None
    assert "bins=8" in repr(copy.deepcopy(model))
    assert pickle.loads(pickle.dumps(model)).quantize.bins == 8
    assert not model.quantize.state_dict()


@pytest.mark.parametrize("bins", [8, (4, 12), FEW_BINS + 8])
def test_compiles_without_a_graph_break(bins: int | tuple[int, int]) -> None:
    augment = RandomizedQuantization(bins, -1, p=0.5, straight_through=True)
    compiled = torch.compile(augment, fullgraph=True, backend="aot_eager")
    x = torch.randn(4, 1, 6, 50)
    for size in (4, 3, 2):  # the last batch of an epoch is smaller
        assert compiled(x[:size]).shape == x[:size].shape
    params = augment.make_params(x)
    applied = torch.compile(augment.transform, fullgraph=True, backend="aot_eager")(x, params)
    torch.testing.assert_close(applied, augment.transform(x, params))


@pytest.mark.skipif(shutil.which("g++") is None, reason="the default compiler backend needs g++")
def test_compiles_with_the_default_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch._inductor.config.compile_threads", 1)  # else a pool of processes is started
    augment = RandomizedQuantization(4, -1)
    x = torch.randn(4, 3, 20)
    params = augment.make_params(x)
    applied = torch.compile(augment.transform, fullgraph=True)(x, params)
    torch.testing.assert_close(applied, augment.transform(x, params))


def test_memory_does_not_grow_with_bins() -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.elements = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple | list) else [out]:
                if isinstance(tensor, Tensor):
                    self.elements = max(self.elements, tensor.numel())
            return out

    x = torch.randn(2, 3, 64, 64)
    for bins in (2, 8, 256):
        with Largest() as largest:
            RandomizedQuantization(bins, (-2, -1))(x)
        assert largest.elements <= x.numel()
