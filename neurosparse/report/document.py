"""The report as plain data: what goes into ``report.json`` (docs/report-schema.md)."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime, timezone
from typing import Any

import numpy as np

from neurosparse.compare import Comparison
from neurosparse.environment import git_state, host, versions
from neurosparse.report.main_job import MainJob
from neurosparse.report.overlap import shared_synapses
from neurosparse.train import Preset

__all__ = ["SCHEMA_NAME", "SCHEMA_VERSION", "report_dict"]

SCHEMA_NAME = "neurosparse.report"
SCHEMA_VERSION = 1  # raised when a field is renamed, removed or changes its meaning


def report_dict(job: MainJob, command: str) -> dict[str, Any]:
    """Return everything the report states, as JSON-able data with a stable schema.

    Parameters
    ----------
    job : MainJob
        Outcome of `run_main_job`.
    command : str
        Command line that makes the same report again.

    Returns
    -------
    dict
        Plain dicts, lists, text, finite numbers, booleans and None; every field is explained in
        docs/report-schema.md.
    """
    document = {
        "schema": {"name": SCHEMA_NAME, "version": SCHEMA_VERSION},
        "command": command,
        "seed": job.seed,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "git": git_state(),
        "versions": versions(),
        "host": host(),
        "dataset": {
            "name": job.dataset,
            "train_samples": len(job.train),
            "valid_samples": len(job.valid),
            "test_samples": len(job.test),
            "image_shape": job.test.shape,
            "n_classes": job.test.n_classes,
        },
        "settings": _settings(job.preset),
        "models": job.comparison.to_dict(),
        "ratios": {name: job.comparison.ratios(name) for name in ("dense_ann", "dense_snn")},
        "loihi_energy": {
            name: model["energy"]
            for name, model in Comparison(tuple(job.loihi_energy.values())).to_dict().items()
        },
        "training": {name: history.to_dict() for name, history in job.histories.items()},
        "rewiring": _rewiring(job),
        "quantisation": _quantisation(job),
        "lava": {tag: outcome.to_dict() for tag, outcome in job.lava.items()},
        "sample": {
            "label": job.sample_label,
            "prediction": job.sample_prediction,
            "n_steps": job.sample.n_steps,
            "spikes": dict(job.sample.activity.spikes),
            "synaptic_events": dict(job.sample.activity.synaptic_events),
        },
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def _settings(preset: Preset) -> dict[str, Any]:
    scheme = preset.scheme()
    return {
        "sizes": preset.sizes,
        "synapses_per_layer": preset.n_active,
        "density": preset.density,
        "encoding": preset.encoding.to_dict(),
        "neuron": dataclasses.asdict(preset.neuron),
        "input_neuron": preset.input_neuron and dataclasses.asdict(preset.input_neuron),
        "epochs": preset.epochs,
        "batch_size": preset.batch_size,
        "learning_rates": dict(
            zip(("dense_ann", "dense_snn", "sparse_snn"), preset.learning_rates, strict=True)
        ),
        "gains": dict(zip(("dense_snn", "sparse_snn"), preset.gains, strict=True)),
        "scheme": {"name": scheme.name, "l1": preset.l1, "temperature": preset.temperature},
    }


def _rewiring(job: MainJob) -> dict[str, Any]:
    """Sum the turnover over the epochs, and count the first synapses that are still there."""
    epochs = job.histories["sparse_snn"].epochs
    layers = {}
    for index, (old, new) in enumerate(
        zip(job.before.projections, job.network.projections, strict=True)
    ):
        layers[new.name] = {
            "synapses_before": old.synapses.n_active,
            "synapses": new.synapses.n_active,
            "potential_synapses": new.synapses.n_potential,
            "still_there": shared_synapses(old.synapses, new.synapses).sum(),
            "dropped": sum(epoch.dropped[index] for epoch in epochs),
            "grown": sum(epoch.grown[index] for epoch in epochs),
        }
    return {"layers": layers}


def _quantisation(job: MainJob) -> dict[str, Any]:
    integers = job.quantisation
    return {
        "accuracy": job.fixed.accuracy,
        "synapses": integers.network.n_synapses,
        "pruned": sum(integers.pruned.values()),
        "scales": dict(integers.scales),
        "layers": {
            projection.name: {
                "sign_mode": projection.format.sign_mode if projection.format else None,
                "synapses": projection.synapses.n_active,
                "pruned": integers.pruned[projection.name],
                "largest_error": integers.error[projection.name],
            }
            for projection in integers.network.projections
        },
    }


def _plain(value: Any) -> Any:
    """Turn numpy scalars, arrays and tuples into what JSON has; not-finite numbers into None."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
