"""MLflow: MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME are its own variables; by default a local store."""

import os
import time
from collections.abc import Mapping

from randquant.extras import needs
from randquant.training.loggers.logger import PROJECT, LoggedRun, Logger

_MOST_PARAMETERS, _MOST_TEXT = 100, 6000  # of one call; characters of one value


class MLflow(Logger):
    """A run of MLflow, through its client, which keeps no global state."""

    def __init__(self, run: LoggedRun) -> None:
        with needs("mlflow"):
            from mlflow.entities import Metric, Param
            from mlflow.tracking import MlflowClient
        self._client, self._metric = MlflowClient(), Metric
        if run.id is not None:
            self.id = str(run.id)
            self._client.update_run(self.id, status="RUNNING")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        found = self._client.get_experiment_by_name(name)
        experiment = found.experiment_id if found is not None else self._client.create_experiment(name)
        self.id = str(self._client.create_run(experiment, run_name=run.name).info.run_id)
        parameters = [Param(key, str(value)[:_MOST_TEXT]) for key, value in run.settings.items()]
        for first in range(0, len(parameters), _MOST_PARAMETERS):
            self._client.log_batch(self.id, params=parameters[first : first + _MOST_PARAMETERS])

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(self.id, metrics=[self._metric(key, value, now, step) for key, value in numbers.items()])

    def close(self, *, finished: bool) -> None:
        self._client.set_terminated(self.id, "FINISHED" if finished else "KILLED")
