"""SimCLR: InfoNCE in which the other samples of the query's own view are negatives too.

`python -m randquant.ssl.simclr` trains on toy sounds in seconds and prints its accuracy.
"""

import torch
from torch import Tensor

from randquant.mix import Mixture
from randquant.ssl.infonce import InfoNCE, info_nce


class SimCLR(InfoNCE):
    """InfoNCE with the negatives of both views (NT-Xent); the arguments are those of `InfoNCE`.

    Source: Chen et al., ICML 2020.
    """

    own_view_negatives = True

    def pair_loss(
        self,
        query: Tensor,
        others: Tensor,
        same: Tensor | None,
        candidates: Tensor | None,
        mixture: Mixture | None = None,
    ) -> Tensor:
        """As `InfoNCE.pair_loss`, with the keys of the query's own view but those of the samples it is made of."""
        if same is None:
            return super().pair_loss(query, others, same, candidates, mixture)
        if candidates is None:
            candidates = torch.ones(len(query), len(others), dtype=torch.bool, device=query.device)
        itself = torch.eye(len(query), len(same), dtype=torch.bool, device=query.device)
        labels = None
        if mixture is not None:
            candidates, labels = candidates | candidates[mixture.partner], mixture.labels(2 * len(others))
            itself = itself | itself[mixture.partner]
        both = torch.cat([candidates, candidates & ~itself], dim=1)
        keys = torch.cat([others, same])
        return info_nce(query, keys, temperature=self.temperature, labels=labels, candidates=both)


if __name__ == "__main__":
    from randquant.ssl.toy import learn

    learn(SimCLR)
