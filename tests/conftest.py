"""Every test starts from the same random state; a test that fails for one draw fails again."""

from pathlib import Path

import pytest
import torch

from randquant.cli import compilation

COMMANDS = Path(__file__).parent / "scripts"


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def silent_compilation() -> None:
    """What a command says is then the same whatever has been compiled before."""
    compilation._SAYING.said = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole commands first: they take longest, and one that began last would keep a core waiting for it. What needs a
    GPU is left out where there is none."""
    items.sort(key=lambda item: COMMANDS not in item.path.parents)
    if not torch.cuda.is_available():
        needing = [item for item in items if item.get_closest_marker("gpu") is not None]
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item.get_closest_marker("gpu") is None]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once what was left out."""
    if not torch.cuda.is_available():
        terminalreporter.write_line("Tests marked gpu were left out: they need a CUDA device.")
