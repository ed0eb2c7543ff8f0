"""Make sure that Open3D finds the system library libusb-1.0. Set-up runs this; to run it again:

    python -m scripts.check_libusb

It prints nothing where the library is there, installs it where it may (root, with apt), and otherwise prints the one
command to type. It never fails: without libusb-1.0 only what Open3D does (Poisson sampling) is missing.
"""

import ctypes
import os
import shutil
import subprocess
import sys

LIBRARY = "libusb-1.0.so.0"
COMMAND = "apt-get update && apt-get install -y libusb-1.0-0"


def loads(library: str = LIBRARY) -> bool:
    """Whether the dynamic loader finds the library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def may_install() -> bool:
    """Whether this user may install system packages with apt without being asked for a password."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    """Install the library quietly; whether that worked shows when it is loaded."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = "-qq -o Acquire::Retries=1 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=60"
    command = COMMAND.replace("apt-get", f"apt-get {options}")
    subprocess.run(command, shell=True, check=False, env=environment, capture_output=True)


def main() -> int:
    """Check, install where possible, and say what is left to do.

    Returns:
        0, whatever was found.
    """
    if sys.platform != "linux" or loads():
        return 0
    if may_install():
        print("Installing the system library libusb-1.0, which Open3D needs.", flush=True)
        install()
        if loads():
            return 0
    print("Open3D needs the system library libusb-1.0; everything else works without it. To install it:")
    print(f"    sudo sh -c '{COMMAND}'")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
