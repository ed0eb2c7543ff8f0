"""Log-mixup-exp: mix in a past sound."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_count, checked_probability
from randquant.augmentation import Augmentation


class MixupParams(NamedTuple):
    """One draw of `LogMixupExp`: weight (B,) of the partner, partner (B, 1, F, T), known () bool: one was there."""

    weight: Tensor
    partner: Tensor
    known: Tensor


class LogMixupExp(Augmentation):
    """Mix in a past sound: log((1 - w) exp(x) + w exp(z)), w ~ U(0, alpha), z uniform from a bank of past inputs.

    The bank is a ring buffer of the last `bank_size` inputs, float32, on the device. Every draw (`make_params`)
    first takes partners from the bank and then pushes its whole input, as it also advances the generator; the first
    draw therefore finds an empty bank and leaves x unchanged. Used once a view, as published, each sample enters once
    a view. `transform` neither reads nor writes the bank. The buffers `bank`, `cursor` and `filled` are in the state
    dict, so that a resumed run mixes what the uninterrupted one would have mixed.

    Args:
        alpha: the largest weight of the partner, in [0, 1]; 0.4 in BYOL-A v1, 0.2 in v2.
        bank_size: past inputs kept; 2048 of (1, 64, 96) take 50 MB.
    """

    bank: Tensor
    cursor: Tensor
    filled: Tensor

    def __init__(self, alpha: float = 0.4, bank_size: int = 2048) -> None:
        super().__init__()
        self.alpha, self.bank_size = checked_probability("alpha", alpha), checked_count("bank_size", bank_size)
        # The bank takes its (1, F, T) from the first input; until then it has no rows to speak of.
        self.register_buffer("bank", torch.empty(0))
        self.register_buffer("cursor", torch.zeros((), dtype=torch.long))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))
        self.register_load_state_dict_pre_hook(_fit_stored_bank)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> MixupParams:
        """Draw weights and partners for x, then push x into the bank.

        Raises:
            ValueError: x has another (C, F, T) than the inputs before it.
        """
        self._fit_bank(x)
        draws = torch.rand(2, x.shape[0], device=x.device, generator=generator)
        known = self.filled > 0
        index = (draws[1] * self.filled).long().minimum(self.filled - 1).clamp(min=0)
        params = MixupParams(weight=draws[0] * self.alpha, partner=self.bank[index], known=known)
        self._push(x)
        return params

    def transform(self, x: Tensor, params: MixupParams) -> Tensor:
        """Mix every sample with its partner."""
        weight = params.weight.reshape(-1, *[1] * (x.ndim - 1))
        values = x.float()
        # logaddexp never exponentiates large values, and a weight of zero gives x itself.
        mixed = torch.logaddexp(values + (-weight).log1p(), params.partner + weight.log())
        return torch.where(params.known, mixed, values).to(x.dtype)

    def _fit_bank(self, x: Tensor) -> None:
        shape = (self.bank_size, *x.shape[1:])
        if self.bank.numel() == 0:
            self.bank = x.new_zeros(shape, dtype=torch.float32)
        elif self.bank.shape != shape:
            raise ValueError(
                f"the mixing bank holds inputs of shape {tuple(self.bank.shape[1:])}, got {tuple(x.shape[1:])}; "
                "use one LogMixupExp for each input shape."
            )

    def _push(self, x: Tensor) -> None:
        kept = x.detach()[-self.bank_size :].to(self.bank.dtype)
        position = (self.cursor + torch.arange(kept.shape[0], device=x.device)) % self.bank_size
        self.bank.index_copy_(0, position, kept)
        self.cursor.add_(kept.shape[0]).remainder_(self.bank_size)
        self.filled.add_(kept.shape[0]).clamp_(max=self.bank_size)


def _fit_stored_bank(module: LogMixupExp, state_dict: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Before loading, give the bank the shape of the stored one; another `bank_size` stays an error of loading."""
    stored = state_dict.get(prefix + "bank")
    if stored is not None and stored.shape[:1] in ((0,), (module.bank_size,)):
        module.bank = torch.zeros_like(stored, device=module.cursor.device)
