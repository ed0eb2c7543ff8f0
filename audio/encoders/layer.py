"""The layers of audio encoders that embeddings are taken from."""

from typing import Literal

Layer = Literal["output", "conv", "conv+output"]
