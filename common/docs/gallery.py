"""Make the pictures of the gallery: run the shell blocks of its page, as they stand there, in build/gallery.

    python common/docs/gallery.py

takes about a minute, and starts afresh each time.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "build" / "gallery"


def main() -> int:
    """Run the blocks one after the other; the exit code of the first that fails."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": f"{ROOT / 'common'}{os.pathsep}{ROOT}"}
    for text in re.findall(r"^```bash\n(.*?)^```$", (HERE / "pages" / "gallery.md").read_text(), re.M | re.S):
        done = subprocess.run(["bash", "-euxc", text], cwd=OUT, env=environment, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
