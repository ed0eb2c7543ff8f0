"""All public datasets by the names that are typed."""

from data_prep import audioset, fsd50k, nsynth, speech_commands, us8k, voxceleb1, voxforge
from data_prep.dataset import Dataset

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        nsynth.DATASET,
        us8k.DATASET,
        voxceleb1.DATASET,
        voxforge.DATASET,
        speech_commands.SPCV2,
        speech_commands.SPCV2_12,
        audioset.DATASET,
        fsd50k.DATASET,
    )
}
