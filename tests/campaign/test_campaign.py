"""The campaign of bad inputs, a part a test: no traceback, one sentence, and nothing silently wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.batch import batch_faults
from tests.campaign.campaign import command_parts, faults, file_parts
from tests.campaign.child import Commands
from tests.campaign.input import Input
from tests.campaign.material import build

INPUTS, SEED = 700, 0
SHARES = 8  # of pieces and of flags, so that no test takes long and workers share them
FILES = file_parts(INPUTS, SEED)
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]  # with whatever else the machine does


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with Commands() as started:
        yield started


@pytest.fixture(scope="module")
def parts(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Input]]:
    material = build(tmp_path_factory.mktemp("campaign") / "good", commands)
    return command_parts(material, INPUTS, SEED)


@pytest.mark.parametrize("part", FILES)
def test_damaged_files(part: str, commands: Commands, tmp_path: Path) -> None:
    assert list(batch_faults(FILES[part], commands, tmp_path / "part")) == []


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("part", ["pieces", "flags"])
def test_damaged_pieces_and_mistyped_flags(
    part: str, share: int, commands: Commands, parts: dict[str, list[Input]], tmp_path: Path
) -> None:
    assert faults(parts[part][share::SHARES], commands, tmp_path) == []
