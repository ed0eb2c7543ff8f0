"""BYOL: predict a momentum teacher's projection of one view from another view.

`python -m randquant.ssl.byol` trains on toy sounds in seconds and prints its accuracy.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.ssl.heads import Projected, predictor, projector
from randquant.ssl.method import Method
from randquant.ssl.momentum import MomentumTeacher
from randquant.views import View, ordered_pairs, together


def byol_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance of the directions: 2 - 2 cos(prediction, target), in [0, 4].

    Args:
        prediction: (B, D) of the online branch.
        target: (B, D) of the momentum branch; no gradient flows into it.

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
        cosine = F.cosine_similarity(prediction.float(), target.detach().float(), dim=-1)
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

    Source: Grill et al., NeurIPS 2020; sizes of BYOL-A, Niizumi et al., IJCNN 2021.
    """

    def __init__(
        self, encoder: nn.Module, embedding_size: int, hidden_size: int = 4096, projection_size: int = 256
    ) -> None:
        super().__init__()
        self.online = Projected(encoder, projector(embedding_size, hidden_size, projection_size))
        self.predictor = predictor(projection_size, hidden_size)
        self.teacher = MomentumTeacher(self.online)

    @property
    def encoder(self) -> nn.Module:  # type: ignore[override]
        """The online encoder: what is kept after pretraining."""
        return self.online[0]

    def forward(self, views: Sequence[View], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Loss over all ordered pairs of views and the online projections (views * B, P).

        `groups` says nothing here: a recording's other parts are neither wanted nor refused.
        """
        inputs = together(views)
        projections = self.online(inputs)
        predictions = self.predictor(projections).chunk(len(views))
        targets = self.teacher(inputs).chunk(len(views))
        loss = torch.stack([self.pair_loss(predictions[i], targets[j]) for i, j in ordered_pairs(views)]).sum()
        return loss, projections.detach()

    def pair_loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Of one view's predictions (B, P) and the teacher's projections (B, P) of another."""
        return byol_loss(prediction, target)

    def after_step(self, momentum: float) -> None:
        """Let the teacher follow."""
        self.teacher.update(self.online, momentum)


if __name__ == "__main__":
    from randquant.ssl.toy import learn

    learn(BYOL)
