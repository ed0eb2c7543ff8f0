"""The small synthetic datasets that a command writes, by the name of the dataset that prepares them."""

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.exchange.registry import EXCHANGE
from randquant.errors import UsageError

# A line a miniature: the module and name of what writes it. `small_…` takes flags of its own, `write_…` a folder and a
# seed, and is loaded when it writes; each returns the folder to prepare.
_ENTRIES = {
    "nsynth": "small:small_nsynth",
    "us8k": "sounds.us8k:write_us8k",
    "voxceleb1": "sounds.voxceleb1:write_voxceleb1",
    "voxforge": "sounds.voxforge:write_voxforge",
    "spcv2": "sounds.speech_commands:write_speech_commands",
    "audioset": "sounds.audioset:write_audioset",
    "fsd50k": "sounds.fsd50k:write_fsd50k",
    "modelnet": "small:small_modelnet",
    "modelnet-txt": "shapes.modelnet:write_modelnet_txt",
    "modelnet-h5": "shapes.modelnet:write_modelnet_h5",
    "modelnet-dat": "shapes.modelnet:write_modelnet_dat",
    "scanobjectnn": "shapes.scanobjectnn:write_scanobjectnn",
    "shapenet": "shapes.shapenet:write_shapenet55",
    "shapenetpart": "shapes.shapenet:write_shapenetpart",
    "covtype": "tables:small_covtype",
    "cifar10": "small:small_cifar10",
    "cifar100": "pictures.cifar:write_cifar100",
    "stl10": "pictures.stl10:write_stl10",
    "imagenet": "pictures.imagenet:write_imagenet",
    "hf": "small:small_hf",
    "webdataset": "exchange:write_webdataset",
    "kaldi": "exchange:write_kaldi",
}
_PREPARED = {**DATASETS, **EXCHANGE}


def prepared_by(name: str) -> list[str]:
    """The datasets that are prepared from the tree of `name`."""
    return [dataset.name for dataset in _PREPARED.values() if dataset.marks == _PREPARED[name].marks]


def _miniature(name: str, entry: str) -> Callable[..., Path]:
    place = f"randquant.data_prep.synthetic.{entry}"
    if entry.partition(":")[2].startswith("small_"):
        small: Callable[..., Path] = resolve_name(place)
        return small

    def miniature(out: Path, seed: int = 0) -> Path:
        if seed < 0:
            raise UsageError(f"--seed should be at least 0, got {seed}.")
        written: Path = resolve_name(place)(out, seed=seed)
        return written

    kind = {"audio": "sounds", "points": "shapes", "images": "pictures"}[_PREPARED[name].kind]
    miniature.__doc__ = f"""Write a few megabytes of made-up {kind} in the tree of {_PREPARED[name].title}.

    Args:
        out: folder to write into.
        seed: of everything that is drawn.
    """
    return miniature


MINIATURES: dict[str, Callable[..., Path]] = {name: _miniature(name, entry) for name, entry in _ENTRIES.items()}
