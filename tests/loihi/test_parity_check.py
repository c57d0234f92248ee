"""Parity by population, of runs that are made to differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neurosparse.cli.tables import show_lava_layers
from neurosparse.compare import LavaOutcome
from neurosparse.loihi import LavaRun, ParityCheck, compare_spikes, compare_traces
from neurosparse.network import (
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Population,
    Projection,
    Spikes,
    SynapseFormat,
    Synapses,
)
from neurosparse.simulate import Probe, Run, simulate

Change = Callable[[LavaRun], LavaRun]
V = Probe("z last", "v")


@pytest.fixture(scope="module")
def ours() -> Run:
    """Two populations whose names sort the other way round; one sends signs."""
    weights = Synapses.all_to_all(np.full((3, 2), 64), dtype="i2")
    back = Synapses.all_to_all(np.full((1, 3), 64), dtype="i2")
    form = SynapseFormat(num_message_bits=4)
    net = Network(
        {
            "in": Population(2),
            "z last": Population(3, FixedPointTernaryLIF(vth_lo=-5, vth_hi=5)),
            "a": Population(1, FixedPointLIF(vth=7)),
        },
        [
            Projection("in", "z last", weights, format=form),
            Projection("z last", "a", back, format=form),
        ],
    )
    spikes = np.array([[1, 1], [-1, 0], [0, 0], [1, 0], [0, 0]])
    return simulate(net, {"in": spikes}, probes=[Probe("z last", "u"), V])


def check_against(ours: Run, change: Change = lambda run: run) -> ParityCheck:
    same = LavaRun(
        "fixed_pt", 5, dict(ours.spikes), dict(ours.traces), {"lava": "0"}, 2.0, 1.5, 0.1
    )
    theirs = change(same)
    return ParityCheck(
        compare_spikes(ours.spikes, theirs.spikes),
        compare_traces(ours.traces, theirs.traces),
        ours,
        theirs,
    )


def turned_round(run: LavaRun) -> LavaRun:
    """Turn the sign of the first spike of ``z last`` round, and let ``a`` spike once more."""
    mine, other = run.spikes["z last"], run.spikes["a"]
    assert mine.signs is not None
    signs = mine.signs.copy()
    signs[0] = -signs[0]
    more = other.raster()
    more[0, 0] = 1
    spikes = {
        **run.spikes,
        "z last": Spikes(mine.steps, mine.neurons, 5, 3, signs),
        "a": Spikes.from_raster(more),
    }
    return replace(run, spikes=spikes)


def another_value(run: LavaRun) -> LavaRun:
    trace = run.traces[V].copy()
    trace[3, 2] += 1
    return replace(run, traces={**run.traces, V: trace})


def test_populations_stand_in_the_order_of_the_network(ours: Run) -> None:
    check = check_against(ours)
    assert check.agrees
    assert list(check.layers) == ["in", "z last", "a"]
    assert all(layer.agrees and layer.first is None for layer in check.layers.values())
    assert sum(layer.spikes.n_compared for layer in check.layers.values()) == (
        check.spikes.n_compared
    )
    assert check.layers["z last"].traces.n_compared == check.traces.n_compared == 30
    assert check.layers["a"].traces.n_compared == 0


def test_every_population_has_its_first_mismatch(ours: Run) -> None:
    check = check_against(ours, turned_round)
    assert not check.agrees
    assert check.spikes.n_mismatches == 2
    of_sign = check.layers["z last"].first
    assert of_sign is not None
    assert (of_sign.step, of_sign.neuron, of_sign.ours, of_sign.theirs) == (1, 0, 1.0, -1.0)
    assert str(of_sign).endswith("neuron 0: a spike of sign +1 in ours, -1 in theirs")
    extra = check.layers["a"].first
    assert extra is not None
    assert (extra.step, extra.ours, extra.theirs) == (0, 0.0, 1.0)
    assert check.spikes.first == extra
    assert check.layers["in"].agrees


def test_values_that_differ(ours: Run) -> None:
    check = check_against(ours, another_value)
    layer = check.layers["z last"]
    assert layer.spikes.agrees
    assert layer.traces.n_mismatches == 1
    assert layer.first is not None
    assert (layer.first.variable, layer.first.step, layer.first.neuron) == ("v", 3, 2)
    assert layer.first.theirs == layer.first.ours + 1


def test_printed_as_a_table(ours: Run) -> None:
    n_spikes = {name: spikes.n_spikes for name, spikes in ours.spikes.items()}
    head, columns, *rows = str(check_against(ours, turned_round)).splitlines()
    assert head.startswith(f"fixed_pt, 5 steps: spikes: {sum(n_spikes.values()) + 1} compared, 2")
    assert columns.split() == [
        "population",
        "spikes",
        "differ",
        "u",
        "and",
        "v",
        "differ",
        "first",
        "difference",
    ]
    assert rows[0].split() == ["in", str(n_spikes["in"]), "0", "0", "0", "-"]
    assert rows[1].split()[:6] == ["z", "last", str(n_spikes["z last"]), "1", "30", "0"]
    assert rows[1].endswith("spike of neuron 0 in step 1: 1 in ours, -1 in theirs")
    assert rows[2].endswith("spike of neuron 0 in step 0: 0 in ours, 1 in theirs")
    assert len({row.index("spike of") for row in rows[1:]}) == 1


def test_printed_by_the_command(ours: Run, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = LavaOutcome(3, check_against(ours, turned_round), 0.5, 0.5)
    details = outcome.details()
    assert (details["start_s"], details["run_s"]) == (1.5, 0.1)
    assert [layer["population"] for layer in details["layers"]] == ["in", "z last", "a"]
    assert details["layers"][0]["first_mismatch"] is None
    show_lava_layers("title", {"fixed_pt": details})
    printed = capsys.readouterr().out
    assert "step 0, population 'a', neuron 0: theirs spiked, the other did not" in printed
    assert "a spike of sign +1 in ours, -1 in theirs" in printed


def test_spikes_without_signs_count_as_positive() -> None:
    plain = Spikes.from_raster([[1, 0], [0, 1]])
    signed = Spikes.from_raster([[1, 0], [0, -1]], signed=True)
    parity = compare_spikes({"x": plain}, {"x": signed})
    assert (parity.n_compared, parity.n_mismatches) == (2, 1)
    assert parity.first is not None
    assert (parity.first.step, parity.first.neuron) == (1, 1)
