"""The original module's name and arguments on top of `RandomizedQuantization`: change the import and nothing else.

    - from randomized_quantization import RandomizedQuantizationAugModule
    + from randquant.compat import RandomizedQuantizationAugModule

The distribution is that of the original (Wu et al., ICCV 2023, github.com/microsoft/random_quantize). What differs is
what was wrong there: `p_random_apply_rand_quant` always counts samples (with `transforms_like=True` it counted
channels); `spacing="uniform"` works for every `region_num`; any rank, strides, float16 and bfloat16, NaN and large
values are accepted; a wrong argument is named; there is no check on values in `forward`, so no wait for the GPU.
As there, the module stays on in eval mode.
"""

from typing import Literal

from torch import Tensor, nn

from randquant.quantize import Edges, RandomizedQuantization, Value

_VALUES: dict[str, Value] = {"inside_random": "random", "middle": "midpoint", "all_zeros": "zero"}
_EDGES: dict[str, Edges] = {"random": "random", "uniform": "uniform"}


class RandomizedQuantizationAugModule(nn.Module):
    """One quantizer per sample and channel of images (C, H, W) or (B, C, H, W).

    Args:
        region_num: number of bins, at least 2.
        collapse_to_val: "inside_random", "middle" or "all_zeros".
        spacing: "random" or "uniform".
        transforms_like: accepted for the sake of old code; batched and unbatched input are told apart by rank.
        p_random_apply_rand_quant: probability that a sample is quantized.

    Raises:
        ValueError: an argument is not one of these.
    """

    def __init__(
        self,
        region_num: int,
        collapse_to_val: Literal["inside_random", "middle", "all_zeros"] = "inside_random",
        spacing: Literal["random", "uniform"] = "random",
        transforms_like: bool = False,
        p_random_apply_rand_quant: float = 1,
    ) -> None:
        super().__init__()
        if collapse_to_val not in _VALUES:
            raise ValueError(f"collapse_to_val should be one of {', '.join(_VALUES)}, got {collapse_to_val!r}.")
        if spacing not in _EDGES:
            raise ValueError(f"spacing should be one of {', '.join(_EDGES)}, got {spacing!r}.")
        self.quantize = RandomizedQuantization(
            bins=region_num,
            dim=(-2, -1),
            p=p_random_apply_rand_quant,
            edges=_EDGES[spacing],
            value=_VALUES[collapse_to_val],
        )

    def forward(self, x: Tensor) -> Tensor:
        """Quantize (C, H, W) or (..., C, H, W)."""
        return self.quantize.transform(x, self.quantize.make_params(x))
