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


BEYOND_THRESHOLDS = """
import ctypes, re
from pathlib import Path
from randquant.kept_memory import keep_freed_memory
keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes, library.free.argtypes = (
    ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
)
library.free(library.malloc(3 * 2**30))  # never written, so that it costs nothing
print(int(re.search("VmSize: *(.*) kB", Path("/proc/self/status").read_text())[1]) >= 3 * 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_blocks_of_any_size_are_kept() -> None:
    said = subprocess.run([sys.executable, "-c", BEYOND_THRESHOLDS], check=True, capture_output=True, text=True).stdout
    assert said.strip() == "True"
