"""Every test starts from the same random state; a test that fails for one draw fails again."""

import pytest
import torch


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)
