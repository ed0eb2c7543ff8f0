"""Moments against scikit-learn and against one another."""

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from randquant.probes.items.scaling import Moments, merged, moments


def odd_columns() -> torch.Tensor:
    x = 3 * torch.randn(50, 7) + 100
    x[:, 2] = 0.1  # constant
    x[:40, 3] = -5.0  # constant where it is fitted
    x[:, 4] = 0.0
    return x


def test_standardise_equals_scikit_learn() -> None:
    x = odd_columns()
    expected = StandardScaler().fit(x[:40].double().numpy()).transform(x.double().numpy())
    found = moments([x[:40]])
    np.testing.assert_allclose(found.standardise(x).numpy(), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.standardise_(x.clone()).numpy(), expected, rtol=1e-3, atol=1e-4)


def test_pieces_give_the_moments_of_the_whole() -> None:
    x = odd_columns()
    whole = moments([x])
    for found in (moments(x.split(7)), merged([moments([x[30:]]), moments([x[:5]]), moments(x[5:30].split(4))])):
        assert isinstance(found, Moments)
        assert found.count == 50
        torch.testing.assert_close(found.mean, whole.mean)
        torch.testing.assert_close(found.deviation, whole.deviation)
    assert whole.deviation[2] == whole.deviation[4] == 1
