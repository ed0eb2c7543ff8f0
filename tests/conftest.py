"""Every test starts from the same random state; a test that fails for one draw fails again."""

from pathlib import Path

import pytest
import torch

COMMANDS = Path(__file__).parent / "scripts"


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole commands first: they take longest, and one that began last would keep a core waiting for it."""
    items.sort(key=lambda item: COMMANDS not in item.path.parents)
