"""Presets: the audited one chooses, the published ones take what their code says."""

import pytest

from randquant.data_prep.datasets.registry import DATASETS
from randquant.pointcloud.evaluation.protocols import PROTOCOLS, ProtocolName
from randquant.pointcloud.evaluation.published_rows import COLUMNS, PUBLISHED_ROWS


def test_only_the_audited_one_chooses() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert protocol.svm.kind == protocol.classifier
        assert (len(protocol.svm.tried) > 1) == (name == "audited")
        assert bool(protocol.differs) == (name != "audited")
        assert protocol.svm.standardise == (name == "audited")


@pytest.mark.parametrize(
    ("name", "classifier", "strength", "points", "order", "neighbours", "release"),
    [
        ("crosspoint", "svm", 0.1, 1024, "file", 15, "modelnet-h5"),
        ("strl", "svm", 1.0, 2048, "file", 40, "modelnet-txt"),
        ("m2ae", "svm", 0.01, 1024, "file", None, "modelnet-h5"),
        ("recon", "linear_svc", 0.075, 1024, "farthest", None, "modelnet-dat"),
    ],
)
def test_published_choices(
    name: ProtocolName,
    classifier: str,
    strength: float,
    points: int,
    order: str,
    neighbours: int | None,
    release: str,
) -> None:
    protocol = PROTOCOLS[name]
    assert (protocol.classifier, protocol.svm.tried) == (classifier, (strength,))
    assert (protocol.points, protocol.order) == (points, order)
    assert (protocol.neighbours, protocol.release) == (neighbours, release)
    assert release in DATASETS


def test_published_rows_are_percentages_of_known_tasks() -> None:
    for row in PUBLISHED_ROWS:
        assert set(row.numbers) <= set(COLUMNS)
        assert all(50 < number < 100 for number in row.numbers.values())
        assert row.source
    named = {row.protocol for row in PUBLISHED_ROWS}
    assert {"crosspoint", "m2ae", "recon"} <= named
    assert "audited" not in named
