"""All public datasets by the names that are typed."""

from data_prep.dataset import Dataset
from data_prep.datasets import (
    audioset,
    fsd50k,
    modelnet,
    modelnet_dat,
    modelnet_h5,
    modelnet_txt,
    nsynth,
    scanobjectnn,
    shapenet,
    shapenetpart,
    speech_commands,
    us8k,
    voxceleb1,
    voxforge,
)

# By what a store of them holds.
SOUNDS = (
    nsynth.DATASET,
    us8k.DATASET,
    voxceleb1.DATASET,
    voxforge.DATASET,
    speech_commands.SPCV2,
    speech_commands.SPCV2_12,
    audioset.DATASET,
    fsd50k.DATASET,
)
SHAPES = (
    modelnet.DATASET,
    modelnet_txt.DATASET,
    modelnet_h5.DATASET,
    modelnet_dat.DATASET,
    scanobjectnn.DATASET,
    shapenet.DATASET,
    shapenetpart.DATASET,
)

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in (*SOUNDS, *SHAPES)}
