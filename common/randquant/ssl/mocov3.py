"""MoCo v3: BYOL with a contrastive loss over the batch.

`python -m randquant.ssl.mocov3` trains on toy sounds in seconds and prints its accuracy.
"""

from torch import Tensor, nn

from randquant.mix import Mixture
from randquant.ssl.byol import BYOL
from randquant.ssl.choices import Head
from randquant.ssl.gathering import gathered
from randquant.ssl.infonce import info_nce


class MoCoV3(BYOL):
    """Find the momentum teacher's projection of each sample's other view among those of the batch; no queue.

    It is BYOL with a contrastive loss: the keys of all processes are candidates, and each pair's loss is scaled by
    twice the temperature, so that the rate need not follow the temperature.

    Args:
        encoder, embedding_size, hidden_size, projection_size, head: as for BYOL.
        temperature: divides the cosines.

    Source: Chen, Xie and He, "An empirical study of training self-supervised vision transformers", ICCV 2021.
    """

    def __init__(
        self,
        encoder: nn.Module,
        embedding_size: int,
        hidden_size: int = 4096,
        projection_size: int = 256,
        temperature: float = 0.2,
        head: Head = "byol",
    ) -> None:
        super().__init__(encoder, embedding_size, hidden_size, projection_size, head)
        self.temperature = temperature

    def pair_loss(self, prediction: Tensor, target: Tensor, mixture: Mixture | None = None) -> Tensor:
        """Of one view's predictions (B, P), mixed or not, and the teacher's projections (B, P) of another."""
        keys = gathered(target, gradient=False)
        labels = None if mixture is None else mixture.labels(len(keys))
        return 2.0 * self.temperature * info_nce(prediction, keys, temperature=self.temperature, labels=labels)


if __name__ == "__main__":
    from randquant.ssl.toy import learn

    learn(MoCoV3)
