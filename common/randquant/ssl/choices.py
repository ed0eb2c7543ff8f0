"""What settings of the methods choose from."""

from typing import Literal

Head = Literal["byol", "linear", "mocov2", "mocov3", "mocov3_vit"]
Negatives = Literal["batch", "group", "mixed"]
Schedule = Literal["constant", "cosine"]  # of the teacher's momentum
