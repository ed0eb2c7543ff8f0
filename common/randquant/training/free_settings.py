"""Settings that change where and how a run is done, but not its result."""

FREE_SETTINGS = {
    "out",
    "data",
    "monitor",
    "workers",
    "logger",
    "checkpoint_every",
    "log_every",
    "monitor_every",
    "snapshot_every",
}
