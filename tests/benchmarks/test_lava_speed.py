from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks import lava_speed
from benchmarks.harness import run_benchmark
from neurosparse.loihi import lava_available, run_lava, write_bundle
from neurosparse.simulate import simulate


def test_without_lava_ours_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lava_speed, "lava_available", lambda: False)
    outcome = run_benchmark("lava_speed", quick=True)
    assert [one.what for one in outcome.omitted] == ["lava"]
    cases = {record.case for record in outcome.records}
    assert {"one sample, 1 thread(s)", "batch 4, 2 thread(s)"} <= cases
    assert not any("ratio" in record.metric for record in outcome.records)
    assert all(record.low <= record.value <= record.high for record in outcome.records)


@pytest.mark.lava
@pytest.mark.skipif(not lava_available(), reason="needs lava-nc (see docs/lava.md)")
def test_beside_lava(tmp_path: Path, rng: np.random.Generator) -> None:
    outcome = run_benchmark("lava_speed", quick=True)
    assert not outcome.omitted
    ratios = [record for record in outcome.records if record.metric == "ratio lava / neurosparse"]
    assert len(ratios) == 4
    assert all(record.value > 0 for record in ratios)
    # nothing is timed where spikes differ
    network = lava_speed.build(lava_speed.QUICK_LAYERS, lava_speed.QUICK_DENSITY, rng)
    raster = (rng.random((20, lava_speed.QUICK_LAYERS[0])) < 0.2).astype(np.uint8)
    ours = simulate(network, {"in": raster})
    theirs = run_lava(write_bundle(tmp_path / "b", network), {"in": raster}, tag="fixed_pt")
    lava_speed._check(ours, theirs)
    other = dataclasses.replace(ours, spikes=simulate(network, {"in": raster[::-1]}).spikes)
    with pytest.raises(RuntimeError, match="spikes differ from Lava's"):
        lava_speed._check(other, theirs)
