"""The formats of other tools by their command-line names."""

from typing import TYPE_CHECKING

from randquant.data_prep.datasets.registry import Listed
from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.data_prep.dataset import Dataset

LISTED = {
    "hf": Listed(
        "huggingface:DATASET",
        "a dataset of Hugging Face: a folder of save_to_disk, Parquet files, audiofolder or imagefolder",
    ),
    "webdataset": Listed(
        "webdataset:DATASET", "webdataset shards: TAR files of sounds or pictures, each with its .json, .cls or .txt"
    ),
    "kaldi": Listed(
        "kaldi:DATASET",
        "a Kaldi data folder: wav.scp, with segments, and a label an utterance from utt2spk, text or the like",
    ),
}

EXCHANGE: LateRegistry["Dataset"] = LateRegistry(
    "randquant.data_prep.exchange", {name: listed.place for name, listed in LISTED.items()}
)
