"""The sections of a training's help page, for every modality; its own augmentations are the rest of "views"."""

from randquant.cli.sections import REST, Sections

SECTIONS: Sections = {
    "data and encoder": (
        *("data", "out", "splits", "monitor", "init", "init_sha256", "keep"),
        *("encoder", "d", "width", "image_size", "points", "normals"),
        *("n_mels", "n_fft", "hop", "mel", "backend", "unit_seconds", "sampling", "together"),
    ),
    "views": ("augment", "views", "local_weight", REST),
    "mixing, and quantization inside the encoder": (
        *("mix", "mix_alpha", "mix_layer", "mix_symmetric", "mix_domain", "mix_cut", "mix_points"),
        *("inputmix", "inputmix_alpha", "rq_stage", "rq_stage_bins"),
    ),
    "method": (
        *("method", "temperature", "momentum", "momentum_schedule", "queue_size", "negatives", "group_weight"),
        *("symmetric_loss", "bn_splits", "head", "hidden_size", "projection_size"),
    ),
    "length and optimizer": (
        *("steps", "epochs", "batch_size", "accumulate", "optimizer", "learning_rate", "weight_decay", "sgd_momentum"),
        *("warmup_steps", "schedule", "milestones", "gradient_clip", "average_decay"),
    ),
    "width (muP)": ("parametrization", "base_width", "base_hidden_size"),
    "machine, seed and log": (
        *("precision", "accelerator", "devices", "nodes", "workers", "cache", "seed"),
        *("logger", "log_every", "checkpoint_every", "monitor_every", "snapshot_every"),
    ),
}
