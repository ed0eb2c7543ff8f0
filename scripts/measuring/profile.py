"""Where the time of a pair's fast form goes, operation by operation."""

from torch.profiler import ProfilerActivity, profile

from randquant.results.text_table import text_table
from randquant.scripts.measuring.pair import Pair

_SHOWN = 12


def costliest(pair: Pair, device: str) -> list[str]:
    """A table of the operations that take most of one run, after a warm-up.

    What no operation of torch covers, such as numpy and reading of files, is not in it.
    """
    pair.fast()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    with profile(activities=activities, acc_events=True) as found:
        pair.fast()
    events = found.key_averages()
    spent = {event.key: (_self_time(event, device), event.count) for event in events}
    whole = sum(time for time, _ in spent.values()) or 1.0
    most = sorted(spent.items(), key=lambda item: -item[1][0])[:_SHOWN]
    rows = [[key, f"{time / 1e3:.2f}", f"{time / whole:.0%}", f"{count:,}"] for key, (time, count) in most]
    return text_table(["operation", "ms", "share", "calls"], rows)


def _self_time(event: object, device: str) -> float:
    """Microseconds of the operation without those that it calls."""
    name = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    return float(getattr(event, name))
