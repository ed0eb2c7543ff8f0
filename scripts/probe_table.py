"""Probe a frozen encoder of tables: how well classifiers on its features do, beside the raw columns and trees.

    python -m scripts.probe_table --checkpoint RUN --task STORE --out probe.json
    python -m scripts.probe_table --checkpoint RUN --task STORE --baselines raw trees --out results/
    python -m scripts.probe_table --checkpoint untrained:MLP:8 --task STORE --out floor.json

writes every number with its provenance, as scripts.probe_audio does: to one JSON file, or to a results folder with
predictions, recall by class, confusion and a page (table.md). Compare folders with python -m scripts.compare.

By default the probes are ridge regression on one-hot labels, in closed form, and a linear layer by Adam; least_squares
is i-Mix's. A number to predict (prepare table --target) is predicted by ridge and least_squares, and scored by R².
Hyper-parameters are chosen on validation, never on test.
"""

from randquant.cli.command import run
from randquant.tables.evaluation.settings import TableProbing


def probe_table(settings: TableProbing) -> None:
    """Probe a frozen encoder of tables on labelled stores."""
    # Late, since it loads torch, which --help does not need.
    from randquant.tables.evaluation.evaluate import evaluation

    evaluation(settings).run(settings)


if __name__ == "__main__":
    raise SystemExit(run(probe_table, description=__doc__))
