"""The small synthetic datasets that a command writes, by the name of the dataset that prepares them."""

from collections.abc import Callable
from pathlib import Path

from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.exchange.registry import EXCHANGE
from randquant.errors import UsageError
from randquant.late_registry import LateRegistry

# A line a miniature: the module and name of what writes it. `small_…` takes flags of its own, `write_…` a folder and a
# seed.
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


def line(name: str) -> str:
    """What a list of commands says of a miniature."""
    return f"Write a small made-up dataset, to prepare with {name}."


def prepared_by(name: str) -> list[str]:
    """The datasets that are prepared from the tree of `name`."""
    known = {**DATASETS, **EXCHANGE}
    return [dataset.name for dataset in known.values() if dataset.marks == known[name].marks]


class _Miniatures(LateRegistry[Callable[..., Path]]):
    """What writes them, with the flags of each."""

    def __getitem__(self, name: str) -> Callable[..., Path]:
        write = super().__getitem__(name)
        return write if write.__name__.startswith("small_") else _with_seed(name, write)


def _with_seed(name: str, write: Callable[..., Path]) -> Callable[..., Path]:
    def miniature(out: Path, seed: int = 0) -> Path:
        if seed < 0:
            raise UsageError(f"--seed should be at least 0, got {seed}.")
        return write(out, seed=seed)

    dataset = DATASETS[name] if name in DATASETS else EXCHANGE[name]
    kind = {"audio": "sounds", "points": "shapes", "images": "pictures"}[dataset.kind]
    miniature.__doc__ = f"""Write a few megabytes of made-up {kind} in the tree of {dataset.title}.

    Args:
        out: folder to write into.
        seed: of everything that is drawn.
    """
    return miniature


MINIATURES = _Miniatures("randquant.data_prep.synthetic", _ENTRIES)
