"""The cortical microcircuit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import DataError, ParameterError
from neurosparse.models import Model, potjans_diesmann
from neurosparse.models.microcircuit import REFERENCE_RATES_HZ, psc_per_psp
from neurosparse.models.microcircuit_parameters import MicrocircuitParameters
from neurosparse.network import LIF
from neurosparse.simulate import simulate

SCALE = 0.05
# A table of two populations that needs no data set.
SMALL: dict[str, Any] = {
    "populations": ["L23E", "L23I"],
    "N_full": [400, 100],
    "derived_num_synapses_target_by_source": [[16000, 4000], [4000, 0]],
    "K_ext": [1600, 1500],
    "full_mean_rates_hz": [1.0, 3.0],
    "PSP_e_mV": 0.15,
    "PSP_rel_sd": 0.1,
    "L4E_to_L23E_weight_factor": 2,
    "g": -4,
    "bg_rate_hz": 8.0,
}


@pytest.fixture(scope="module")
def path(data_dir: Path) -> Path:
    return data_dir / "connectomes" / "potjans-diesmann" / "pd14_params.json"


@pytest.fixture(scope="module")
def model(path: Path) -> Model:
    return potjans_diesmann(path, scale=SCALE, rng=np.random.default_rng(2))


def lif(model: Model, name: str) -> LIF:
    neuron = model.network.populations[name].neuron
    assert isinstance(neuron, LIF)
    return neuron


def test_psc_is_the_published_one() -> None:
    """87.8 pA for 0.15 mV, table 5 of the paper."""
    assert 0.15 * psc_per_psp(250.0, 10.0, 0.5) == pytest.approx(87.8, abs=0.05)


def test_table_holds_the_full_circuit(path: Path) -> None:
    table = MicrocircuitParameters.read(path)
    assert table.populations == tuple(REFERENCE_RATES_HZ)
    assert table.sizes.sum() == 77_169
    assert table.n_synapses.sum() == 298_880_968


def test_sizes_and_numbers_of_synapses(model: Model, path: Path) -> None:
    table = MicrocircuitParameters.read(path)
    for i, target in enumerate(table.populations):
        assert model.network.populations[target].size == round(table.sizes[i] * SCALE)
    by_name = {p.name: p.synapses.n_active for p in model.network.projections}
    for i, target in enumerate(table.populations):
        for j, source in enumerate(table.populations):
            expected = round(table.n_synapses[i, j] * SCALE**2)
            assert by_name.get(f"{source}->{target}", 0) == expected


def test_weights_are_normal_and_keep_their_sign(model: Model) -> None:
    # P21 of iaf_psc_exp: mV per step and pA
    p21 = 1 / (250 * (1 / 0.5 - 1 / 10)) * (np.exp(-0.1 / 10) - np.exp(-0.1 / 0.5))
    psc_pa = 0.15 * psc_per_psp(250.0, 10.0, 0.5) / np.sqrt(SCALE)
    for projection in model.network.projections:
        weights = projection.synapses.weights
        assert weights.dtype == np.float32
        factor = 1.0 if projection.source.endswith("E") else -4.0
        factor *= 2.0 if projection.name == "L4E->L23E" else 1.0
        mean = p21 * psc_pa * factor
        assert (np.sign(weights) == np.sign(factor)).all()
        if weights.size > 1000:
            error = 5 * 0.1 * abs(mean) / np.sqrt(weights.size)
            assert weights.mean() == pytest.approx(mean, abs=error)
            assert weights.std() == pytest.approx(0.1 * abs(mean), rel=0.15)


def test_delays_are_normal_and_one_step_longer_than_those_of_nest(model: Model) -> None:
    for kind, mean, sd in (("E", 15.0, 7.5), ("I", 7.5, 3.75)):
        delays = np.concatenate(
            [
                p.synapses.delays
                for p in model.network.projections
                if p.source.endswith(kind) and p.synapses.delays is not None
            ]
        )
        assert delays.dtype == np.uint8
        assert delays.min() == 2  # one of NEST's steps, and one because u counts at once here
        # truncation at half a step, 1.93 and 1.87 standard deviations below the mean
        draws = np.random.default_rng(0).normal(mean, sd, 1_000_000)
        draws = np.rint(draws[draws >= 0.5]) + 1
        assert delays.mean() == pytest.approx(draws.mean(), abs=0.05)
        assert delays.std() == pytest.approx(draws.std(), abs=0.05)


def test_neuron_and_drive(model: Model) -> None:
    neuron = lif(model, "L4E")
    assert (neuron.vth, neuron.v_reset, neuron.refractory) == (15.0, 0.0, 20)
    assert neuron.dv == pytest.approx(1 - np.exp(-0.01))
    assert neuron.du == pytest.approx(1 - np.exp(-0.2))
    assert model.inputs["L4E"].rate == pytest.approx(2100 * SCALE * 8 * 1e-4)
    weights = {p.name: p.synapses.weights for p in model.network.projections}
    assert model.inputs["L4E"].weight == pytest.approx(weights["L4E->L4E"].mean(), rel=1e-3)


def mean_input_mv(model: Model, rates_hz: dict[str, float], name: str) -> float:
    """Mean that drives ``V`` at given rates: currents in the long run, times resistance."""
    neuron = lif(model, name)
    assert isinstance(neuron.du, float)
    assert isinstance(neuron.dv, float)
    assert isinstance(neuron.bias, float)
    per_step = 0.0
    for p in model.network.projections:
        if p.target == name:
            per_neuron = p.synapses.weights.sum() / model.network.populations[name].size
            per_step += per_neuron * rates_hz[p.source] * 1e-4
    if name in model.inputs:
        stimulus = model.inputs[name]
        per_step += float(np.mean(stimulus.rate)) * stimulus.weight
    return (per_step / neuron.du + neuron.bias) / neuron.dv


@pytest.mark.parametrize("drive", ["poisson", "constant"])
def test_scaling_and_constant_drive_keep_the_mean_input(drive: Any) -> None:
    rates = {"L23E": 1.0, "L23I": 3.0}
    full = potjans_diesmann(SMALL, rng=np.random.default_rng(1))
    other = potjans_diesmann(SMALL, rng=np.random.default_rng(2), scale=0.5, drive=drive)
    assert bool(other.inputs) == (drive == "poisson")
    for name in rates:
        expected = mean_input_mv(full, rates, name)
        assert mean_input_mv(other, rates, name) == pytest.approx(expected, rel=0.01)


def test_membranes_start_as_in_nest(model: Model) -> None:
    v = model.state.v["L23E"]
    assert v.mean() - 65 == pytest.approx(-68.28, abs=5 * 5.36 / np.sqrt(v.size))
    assert v.std() == pytest.approx(5.36, rel=0.1)
    assert not model.state.u["L23E"].any()


def test_same_seed_same_network() -> None:
    one, other = (potjans_diesmann(SMALL, rng=np.random.default_rng(7)) for _ in range(2))
    pairs = zip(one.network.projections, other.network.projections, strict=True)
    assert all(a.synapses == b.synapses for a, b in pairs)
    assert one.state == other.state


def test_scaled_network_is_active_and_does_not_explode(
    model: Model, rng: np.random.Generator
) -> None:
    run = simulate(model.network, model.inputs, model.steps(300), state=model.state, rng=rng)
    for name, counts in run.counts.items():
        rate = counts[model.steps(100) :].sum() / model.network.populations[name].size / 0.2
        assert 0 < rate < 40, name


def test_arguments_are_checked(rng: np.random.Generator) -> None:
    with pytest.raises(ParameterError, match=r"scale: got 0; allowed is 0 < value <= 1"):
        potjans_diesmann(SMALL, rng=rng, scale=0)
    with pytest.raises(ParameterError, match=r"drive: got 'dc'; allowed is"):
        potjans_diesmann(SMALL, rng=rng, drive="dc")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"K_ext": [1600]}, r"parameters: K_ext: got shape \(1,\); expected \(2,\)"),
        ({"N_full": [400, -1]}, r"N_full: got \[400, -1\]; expected finite numbers >= 0"),
        ({"N_full": "many"}, r"N_full: got 'many'; expected numbers"),
        ({"bg_rate_hz": float("nan")}, r"bg_rate_hz: got nan; expected finite numbers >= 0"),
        ({"populations": ["A", "B"]}, r"populations: got .*; expected names ending in E or I"),
    ],
)
def test_damaged_tables_are_named(
    change: dict[str, Any], message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(DataError, match=message):
        potjans_diesmann(SMALL | change, rng=rng)


def test_missing_and_foreign_files_are_named(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(DataError, match=r"none\.json: not a readable JSON file"):
        potjans_diesmann(tmp_path / "none.json", rng=rng)
    file = tmp_path / "table.json"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"table\.json: not a readable JSON file"):
        potjans_diesmann(file, rng=rng)
    file.write_text("[1]", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds a list; expected a JSON object"):
        potjans_diesmann(file, rng=rng)
    table = {key: value for key, value in SMALL.items() if key != "g"}
    file.write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(DataError, match=r"table\.json: g missing; expected populations"):
        potjans_diesmann(file, rng=rng)
