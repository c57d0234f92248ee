from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from neurosparse.report import SCHEMA_VERSION, MainJob, document, report_dict
from neurosparse.train import History
from tests.report.schema import documented, has_type, leaves, matches


@pytest.fixture(scope="module")
def report(differing_job: MainJob) -> dict[str, Any]:
    return report_dict(differing_job, "neurosparse demo --out x")


def test_every_field_is_documented_and_has_its_type(report: dict[str, Any]) -> None:
    fields = documented()
    for path, value in leaves(report):
        types = [kind for field, kind in fields.items() if matches(field, path)]
        assert types, f"{path} is not documented"
        assert any(has_type(value, kind) for kind in types), (path, value, types)


def test_every_documented_field_is_there(
    differing_job: MainJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "git_state", lambda: {"commit": "0" * 40, "modified": False})
    paths = [path for path, _ in leaves(report_dict(differing_job, ""))]
    missing = [
        field
        for field, kind in documented().items()
        if kind != "null" and not any(matches(field, path) for path in paths)
    ]
    assert missing == []


def test_it_is_json(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["schema"] == {"name": "neurosparse.report", "version": SCHEMA_VERSION}
    made = datetime.fromisoformat(report["created"])
    assert made.utcoffset() == timedelta(0)


def test_numbers_are_those_of_the_job(report: dict[str, Any], job: MainJob) -> None:
    assert report["models"] == job.comparison.to_dict()
    assert list(report["models"]) == ["dense_ann", "dense_snn", "sparse_snn"]
    sparse = report["models"]["sparse_snn"]
    assert sparse["synapses"] == job.network.n_synapses == sum(job.preset.n_active)
    assert report["ratios"]["dense_ann"]["sparse_snn"]["synapses"] == pytest.approx(
        job.network.n_synapses / job.network.n_potential_synapses
    )
    assert report["dataset"]["test_samples"] == len(job.test)
    assert report["quantisation"]["accuracy"] == job.fixed.accuracy
    assert (
        report["quantisation"]["synapses"] + report["quantisation"]["pruned"]
        == job.network.n_synapses
    )
    low, high = (report["loihi_energy"]["sparse_snn"][key] for key in ("low_joule", "high_joule"))
    assert 0 < low < high


def test_rewiring_adds_up(report: dict[str, Any], job: MainJob) -> None:
    epochs = report["training"]["sparse_snn"]["epochs"]
    for index, layer in enumerate(report["rewiring"]["layers"].values()):
        assert layer["dropped"] == layer["grown"] == sum(e["dropped"][index] for e in epochs)
        assert layer["synapses"] == layer["synapses_before"] == job.preset.n_active[index]
        # a synapse can be dropped and grow again, but not go without being dropped
        assert layer["synapses"] - layer["dropped"] <= layer["still_there"] <= layer["synapses"]


def test_a_difference_in_lava_is_reported(report: dict[str, Any]) -> None:
    assert report["lava"]["floating_pt"]["spike_mismatches"] == 0
    assert report["lava"]["floating_pt"]["first_mismatch"] is None
    fixed = report["lava"]["fixed_pt"]
    assert fixed["spike_mismatches"] == 1
    assert fixed["first_mismatch"]["population"] == "output"
    assert "ours spiked, the other did not" in fixed["first_mismatch"]["text"]


def test_without_lava_there_is_an_empty_object(job: MainJob) -> None:
    assert report_dict(job, "")["lava"] == {}


def test_a_loss_that_is_not_finite_becomes_null(job: MainJob) -> None:
    epochs = job.histories["dense_ann"].epochs
    diverged = History([dataclasses.replace(epoch, loss=float("nan")) for epoch in epochs])
    broken = dataclasses.replace(job, histories={**job.histories, "dense_ann": diverged})
    report = report_dict(broken, "")
    assert report["training"]["dense_ann"]["epochs"][0]["loss"] is None
    json.dumps(report, allow_nan=False)
