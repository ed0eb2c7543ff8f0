"""A sample of the campaign of kills; the whole of it is `python -m tests.campaign.kills`."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_six_kills_are_exact_and_leave_nothing() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.campaign.kills",
        "--kills",
        "6",
        "--only",
        "prepare audio",
        "pretrain points",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "6 kills: 6 exact, 0 not"
