"""What a report is of: results folders, JSON files of probes, and run folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from randquant.errors import DataError
from randquant.files.json_record import Json
from randquant.report.modality import Reported, modality_of
from randquant.results.compare import ComparedRun, read_results
from randquant.results.folder import Report
from randquant.results.record import Result
from randquant.training.run_settings import FILE_NAME, is_run, read_settings


@dataclass(frozen=True)
class Run:
    """A folder of a training.

    Attributes:
        path: as named.
        settings: of its config.yaml; empty where that holds none.
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
    runs = {path: Run(Path(path), read_settings(Path(path))) for path in paths if is_run(Path(path))}
    known = {run.path.resolve(): run for run in runs.values()}
    probed = [_probed(path, known) for path in paths if path not in runs]
    used = {each.run.path.resolve() for each in probed if each.run is not None}
    return probed, [run for place, run in known.items() if place not in used]


def _probed(path: str, known: Mapping[Path, Run]) -> Probed:
    """The results of a path: a JSON file holds those of one encoder, as a folder does."""
    if not Path(path).exists():
        raise DataError(f"{path} does not exist; name results folders, JSON files of a probe, or run folders.")
    if Path(path).is_dir() and not (Path(path) / "results.json").is_file():
        raise DataError(
            f"{path} is neither a results folder (no results.json) nor a run (no {FILE_NAME}); check the path."
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
    return known.get(place.resolve()) or Run(place, read_settings(place))
