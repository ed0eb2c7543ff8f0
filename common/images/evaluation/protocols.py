"""The published evaluations of frozen encoders of pictures."""

from dataclasses import dataclass

from randquant.evaluation.preset import Preset
from randquant.images.evaluation.settings import ProtocolName
from randquant.probes.knn import KnnSettings
from randquant.probes.linear import LinearSettings


@dataclass(frozen=True)
class ImageProtocol(Preset):
    """A protocol of pictures.

    Attributes:
        share: of a picture's shorter side that the square has which the encoder sees; pictures that have its size are
            seen whole.
    """

    share: float = 1.0


PROTOCOLS: dict[ProtocolName, ImageProtocol] = {
    "moco-v3": ImageProtocol(
        "moco-v3",
        source="Chen, Xie and He, ICCV 2021, and their evaluation code",
        probes=("linear",),
        settings=(
            LinearSettings(
                learning_rates=(0.4,),  # 0.1 for 256 items a batch
                weight_decay=0.0,
                batch_size=1024,
                max_epochs=90,
                patience=90,
                repeats=3,
                optimizer="sgd",
                schedule="cosine",
            ),
        ),
        departures=(
            "features of the middle of each picture, extracted once, instead of random crops and flips",
            "features standardised by the training items",
            "the weights of the best epoch on validation instead of the last one's",
        ),
        share=224 / 256,
    ),
    "modified-moco": ImageProtocol(
        "modified-moco",
        source="the public code of Modified-MoCo (soonwonh), whose kNN follows every epoch",
        probes=("knn",),
        settings=(KnnSettings(neighbours=(200,), temperatures=(0.1,)),),
    ),
}
