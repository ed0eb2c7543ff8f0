"""BYOL: predict a momentum teacher's projection of one view from another view.

`python -m randquant.ssl.byol` trains on toy sounds in seconds and prints its accuracy.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.mix import Mixture
from randquant.ssl.choices import Head
from randquant.ssl.heads import Projected, predictor, projector
from randquant.ssl.method import Method, each_output, key_outputs
from randquant.ssl.momentum import MomentumTeacher
from randquant.views import View


def byol_loss(prediction: Tensor, target: Tensor, *, directions: bool = False) -> Tensor:
    """Mean squared distance of the directions: 2 - 2 cos(prediction, target), in [0, 4].

    Args:
        prediction: (B, D) of the online branch.
        target: (B, D) of the momentum branch; no gradient flows into it.
        directions: the targets are mixtures of directions as they are, `mix.targets(k)`, not to be normalised.

    Raises:
        ValueError: the shapes differ or are not (B, D).

    Source: Grill et al., "Bootstrap your own latent", NeurIPS 2020, eq. 2.

    >>> float(byol_loss(torch.eye(3), 2 * torch.eye(3)))
    0.0
    """
    if prediction.ndim != 2 or prediction.shape != target.shape:
        raise ValueError(
            f"expected two tensors of one shape (B, D), got {tuple(prediction.shape)} and {tuple(target.shape)}."
        )
    with torch.autocast(prediction.device.type, enabled=False):
        target = target.detach().float()
        if directions:
            cosine = (F.normalize(prediction.float(), dim=-1) * target).sum(dim=-1)
        else:
            cosine = F.cosine_similarity(prediction.float(), target, dim=-1)
        return (2.0 - 2.0 * cosine).mean()


class BYOL(Method):
    """Predict the momentum teacher's projection of one view from another view; no negatives.

    The loss adds over ordered pairs of views; with two views it lies in [0, 8]. All views pass each network as one
    batch, so batch norm sees them together.

    Args:
        encoder: (B, ...) -> (B, D).
        embedding_size: D.
        hidden_size: width of both heads.
        projection_size: P.
        head: kind of projector and predictor, see `heads.projector`.

    Source: Grill et al., NeurIPS 2020; sizes of BYOL-A, Niizumi et al., IJCNN 2021.
    """

    reduction = "sum"

    def __init__(
        self,
        encoder: nn.Module,
        embedding_size: int,
        hidden_size: int = 4096,
        projection_size: int = 256,
        head: Head = "byol",
    ) -> None:
        super().__init__()
        self.online = Projected(encoder, projector(embedding_size, hidden_size, projection_size, head))
        self.predictor = predictor(projection_size, hidden_size, head)
        self.teacher = MomentumTeacher(self.online)

    @property
    def encoder(self) -> nn.Module:  # type: ignore[override]
        """The online encoder: what is kept after pretraining."""
        return self.online[0]

    def forward(
        self, views: Sequence[View], groups: Tensor | None = None, *, local: Sequence[View] = ()
    ) -> tuple[Tensor, Tensor]:
        """Loss over all pairs of views and the online projections (queries * B, P).

        `groups` says nothing here: a recording's other parts are neither wanted nor refused.
        """
        pairs = self.pairs(views)
        numbers = sorted({query for query, _ in pairs})
        projections, mixtures = self.mixed(self.online, [views[number] for number in numbers])
        predictions = dict(zip(numbers, self.predictor(projections).chunk(len(numbers)), strict=True))
        mixture = dict(zip(numbers, mixtures, strict=True))
        targets = key_outputs(self.teacher, views, pairs, every=bool(local))
        loss = self.total(
            (self.pair_loss(predictions[i], targets[j], mixture[i]) for i, j in pairs),
            (
                self.pair_loss(prediction, target)
                for prediction in each_output(lambda view: self.predictor(self.online(view)), local)
                for target in targets.values()
            ),
        )
        return loss, projections.detach()

    def pair_loss(self, prediction: Tensor, target: Tensor, mixture: Mixture | None = None) -> Tensor:
        """Of one view's predictions (B, P), mixed or not, and the teacher's projections (B, P) of another."""
        if mixture is None:
            return byol_loss(prediction, target)
        return byol_loss(prediction, mixture.targets(target), directions=True)

    def after_step(self, momentum: float) -> None:
        """Let the teacher follow."""
        self.teacher.update(self.online, momentum)


if __name__ == "__main__":
    from randquant.ssl.toy import learn

    learn(BYOL)
