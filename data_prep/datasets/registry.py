"""All public datasets by their command-line names.

`--help` lists them by these lines, so that no dataset's own module loads for it.
"""

from typing import TYPE_CHECKING, NamedTuple

from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.data_prep.dataset import Dataset


class Listed(NamedTuple):
    """A dataset's module and its name there, and what it is in a few words."""

    place: str
    line: str


# A line a dataset, in the order in which the commands are listed.
SOUNDS = {
    "nsynth": Listed("nsynth:DATASET", "NSynth, labelled with the instrument family"),
    "us8k": Listed("us8k:DATASET", "UrbanSound8K, in its ten folds"),
    "voxceleb1": Listed("voxceleb1:DATASET", "VoxCeleb1 for speaker identification"),
    "voxforge": Listed("voxforge:DATASET", "VoxForge for language identification"),
    "spcv2": Listed("speech_commands:SPCV2", "Speech Commands V2, 35 words"),
    "spcv2-12": Listed("speech_commands:SPCV2_12", "Speech Commands V2, ten words, silence and unknown words"),
    "audioset": Listed("audioset:DATASET", "AudioSet, without labels"),
    "fsd50k": Listed("fsd50k:DATASET", "FSD50K, without labels"),
}
SHAPES = {
    "modelnet": Listed("modelnet:DATASET", "ModelNet40, ModelNet10 or another set of meshes in their tree"),
    "modelnet-txt": Listed("modelnet_txt:DATASET", "ModelNet40 (or 10) from 10,000 points a shape, as text"),
    "modelnet-h5": Listed("modelnet_h5:DATASET", "ModelNet40 from 2,048 points a shape, in HDF5 files"),
    "modelnet-dat": Listed(
        "modelnet_dat:DATASET",
        "ModelNet from Point-BERT's pickles of farthest points, which are read without running them",
    ),
    "scanobjectnn": Listed("scanobjectnn:DATASET", "one variant of ScanObjectNN"),
    "shapenet": Listed("shapenet:DATASET", "ShapeNet, for pretraining: meshes, ShapeNet-55 or one array of clouds"),
    "shapenetpart": Listed("shapenetpart:DATASET", "ShapeNetPart, with the part of each point"),
}
PICTURES = {
    "cifar10": Listed("pictures.cifar:CIFAR10", "CIFAR-10"),
    "cifar100": Listed("pictures.cifar:CIFAR100", "CIFAR-100, labelled with its 100 fine or 20 coarse classes"),
    "stl10": Listed("pictures.stl10:DATASET", "STL-10, with its 100,000 pictures without labels"),
    "imagenet": Listed("pictures.imagenet:DATASET", "ImageNet's 1,000 classes; test is the published validation set"),
}
TABLES = {
    "covtype": Listed("tables.covtype:DATASET", "CovType, forest cover in 54 columns"),
    "higgs": Listed("tables.higgs:DATASET", "HIGGS, signal or background in 28 columns"),
}
LISTED = SOUNDS | SHAPES | PICTURES | TABLES

DATASETS: LateRegistry["Dataset"] = LateRegistry(
    "randquant.data_prep.datasets", {name: listed.place for name, listed in LISTED.items()}
)
