"""Freed memory is kept where the C library can, and batches of sound are as large as that makes sensible."""

import ctypes
import subprocess
import sys

import pytest

ASKED = """
from randquant.audio.embedding.window_batches import batch_seconds
from randquant.kept_memory import keep_freed_memory, keeps_freed_memory
print(keeps_freed_memory(), batch_seconds("cpu"))
keep_freed_memory()
print(keeps_freed_memory(), batch_seconds("cpu"))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_batches_are_larger_once_memory_is_kept() -> None:
    said = subprocess.run([sys.executable, "-c", ASKED], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == ["False 16.0", "True 64.0"]
