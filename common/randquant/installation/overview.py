"""What is installed: versions, devices, optional libraries and folders that are shared between runs."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path

import randquant

_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")
_NAME = re.compile(r"[\w.-]+")
_NO_LIBRARIES = ("all", "dev")  # for whoever works on the package itself


def overview() -> list[str]:
    """Lines for a terminal."""
    rows = [
        ("randquant", f"{randquant.__version__} in {Path(randquant.__file__).parent}"),
        ("Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"),
        ("torch, numpy", ", ".join(installed_version(name) for name in ("torch", "numpy"))),
        ("devices", _devices()),
        *_extras(),
        ("caches", _caches()),
    ]
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {text}" for name, text in rows]


def installed_version(name: str) -> str:
    """Of a package, "missing" where there is none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _devices() -> str:
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"unknown, since torch does not load ({' '.join(str(error).split())})"
    found = [f"cpu ({torch.get_num_threads()} threads)"]
    for number in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(number).total_memory / 2**30
        found.append(f"cuda:{number} ({torch.cuda.get_device_name(number)}, {memory:.0f} GiB)")
    if torch.backends.mps.is_available():
        found.append("mps")
    return ", ".join(found)


def _extras() -> list[tuple[str, str]]:
    """Which extras are complete, and what the others lack."""
    wanted = libraries()
    missing = {
        extra: [name for name in names if installed_version(name) == "missing"] for extra, names in wanted.items()
    }
    rows = [("complete", ", ".join(extra for extra, names in missing.items() if not names) or "no extra")]
    lacking = {extra: names for extra, names in missing.items() if names}
    rows += [(f"[{extra}]", f"lacks {', '.join(names)}") for extra, names in lacking.items()]
    if lacking:
        rows.append(("to install", f"pip install 'randquant[{','.join(lacking)}]'"))
    return rows if wanted else [("extras", "unknown, since the package was not installed by pip")]


def libraries() -> dict[str, list[str]]:
    """The libraries of each extra, by its name."""
    try:
        lines = importlib.metadata.requires("randquant") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[str]] = {}
    for line in lines:
        extra, name = _EXTRA.search(line), _NAME.match(line)
        if extra and name and extra[1] not in _NO_LIBRARIES:
            found.setdefault(extra[1], []).append(name[0])
    return found


def _caches() -> str:
    """Where downloaded encoders are kept, and built libraries."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    hugging_face = Path(os.environ.get("HF_HOME") or home / "huggingface")
    hub = os.environ.get("HF_HUB_CACHE") or hugging_face / "hub"
    return f"{hub} (encoders of hf://), {home / 'randquant'} (what build_scatter built)"
