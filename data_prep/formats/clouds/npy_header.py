"""The header of a .npy file, or of a member of an .npz, read without loading the array."""

from typing import IO

import numpy as np

Header = tuple[tuple[int, ...], bool, np.dtype]


def read_npy_header(stream: IO[bytes]) -> Header:
    """Read shape, order (True for Fortran) and dtype; the stream is left after the header. Nothing is unpickled.

    Raises:
        ValueError: it is no .npy.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return shape, fortran, dtype
