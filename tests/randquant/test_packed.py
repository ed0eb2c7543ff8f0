import pytest
import torch

from randquant.packed import cloud_of_row


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_rows_know_their_cloud(dtype: torch.dtype) -> None:
    offsets = torch.tensor([0, 0, 4, 5, 5, 12], dtype=dtype)
    found = cloud_of_row(offsets, 12)
    assert (found.tolist(), found.dtype) == ([1, 1, 1, 1, 2, 4, 4, 4, 4, 4, 4, 4], torch.int64)
