"""The site builds without a warning, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages.blocks import ROOT

ASSET = re.compile(r"<(?:script|img|link rel=\"stylesheet\")[^>]*(?:src|href)=\"(https?:[^\"]*)\"")


@pytest.mark.long
def test_strict_build(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    words = ["build", "--strict", "--quiet", "-f", str(ROOT / "common" / "docs" / "mkdocs.yml"), "-d", str(tmp_path)]
    environment = {**os.environ, "REFERENCE": "no", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    written = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.html")}
    assert {"index.html", "audio/index.html", "gallery/index.html", "first_minute/index.html"} <= set(written)
    assert [asset for text in written.values() for asset in ASSET.findall(text)] == []
    assert "Chen, Xie and He" in written["protocols/index.html"]
