"""Make sure that Open3D finds the system library libusb-1.0. Set-up runs this; to run it again:

    python -m scripts.check_libusb

It prints nothing where the library is there. As root, where there is apt-get, it prints the commands that install the
library and runs them; otherwise it prints the one to type. It never fails: without libusb-1.0 only what Open3D does
(Poisson sampling) is missing.
"""

import ctypes
import os
import shutil
import subprocess
import sys

LIBRARY = "libusb-1.0.so.0"
STEPS = ("apt-get update", "apt-get install -y libusb-1.0-0")
COMMAND = " && ".join(STEPS)
OPTIONS = ("-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=60")


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
    """Run the commands, with little to read; whether that worked shows when the library is loaded."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in STEPS:
        program, *words = step.split()
        print(f"    {step}", flush=True)
        if subprocess.run([program, *OPTIONS, *words], check=False, env=environment).returncode != 0:
            return


def main() -> int:
    """Check, install where possible, and say what is left to do.

    Returns:
        0, whatever was found.
    """
    if sys.platform != "linux" or loads():
        return 0
    if may_install():
        print("Open3D needs the system library libusb-1.0. This user is root, so it is installed now, by", flush=True)
        install()
        if loads():
            return 0
    print("Open3D needs the system library libusb-1.0; everything else works without it. To install it:")
    print(f"    sudo sh -c '{COMMAND}'")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
