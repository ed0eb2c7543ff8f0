"""SimCLR: InfoNCE in which the other samples of the query's own view are negatives too.

`python -m randquant.ssl.simclr` trains on toy sounds in seconds and prints its accuracy.
"""

import torch
from torch import Tensor

from randquant.ssl.infonce import InfoNCE, info_nce


class SimCLR(InfoNCE):
    """InfoNCE with the negatives of both views (NT-Xent); the arguments are those of `InfoNCE`.

    Source: Chen et al., ICML 2020.
    """

    def pair_loss(self, query: Tensor, others: Tensor, same: Tensor, candidates: Tensor | None) -> Tensor:
        """As `InfoNCE.pair_loss`, with the keys of the query's own view but its own."""
        if candidates is None:
            candidates = torch.ones(len(query), len(others), dtype=torch.bool, device=query.device)
        itself = torch.eye(len(query), len(same), dtype=torch.bool, device=query.device)
        both = torch.cat([candidates, candidates & ~itself], dim=1)
        return info_nce(query, torch.cat([others, same]), temperature=self.temperature, candidates=both)


if __name__ == "__main__":
    from randquant.ssl.toy import learn

    learn(SimCLR)
