"""All public datasets by their command-line names."""

from pkgutil import resolve_name

from randquant.data_prep.dataset import Dataset

# A line a dataset: its module and its name there, in the order in which the commands are listed.
_ENTRIES = (
    "nsynth:DATASET",
    "us8k:DATASET",
    "voxceleb1:DATASET",
    "voxforge:DATASET",
    "speech_commands:SPCV2",
    "speech_commands:SPCV2_12",
    "audioset:DATASET",
    "fsd50k:DATASET",
    "modelnet:DATASET",
    "modelnet_txt:DATASET",
    "modelnet_h5:DATASET",
    "modelnet_dat:DATASET",
    "scanobjectnn:DATASET",
    "shapenet:DATASET",
    "shapenetpart:DATASET",
    "pictures.cifar:CIFAR10",
    "pictures.cifar:CIFAR100",
    "pictures.stl10:DATASET",
    "pictures.imagenet:DATASET",
    "tables.covtype:DATASET",
    "tables.higgs:DATASET",
)

_FOUND: list[Dataset] = [resolve_name(f"randquant.data_prep.datasets.{entry}") for entry in _ENTRIES]
DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in _FOUND}
