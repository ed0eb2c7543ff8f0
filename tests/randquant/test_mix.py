"""i-Mix and InputMix against slow forms; what every blend keeps."""

import copy
import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from randquant.blend import Blend, Boxes, Linear, Segments, Slots
from randquant.errors import UsageError
from randquant.mix import InputMix, Mix, Mixture
from randquant.packed import PackedBatch
from randquant.stages import Tap

BLENDS = [
    (Linear(), (6, 3, 8, 9)),
    (Boxes(), (6, 3, 8, 9)),
    (Boxes(), (6, 10, 4)),
    (Segments(-1), (6, 1, 8, 9)),
    (Segments(-2), (6, 1, 8, 9)),
    (Slots(-2), (6, 11, 3)),
    (Slots(-1), (6, 3, 11)),
]


@pytest.mark.parametrize(("blend", "shape"), BLENDS)
def test_a_weight_of_one_is_the_identity_and_zero_the_other(blend: Blend, shape: tuple[int, ...]) -> None:
    x, other = torch.randn(2, *shape)
    params = blend.make_params(x)
    mixed, weight = blend.transform(x, other, torch.ones(6), params)
    assert torch.equal(mixed, x)
    assert torch.equal(weight, torch.ones(6))
    if not isinstance(blend, Boxes):  # a clipped box never covers all
        assert torch.equal(blend.transform(x, other, torch.zeros(6), params)[0], other)


@pytest.mark.parametrize(("blend", "shape"), BLENDS[1:])
def test_the_share_that_is_said_is_that_of_the_positions(blend: Blend, shape: tuple[int, ...]) -> None:
    x, wanted = torch.ones(shape), torch.linspace(0.5, 1.0, 6)
    mixed, weight = blend.transform(x, torch.zeros(shape), wanted, blend.make_params(x))
    torch.testing.assert_close(mixed.flatten(1).mean(dim=1), weight)
    if not isinstance(blend, Slots):
        assert bool((weight >= wanted - 1e-6).all())


def test_boxes_are_rectangles_around_their_centres() -> None:
    x = torch.zeros(1, 1, 10, 20)
    mixed, weight = Boxes().transform(x, x + 1, torch.tensor([0.75]), torch.tensor([[0.5, 0.99]]))
    expected = torch.zeros(10, 20)
    expected[3:8, 14:] = 1.0  # 5 x 10 around (5, 19), clipped on the right
    assert torch.equal(mixed[0, 0], expected)
    assert float(weight) == pytest.approx(1.0 - 30 / 200)
    with pytest.raises(UsageError, match="use mixup"):
        Boxes().transform(torch.zeros(2, 5), torch.zeros(2, 5), torch.ones(2), torch.rand(2, 2))


def test_weights_are_the_larger_part_of_beta_draws_a_sample() -> None:
    mix = Mix(alpha=1.0)
    drawn = mix.make_params(torch.zeros(20_000, 1), generator=torch.Generator().manual_seed(0))
    assert float(drawn.weight.min()) >= 0.5
    quartiles = drawn.weight.quantile(torch.tensor([0.25, 0.5, 0.75]))  # uniform on [0.5, 1]
    torch.testing.assert_close(quartiles, torch.tensor([0.625, 0.75, 0.875]), atol=0.01, rtol=0.0)
    assert torch.equal(drawn.partner.sort().values, torch.arange(20_000))
    tiny = Mix(alpha=1e-3).make_params(torch.zeros(1000, 1)).weight
    assert bool(tiny.isfinite().all())


def test_mixing_is_replayed_and_off_in_eval_mode() -> None:
    x, mix = torch.randn(5, 7), Mix()
    params = mix.make_params(x)
    mixed, mixture = mix.transform(x, params)
    again, _ = mix.transform(x, params)
    assert torch.equal(mixed, again)
    slow = torch.stack(
        [w * x[i] + (1 - w) * x[j] for i, (w, j) in enumerate(zip(mixture.weight, mixture.partner, strict=True))]
    )
    torch.testing.assert_close(mixed, slow)
    same, nothing = mix.eval()(x)
    assert same is x
    assert torch.equal(nothing.labels(5), torch.eye(5))


def test_labels_and_targets_are_those_of_a_loop() -> None:
    mixture = Mixture(torch.tensor([0.75, 0.5, 1.0]), torch.tensor([1, 1, 0]))
    assert mixture.labels(4).tolist() == [[0.75, 0.25, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    keys = torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.0, -1.0]])
    assert mixture.targets(keys).tolist() == [[0.75, 0.25], [0, 1], [0, -1]]
    with pytest.raises(ValueError, match="as many keys"):
        mixture.labels(2)
    with pytest.raises(ValueError, match="shape"):
        mixture.targets(torch.zeros(3, 1, 3))
    for wrong in ({"kind": "mosaic"}, {"alpha": 0.0}, {"alpha": math.inf}):
        with pytest.raises(ValueError, match="should be"):
            Mix(**wrong)


def test_input_mix_keeps_half_of_each_sample_and_mixes_the_drawn_shares() -> None:
    x, mix = torch.randn(8, 6), InputMix(3, alpha=0.7)
    params = mix.make_params(x)
    assert bool((params.shares[:, 0] >= 0.5).all())
    torch.testing.assert_close(params.shares.sum(dim=1), torch.ones(8))
    slow = params.shares[:, :1] * x
    for number, partner in enumerate(params.partners, 1):
        slow = slow + params.shares[:, number : number + 1] * x[partner]
    torch.testing.assert_close(mix.transform(x, params), slow)
    assert mix.eval()(x) is x


class Small(nn.Module):
    """Two stages: feature maps, then vectors; and points with their places."""

    def __init__(self) -> None:
        super().__init__()
        self.tap = Tap()
        self.line = nn.Linear(3, 4)

    @property
    def stages(self) -> dict[str, nn.Module]:
        return {"points": self.tap, "line": self.line}

    def forward(self, x: Tensor) -> Tensor:
        places, x = self.tap(x[..., :1], x)
        return self.line(torch.cat([places, x[..., 1:]], dim=-1)).amax(dim=1)


@pytest.mark.parametrize("layer", ["points", "line", "embedding"])
def test_the_queries_alone_are_mixed_inside(layer: str) -> None:
    torch.manual_seed(0)
    encoder, x = Small(), torch.randn(12, 5, 3)
    plain = encoder(x)
    mix = Mix(layer=layer)
    mix.check(encoder)
    output, mixtures = mix.through(encoder, encoder, [x[:4], x[4:8]], [x[8:]])
    assert torch.equal(output[8:], plain[8:])
    assert bool((output[:8] != plain[:8]).any())
    assert [mixture.weight.shape for mixture in mixtures] == [(4,), (4,)]
    if layer == "embedding":
        expected = Linear().transform(plain[:4], plain[:4][mixtures[0].partner], mixtures[0].weight, None)[0]
        torch.testing.assert_close(output[:4], expected)
    assert torch.equal(encoder(x), plain)  # the hook is gone
    with pytest.raises(UsageError, match="points, line"):
        Mix(layer="nowhere").check(encoder)
    with pytest.raises(UsageError, match="no places"):
        Mix("cutmix", layer="points").check(encoder)


def test_places_go_with_their_features() -> None:
    features, other = torch.randn(2, 4, 9, 3)
    both, weight = Slots().transform(
        (features[..., :1], features), (other[..., :1], other), torch.full((4,), 0.6), Slots().make_params(features)
    )
    assert torch.equal(both[0], both[1][..., :1])
    assert float(weight[0]) == pytest.approx(5 / 9)


def test_packed_clouds_are_taken_in_another_order() -> None:
    clouds = [torch.full((n, 2), float(n)) for n in (3, 1, 2)]
    order = torch.tensor([2, 0, 1])
    from randquant.views import taken

    packed = taken(PackedBatch.of(clouds), order)
    assert isinstance(packed, PackedBatch)
    assert [len(cloud) for cloud in packed.split()] == [2, 3, 1]


def test_a_copied_encoder_quantizes_by_its_own_hook() -> None:
    from randquant.stages import quantize_stage

    encoder = nn.Sequential(nn.Linear(4, 4), nn.Identity())
    names = list(encoder.state_dict())
    type_of = type("Staged", (nn.Sequential,), {"stages": property(lambda self: {"linear": self[0]})})
    encoder.__class__ = type_of
    quantize_stage(encoder, "linear", 2)
    copied = copy.deepcopy(encoder)
    x = torch.randn(3, 50, 4, requires_grad=True)
    one, two = encoder(x), copied(x)
    assert all(column.unique().numel() <= 2 for sample in one for column in sample.T)
    assert not torch.equal(one, two)
    one.sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).all())  # straight through
    assert list(encoder.state_dict()) == names
    assert torch.equal(encoder.eval()(x), copied.eval()(x))
    assert encoder(x).unique().numel() > 100
    with pytest.raises(UsageError, match="the stages of Staged are linear"):
        quantize_stage(encoder, "other")


def test_each_copy_quantizes_its_input_anew() -> None:
    from randquant.stages import quantize_stage

    encoder = nn.Sequential(nn.Identity())
    quantize_stage(encoder, "input", (2, 4))
    x = torch.rand(2, 3, 8, 8)
    views = [encoder(x), encoder(x), copy.deepcopy(encoder)(x)]
    assert all(colour.unique().numel() <= 4 for view in views for picture in view for colour in picture)
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(views, 2))
    assert torch.equal(encoder.eval()(x), x)
    with pytest.raises(UsageError, match="--rq_stage input quantizes pictures, log-mels and clouds of one size"):
        encoder.train()(x.flatten(1))
