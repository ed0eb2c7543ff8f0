"""Probe a frozen encoder of pictures: how well classifiers on its features solve labelled tasks.

    python -m scripts.probe_images --checkpoint RUN --task STORE --probes linear knn ridge fewshot --out probe.json
    python -m scripts.probe_images --checkpoint untrained:small_cnn:1 --task STORE --probes knn ridge --out floor.json
    python -m scripts.probe_images --checkpoint r-50-100ep.pth.tar --task IMAGENET --protocol moco-v3 --out results/

prints a line a probe and task, and writes every number with its provenance: to one JSON file, or to a results folder
with predictions, recall by class, confusion and a page with the published rows (table.md). A folder belongs to one
encoder, protocol, size of pictures, statistics and way to train (--folds); compare folders with scripts.compare.

Features are extracted once and cached by content, so a second probe of the same encoder and task takes seconds.
Hyper-parameters (learning rate, neighbours, penalty) are chosen on validation, never on test.
"""

from randquant.cli.command import run
from randquant.images.evaluation.settings import ImageProbing


def probe(probing: ImageProbing) -> None:
    """Probe a frozen encoder on labelled stores of pictures."""
    # Late, since it loads torch, which --help does not need.
    from randquant.images.evaluation.evaluate import evaluation

    evaluation(probing).run(probing)


if __name__ == "__main__":
    raise SystemExit(run(probe, description=__doc__))
