"""Mixing: i-Mix, in which mixed inputs have mixed labels, and InputMix, in which the labels stay.

Contrastive learning has no classes, so every sample of a batch is a class of its own, and mixing two samples mixes
these labels. Only the query is mixed; keys and targets stay as they are:

    x, mix = Mix("mixup", alpha=1.0)(first_view)
    loss = info_nce(model(x), model(second_view), temperature=0.2, labels=mix.labels(len(second_view)))

Source: Lee et al., "i-Mix: A domain-agnostic strategy for contrastive representation learning", ICLR 2021.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.arguments import checked_count
from randquant.blend import Blend, MixKind, Slots, standard_blend
from randquant.errors import UsageError
from randquant.stages import stage_of, unordered_axis
from randquant.views import View, batch_of, stacked, taken

LEAST = 0.5  # share of a sample in its own mixture


class Mixture(NamedTuple):
    """What a batch was mixed of.

    Attributes:
        weight: (B,) float32, share of the sample itself, from 0.5 (less where it was rounded) to 1.
        partner: (B,) int64, the sample that it was mixed with.
    """

    weight: Tensor
    partner: Tensor

    def labels(self, keys: int) -> Tensor:
        """Soft labels (B, keys) of mixed queries: the weight at the own key, the rest at the partner's.

        Args:
            keys: K, those of the batch's B samples first, in its order; others are negatives.

        Raises:
            ValueError: fewer keys than samples.
        """
        size = len(self.weight)
        if keys < size:
            raise ValueError(f"expected at least as many keys as the {size} samples, got {keys}.")
        labels = self.weight.new_zeros(size, keys)
        labels.diagonal().copy_(self.weight)
        return labels.scatter_add(1, self.partner[:, None], 1.0 - self.weight[:, None])

    def candidates(self, candidates: Tensor | None) -> Tensor | None:
        """Of mixed queries: the keys (B, K) bool that the sample or its partner is told its own from; None means all.

        With the parts of one recording as candidates these are the parts of both recordings, so that what the parts of
        one share still tells nothing.
        """
        return None if candidates is None else candidates | candidates[self.partner]

    def targets(self, targets: Tensor) -> Tensor:
        """What BYOL's mixed queries are to be similar to: w k_i + (1 - w) k_partner of directions k, (B, D).

        It is not of length one: `byol_loss(q, mix.targets(k), directions=True)` is the mixture of both losses.

        Args:
            targets: (B, D), the teacher's projections.

        Raises:
            ValueError: another shape.
        """
        if targets.ndim != 2 or len(targets) != len(self.weight):
            raise ValueError(f"expected targets of shape ({len(self.weight)}, D), got {tuple(targets.shape)}.")
        direction = F.normalize(targets.float(), dim=-1)
        weight = self.weight[:, None]
        return weight * direction + (1.0 - weight) * direction[self.partner]


class MixParams(NamedTuple):
    """One draw of `Mix`: weights (B,), partners (B,), and what the blend draws."""

    weight: Tensor
    partner: Tensor
    blend: Any


class Mix(nn.Module):
    """Mix every sample of a batch with another one, and say how much of it is left.

    Each sample has its own weight, max(w, 1 - w) of w ~ Beta(alpha, alpha), so that it is the larger part; the
    partners are a permutation of the batch. In eval mode nothing is mixed.

    Args:
        kind: "mixup" averages; "cutmix" takes a box of (B, C, H, W), or a run of tokens (B, N, D), from the partner.
        alpha: of the Beta distribution, above zero; 1 is uniform, smaller mixes less.
        layer: where a method mixes: "input", a stage of the encoder, "embedding" (its output), or several joined by
            +, of which each step draws one. Called by itself, a `Mix` mixes what it is given.
        symmetric: a method mixes every view in turn; otherwise of every two views the first alone.
        blend: how inputs are mixed, where they are no pictures or vectors; None is as `kind` says.

    Raises:
        ValueError: an argument out of range.

    >>> x, mix = Mix(alpha=1.0)(torch.rand(4, 3, 8, 8))
    >>> mix.labels(6).sum(dim=1)
    tensor([1., 1., 1., 1.])
    """

    def __init__(
        self,
        kind: MixKind = "mixup",
        alpha: float = 1.0,
        layer: str = "input",
        symmetric: bool = False,
        blend: Blend | None = None,
    ) -> None:
        super().__init__()
        if kind not in ("mixup", "cutmix"):
            raise ValueError(f"kind should be 'mixup' or 'cutmix', got {kind!r}.")
        if not 0.0 < alpha < float("inf"):
            raise ValueError(f"alpha should be above zero and finite, got {alpha!r}.")
        self.kind, self.alpha, self.layers, self.symmetric = kind, alpha, layer.split("+"), symmetric
        self.blend = standard_blend(kind) if blend is None else blend

    def make_params(
        self, x: View, *, generator: torch.Generator | None = None, blend: Blend | None = None
    ) -> MixParams:
        """Draw weights and partners; only shape and device of x are used."""
        size, device = batch_of(x)
        shares = _dirichlet(self.alpha, (size, 2), device, generator)
        partner = torch.randperm(size, device=device, generator=generator)
        return MixParams(shares.amax(dim=1), partner, (blend or self.blend).make_params(x, generator=generator))

    def transform(self, x: View, params: MixParams, *, blend: Blend | None = None) -> tuple[Any, Mixture]:
        """Apply a draw."""
        other = taken(x, params.partner)
        mixed, weight = (blend or self.blend).transform(x, other, params.weight, params.blend)
        return mixed, Mixture(weight, params.partner)

    def forward(
        self, x: View, *, generator: torch.Generator | None = None, blend: Blend | None = None
    ) -> tuple[Any, Mixture]:
        """Mix a view of B samples, and say what it was mixed of."""
        if not self.training:
            size, device = batch_of(x)
            return x, Mixture(torch.ones(size, device=device), torch.arange(size, device=device))
        return self.transform(x, self.make_params(x, generator=generator, blend=blend), blend=blend)

    def through(
        self, network: Callable[[View], Tensor], encoder: nn.Module, queries: Sequence[View], clean: Sequence[View] = ()
    ) -> tuple[Tensor, list[Mixture]]:
        """Pass views through a network as one batch, the queries mixed at this mix's layer.

        Args:
            network: contains the encoder.
            encoder: where a hidden layer is mixed.
            queries: views, each mixed by itself.
            clean: further views, which are not mixed.

        Returns:
            The network's output (views * B, ...), queries first, and the mixture of each query.
        """
        number = int(torch.randint(len(self.layers), ())) if len(self.layers) > 1 else 0
        if self.layers[number] == "input":
            mixed = [self(view) for view in queries]
            return network(stacked([*(view for view, _ in mixed), *clean])), [mixture for _, mixture in mixed]
        with self.inside(encoder, self.layers[number], queries=len(queries), clean=len(clean)) as mixtures:
            return network(stacked([*queries, *clean])), mixtures

    @contextmanager
    def inside(self, encoder: nn.Module, layer: str, queries: int = 1, clean: int = 0) -> Iterator[list[Mixture]]:
        """While it is open, mix at a layer of the encoder; the list then holds the mixtures of one pass.

        Args:
            encoder: names its stages, see `randquant.stages`.
            layer: a stage, or "embedding".
            queries: of how many equal parts of the batch the first so many are mixed, each by itself.
            clean: parts that are not.
        """
        mixtures: list[Mixture] = []

        def act(module: nn.Module, inputs: Any, output: Any) -> Any:
            axis = unordered_axis(module, output)
            blend = standard_blend(self.kind) if axis is None else Slots(axis)
            *parts, rest = _split(output, queries, clean)
            mixed = [self(part, blend=blend) for part in parts]
            mixtures.extend(mixture for _, mixture in mixed)
            return _joined([*(part for part, _ in mixed), *([] if rest is None else [rest])])

        hook = layer_of(encoder, layer).register_forward_hook(act)
        try:
            yield mixtures
        finally:
            hook.remove()

    def check(self, encoder: nn.Module) -> None:
        """Refuse layers that the encoder does not have, or at which this kind means nothing.

        Raises:
            UsageError: there is one.
        """
        for layer in self.layers:
            module = None if layer == "input" else layer_of(encoder, layer)
            if self.kind == "cutmix" and (layer == "embedding" or unordered_axis(module or encoder, None) is not None):
                raise UsageError(
                    f"--mix cutmix cannot be at --mix_layer {layer}, which has no places; use mixup there."
                )

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"kind={self.kind!r}, alpha={self.alpha}, layer={'+'.join(self.layers)!r}, symmetric={self.symmetric}"


class InputMixParams(NamedTuple):
    """One draw of `InputMix`: shares (B, k + 1), the own one first, partners (k, B), and what the blend draws."""

    shares: Tensor
    partners: Tensor
    blends: list[Any]


class InputMix(nn.Module):
    """Mix k other samples into each one, whose label stays its own: noise for data that has no augmentations.

    The shares are drawn from a symmetric Dirichlet distribution; half of the whole is the sample's own beforehand. In
    eval mode it is the identity.

    Args:
        k: other samples, at least 1.
        alpha: of the Dirichlet distribution, above zero.
        blend: how inputs are mixed; None averages.

    Source: Lee et al., ICLR 2021, section on InputMix.
    """

    def __init__(self, k: int = 3, alpha: float = 1.0, blend: Blend | None = None) -> None:
        super().__init__()
        if not 0.0 < alpha < float("inf"):
            raise ValueError(f"alpha should be above zero and finite, got {alpha!r}.")
        self.k, self.alpha = checked_count("k", k), alpha
        self.blend = standard_blend("mixup") if blend is None else blend

    def make_params(self, x: View, *, generator: torch.Generator | None = None) -> InputMixParams:
        """Draw shares and partners; only shape and device of x are used."""
        size, device = batch_of(x)
        shares = (1.0 - LEAST) * _dirichlet(self.alpha, (size, self.k + 1), device, generator)
        shares[:, 0] += LEAST
        partners = [torch.randperm(size, device=device, generator=generator) for _ in range(self.k)]
        blends = [self.blend.make_params(x, generator=generator) for _ in range(self.k)]
        return InputMixParams(shares, torch.stack(partners), blends)

    def transform(self, x: View, params: InputMixParams) -> Any:
        """Apply a draw: partner after partner, so that the shares of all come out as drawn."""
        mixed, total = x, params.shares.cumsum(dim=1)
        for number, (partner, drawn) in enumerate(zip(params.partners, params.blends, strict=True)):
            kept = total[:, number] / total[:, number + 1]
            mixed, _ = self.blend.transform(mixed, taken(x, partner), kept, drawn)
        return mixed

    def forward(self, x: View, *, generator: torch.Generator | None = None) -> Any:
        """Mix a view of B samples."""
        return self.transform(x, self.make_params(x, generator=generator)) if self.training else x

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"k={self.k}, alpha={self.alpha}"


def layer_of(encoder: nn.Module, layer: str) -> nn.Module:
    """The module whose output is mixed: a stage, or for "embedding" the encoder itself."""
    return encoder if layer == "embedding" else stage_of(encoder, layer, "--mix_layer")


def _dirichlet(alpha: float, shape: tuple[int, int], device: torch.device, generator: torch.Generator | None) -> Tensor:
    """Shares (B, n) of symmetric Dirichlet draws; in double precision, as small alphas give tiny gammas."""
    concentration = torch.full(shape, alpha, dtype=torch.float64, device=device)
    return torch._sample_dirichlet(concentration, generator=generator).float()


def _split(output: Any, queries: int, clean: int) -> list[Any]:
    """The parts of a stage's output that are mixed, and the rest, None where there is none."""
    if isinstance(output, tuple):
        each = [_split(part, queries, clean) for part in output]
        return [None if part[0] is None else part for part in zip(*each, strict=True)]
    size = len(output) // (queries + clean)
    parts = output.split([size] * queries + [size * clean])
    return [*parts[:-1], parts[-1] if clean else None]


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], tuple):
        return tuple(torch.cat(each) for each in zip(*parts, strict=True))
    return torch.cat(parts)
