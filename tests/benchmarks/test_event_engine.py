from __future__ import annotations

import numpy as np
import pytest

from benchmarks import event_engine
from neurosparse.simulate import simulate


@pytest.mark.parametrize("case", [*event_engine.QUICK, event_engine.Case(40, 1.0, 0.5)], ids=str)
def test_the_dense_twin_gives_the_same_spikes(
    case: event_engine.Case, rng: np.random.Generator
) -> None:
    network, raster = event_engine.build(case, rng)
    run = simulate(network, {"in": raster})
    assert run.spikes["out"].n_spikes > 0
    twin = event_engine.DenseTwin(network)
    assert np.array_equal(run.spikes["out"].raster(), twin.run(raster))


def test_quick_run_gives_every_number() -> None:
    records = list(event_engine.run(quick=True))
    assert [(record.metric, record.unit) for record in records] == [
        ("synaptic events per step", "1"),
        ("event-driven, per step", "us"),
        ("dense, per step", "us"),
        ("event-driven, per event", "ns"),
        ("dense / event-driven", "1"),
    ]
    assert all(record.low <= record.value <= record.high for record in records)
    assert all(record.benchmark == "event_engine" for record in records)
