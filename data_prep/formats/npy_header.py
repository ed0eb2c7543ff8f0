"""What a .npy, or a member of an .npz, says that it holds, read without loading it."""

from typing import IO

import numpy as np

Header = tuple[tuple[int, ...], bool, np.dtype]


def read_npy_header(stream: IO[bytes]) -> Header:
    """Shape, order (True for Fortran's) and dtype; the stream stands behind them. No object is ever unpickled.

    Raises:
        ValueError: it is no .npy.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return shape, fortran, dtype
