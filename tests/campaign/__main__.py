"""A longer campaign than the tests run:

    python -m tests.campaign --inputs 5000 --seed 7

prints every fault, a line for each part, and closes with `5,000 inputs, 0 faults, … s`.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from tests.campaign.campaign import campaign
from tests.campaign.child import Commands


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    began, total, wrong = time.monotonic(), 0, 0
    folder = Path(tempfile.mkdtemp(prefix="campaign"))
    with Commands() as commands:
        for name, count, found in campaign(commands, folder, inputs=chosen.inputs, seed=chosen.seed):
            total, wrong = total + count, wrong + len(found)
            print("\n".join([*found, f"{name}: {count:,} inputs, {len(found):,} faults"]), flush=True)
    shutil.rmtree(folder)
    print(f"{total:,} inputs, {wrong:,} faults, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
