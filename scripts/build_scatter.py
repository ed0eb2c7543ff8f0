"""Build torch-scatter, which the package index has as source only, for the torch that is installed.

    python -m scripts.build_scatter

Everything runs without torch-scatter, and reductions over ragged batches run faster with it. Compiling takes minutes
(five on two cores, for the CPU alone), so the built wheel is kept, by versions, in the user's cache folder, and another
environment with the same torch installs it in seconds. A GPU with its compiler (nvcc) at hand gets the CUDA kernels
too; FORCE_ONLY_CPU=1 leaves them out, MAX_JOBS limits the compilers that run at once. It closes with

    torch-scatter 2.1.2 works (cpu).
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from randquant.cli.command import run
from randquant.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
# A wheel built against another torch installs and then fails to load, so the check computes something.
CHECK = """
import sys, torch, torch_scatter
ones, index = torch.ones(3, device=sys.argv[1]), torch.tensor([0, 0, 1], device=sys.argv[1])
assert torch_scatter.scatter_max(ones, index)[0].tolist() == [1.0, 1.0]
print(torch_scatter.__version__)
"""


def build_scatter(rebuild: bool = False) -> None:
    """Install torch-scatter for the torch in this environment, from the cache or by compiling it.

    Args:
        rebuild: compile again even where a build is at hand.
    """
    device = target()
    version = None if rebuild else working_version(device)
    if version is None and not rebuild and (kept := kept_wheel(device)):
        install(kept)
        version = working_version(device)
    if version is None:
        install(compile_wheel(device))
        version = working_version(device)
    if version is None:
        raise DataError(
            "torch-scatter was built but does not load; report it with the versions of torch and the compiler."
        )
    print(f"torch-scatter {version} works ({device}).")


def target() -> str:
    """`cuda` where there is both a GPU and a compiler for it, otherwise `cpu`."""
    import torch

    if os.environ.get("FORCE_ONLY_CPU", "0") == "1" or not torch.cuda.is_available():
        return "cpu"
    from torch.utils.cpp_extension import CUDA_HOME  # warns as it loads where there is no GPU

    return "cpu" if CUDA_HOME is None else "cuda"


def working_version(device: str) -> str | None:
    """Version of the installed torch-scatter if it computes on `device`, otherwise None."""
    checked = subprocess.run([sys.executable, "-c", CHECK, device], capture_output=True, text=True, check=False)
    return checked.stdout.strip() if checked.returncode == 0 else None


def wheel_folder(device: str) -> Path:
    """Where the wheels for this torch, Python, machine and device are kept."""
    import torch

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kind = device if device == "cpu" else "sm{}{}".format(*torch.cuda.get_device_capability())
    name = f"torch-{torch.__version__}-py{sys.version_info.major}{sys.version_info.minor}"
    return cache / "randquant" / "wheels" / f"{name}-{sys.platform}-{platform.machine()}-{kind}"


def kept_wheel(device: str) -> Path | None:
    """The wheel an earlier build left in the cache, if any."""
    return next(wheel_folder(device).glob(f"torch_scatter-{pinned_version()}-*.whl"), None)


def pinned_version() -> str:
    """The version of torch-scatter that constraints.txt names.

    Raises:
        DataError: there is no clone, which alone has that file.
    """
    file = ROOT / "constraints.txt"
    if not file.is_file():
        raise DataError(
            "build_scatter takes the version from constraints.txt of a clone; without one, type: pip install "
            "--no-build-isolation torch-scatter."
        )
    lines = file.read_text().replace("torch_scatter", "torch-scatter").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("torch-scatter=="))


def compile_wheel(device: str) -> Path:
    """Compile torch-scatter into a wheel in the cache; DataError where that fails."""
    if shutil.which(os.environ.get("CXX", "c++")) is None:
        raise DataError("torch-scatter needs a C++ compiler; on Debian and Ubuntu: apt-get install -y g++")
    folder = wheel_folder(device)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Compiling torch-scatter for {device}; this takes minutes. The wheel is kept in {folder}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        command = [*PIP, "wheel", "--no-build-isolation", "--no-deps", "--no-cache-dir", "--wheel-dir", temporary]
        command += ["--no-binary", "torch-scatter", f"torch-scatter=={pinned_version()}"]
        if subprocess.run(command, env=build_environment(Path(temporary), device), check=False).returncode != 0:
            raise DataError(
                "torch-scatter did not compile (the compiler's output is above); everything runs without it, "
                "and FORCE_ONLY_CPU=1 make scatter leaves out the CUDA kernels."
            )
        built = next(Path(temporary).glob("*.whl"))
        return built.replace(folder / built.name)


def build_environment(temporary: Path, device: str) -> dict[str, str]:
    """The environment to compile in: for this device alone, and as many compilers at once as is safe."""
    environment = {**os.environ, "FORCE_ONLY_CPU": "1" if device == "cpu" else "0"}
    if device == "cpu":
        # Its four libraries are compiled one after the other unless setuptools is told otherwise. Not beside
        # CUDA, where torch swaps the compiler between files.
        configuration = temporary / "parallel.cfg"
        jobs = os.environ.get("MAX_JOBS") or str(os.cpu_count() or 1)
        configuration.write_text(f"[build_ext]\nparallel = {jobs}\n")
        environment["DIST_EXTRA_CONFIG"] = str(configuration)
    return environment


def install(built: Path) -> None:
    """Install a wheel over whatever torch-scatter is there."""
    command = [*PIP, "install", "--quiet", "--no-deps", "--force-reinstall", str(built)]
    if subprocess.run(command, check=False).returncode != 0:
        raise DataError(f"{built} could not be installed (pip's reason is above); delete it and try again.")


if __name__ == "__main__":
    raise SystemExit(run(build_scatter))
