"""What a report is of: results folders, JSON files of probes, and run folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from randquant.errors import DataError
from randquant.extras import needs
from randquant.files.json_record import Json
from randquant.report.modality import Reported, modality_of
from randquant.results.compare import ComparedRun, read_results
from randquant.results.folder import Report
from randquant.results.record import Result

with needs("train"):
    import yaml

CONFIG = "config.yaml"


@dataclass(frozen=True)
class Run:
    """A folder of a training.

    Attributes:
        path: as named.
        settings: of its config.yaml; empty where that cannot be read.
    """

    path: Path
    settings: Mapping[str, Json]


@dataclass(frozen=True)
class Probed:
    """The results of one encoder.

    Attributes:
        path: as named.
        results: of all tasks and probes, of one modality.
        report: the folder, which has the predictions; None for a JSON file.
        modality: of the data.
        run: the training that made the encoder, where its folder is there.
    """

    path: str
    results: Sequence[Result]
    report: Report[Result] | None
    modality: Reported
    run: Run | None

    def of(self, probe: str) -> ComparedRun:
        """The results of one probe."""
        return ComparedRun(self.path, {each.task: each for each in self.results if each.probe == probe}, self.report)


def open_inputs(paths: Sequence[str]) -> tuple[list[Probed], list[Run]]:
    """Tell results from runs and read both; a run that some results are of belongs to these.

    Raises:
        DataError: a path is neither.
    """
    runs = {path: _run(Path(path)) for path in paths if is_run(Path(path))}
    known = {run.path.resolve(): run for run in runs.values()}
    probed = [_probed(path, known) for path in paths if path not in runs]
    used = {each.run.path.resolve() for each in probed if each.run is not None}
    return probed, [run for place, run in known.items() if place not in used]


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a training."""
    return (path / CONFIG).is_file() and not (path / "results.json").exists()


def _run(path: Path) -> Run:
    try:
        settings = yaml.safe_load((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path / CONFIG} cannot be read ({reason}); restore it or leave the run out.") from None
    return Run(path, settings if isinstance(settings, dict) else {})


def _probed(path: str, known: Mapping[Path, Run]) -> Probed:
    """The results of a path: a JSON file holds those of one encoder, as a folder does."""
    if not Path(path).exists():
        raise DataError(f"{path} does not exist; name results folders, JSON files of a probe, or run folders.")
    if Path(path).is_dir() and not (Path(path) / "results.json").is_file():
        raise DataError(
            f"{path} is neither a results folder (no results.json) nor a run (no {CONFIG}); check the path."
        )
    report, results = read_results(path)
    if not results:
        raise DataError(f"{path} holds no results; probe into it first, or leave it out.")
    modality = modality_of(results[0].to_json())
    try:
        results = [modality.result.from_json(each.to_json()) for each in results]
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); restore it, or probe again.") from None
    return Probed(path, results, report, modality, _run_of(results[0], known))


def _run_of(result: Result, known: Mapping[Path, Run]) -> Run | None:
    """The training of an encoder: its run folder, named or still where it was probed."""
    place = Path(result.checkpoint.path)
    place = place if place.is_dir() else place.parent
    if not result.checkpoint.path or not is_run(place):
        return None
    return known.get(place.resolve()) or replace(_run(place), path=place)
