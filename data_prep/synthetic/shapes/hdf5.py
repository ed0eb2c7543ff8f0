"""HDF5 files of clouds, written reproducibly: equal arrays give equal bytes."""

from collections.abc import Mapping
from pathlib import Path

from numpy.typing import NDArray

from randquant.errors import DataError


def write_h5(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write compressed arrays under their names; the folder of `path` must exist.

    Raises:
        DataError: h5py is not installed.
    """
    try:
        import h5py
    except (ImportError, OSError):
        raise DataError("HDF5 files need h5py to be written; pip install h5py.") from None
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip", compression_opts=4)
