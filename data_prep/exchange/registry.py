"""The formats of other tools by their command-line names."""

from randquant.data_prep.dataset import Dataset
from randquant.data_prep.exchange import huggingface, kaldi, webdataset

EXCHANGE: dict[str, Dataset] = {
    dataset.name: dataset for dataset in (huggingface.DATASET, webdataset.DATASET, kaldi.DATASET)
}
