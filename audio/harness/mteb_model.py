"""An audio model for MTEB and its MAEB, https://github.com/embeddings-benchmark/mteb.

import mteb
from randquant.audio.harness.mteb_model import mteb_model
model = mteb_model("RUN", name="me/my-encoder")
print(mteb.mock_run(model).to_markdown())                                   # offline
mteb.evaluate(model, mteb.get_tasks(modalities=["audio"], exclusive_modality_filter=True))
"""

from typing import Any

import torch
from torch import Tensor

from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.errors import UsageError
from randquant.extras import needs


def mteb_model(checkpoint: str, *, name: str = "randquant/encoder", device: str | None = None) -> Any:
    """The model that `mteb.evaluate` takes.

    Args:
        checkpoint: a run folder, a weights file, or `untrained:ENCODER:D`.
        name: for the results, as owner/model.
        device: where to compute.

    Raises:
        DataError: the checkpoint cannot be opened.
        ImportError: mteb is not installed.
        UsageError: a name of another form.
    """
    if name.count("/") != 1 or not all(name.split("/")):
        raise UsageError(f"name={name!r} should be owner/model, as MTEB names models.")
    with needs("mteb"):
        from mteb.models.abs_encoder import AbsEncoder

    encoder = AudioReadyEncoder.open(checkpoint).to(device or "cpu")

    class RandquantModel(AbsEncoder):
        """Clips to vectors, each as if it were alone: the rest of a batch changes nothing."""

        model = encoder
        mteb_model_meta = _meta(encoder, name)

        def encode(self, inputs: Any, **how: Any) -> Tensor:
            """Vectors (n, D) of the clips of a loader; what else mteb says of the task changes nothing."""
            return self.get_audio_embeddings(inputs)

        def get_audio_embeddings(self, inputs: Any, show_progress_bar: bool = True, **how: Any) -> Tensor:
            """Vectors (n, D) float32 of the clips of a loader of batches, on the host."""
            return torch.cat([clip_vectors(encoder, batch["audio"]) for batch in inputs])

    return RandquantModel()


def clip_vectors(encoder: AudioReadyEncoder, clips: Any) -> Tensor:
    """Vectors (B, D) of clips as `datasets` decodes them, each at its own rate and length.

    Args:
        encoder: the encoder.
        clips: each with `array`, (T,) or (channels, T), and `sampling_rate`.
    """
    rates = [int(clip["sampling_rate"]) for clip in clips]
    waveforms = [torch.as_tensor(clip["array"], dtype=torch.float32) for clip in clips]
    return encoder(waveforms, sample_rate=rates, axes="CT").cpu()


def _meta(encoder: AudioReadyEncoder, name: str) -> Any:
    from mteb.models.model_meta import ModelMeta

    return ModelMeta(
        loader=None,
        name=name,
        revision=encoder.sha256[:16],
        release_date=None,
        languages=None,
        n_parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        memory_usage_mb=None,
        max_tokens=None,
        embed_dim=encoder.dimension(),
        license=None,
        open_weights=None,
        public_training_code=None,
        public_training_data=None,
        framework=["PyTorch"],
        similarity_fn_name="cosine",
        use_instructions=False,
        training_datasets=None,
        modalities=["audio"],
    )
