"""Held against Lava itself, in every interpreter of NEUROSPARSE_LAVA_PYTHONS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosparse.errors import LavaRunError
from neurosparse.loihi import (
    Bundle,
    ParityCheck,
    check_parity,
    quantise,
    read_bundle,
    run_lava,
    scale_currents,
    write_bundle,
)
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import simulate
from tests.loihi.networks import N_STEPS, random_float_network, random_integer_network
from tests.reference.fixed_point import run_fixed_point

pytestmark = pytest.mark.lava

SEEDS = (11, 12)


def neurons_of(network: Network) -> list[str]:
    return [name for name, p in network.populations.items() if p.neuron is not None]


def assert_alive(check: ParityCheck) -> None:
    """Parity of silence would prove nothing."""
    assert sum(check.ours.activity.spikes[name] for name in check.ours.spikes) > 500


@pytest.mark.parametrize("seed", SEEDS)
def test_fixed_pt_is_bit_equal(lava_python: str, seed: int) -> None:
    """Spikes, u and v; recurrence, biases, currents, u wrapping, v saturating."""
    net, inputs = random_integer_network(seed)
    recorded = neurons_of(net)
    check = check_parity(net, inputs, tag="fixed_pt", record=recorded, interpreter=lava_python)
    assert check.agrees, str(check)
    assert check.traces.n_compared == 2 * N_STEPS * net.n_neurons
    assert_alive(check)
    reference = run_fixed_point(net, inputs, N_STEPS)
    assert reference.n_wraps > 100
    assert reference.n_clips > 100
    for probe, trace in check.lava.traces.items():
        wanted = reference.u if probe.variable == "u" else reference.v
        assert np.array_equal(trace, wanted[probe.population]), probe
    for name, raster in reference.rasters.items():
        assert np.array_equal(check.lava.spikes[name].raster(), raster), name


def test_fixed_pt_with_reset_is_bit_equal(lava_python: str) -> None:
    """A short interval against populations at depths 0, 1 and 2."""
    net, inputs = random_integer_network(13)
    assert set(net.depths.values()) >= {0, 1, 2}
    check = check_parity(
        net,
        inputs,
        tag="fixed_pt",
        reset_every=3,
        record=neurons_of(net),
        interpreter=lava_python,
    )
    assert check.agrees, str(check)
    assert_alive(check)


@pytest.mark.parametrize(("seed", "reset_every"), [(21, None), (22, 17)])
def test_floating_pt_agrees(lava_python: str, seed: int, reset_every: int | None) -> None:
    net, inputs = random_float_network(seed)
    check = check_parity(
        net,
        inputs,
        N_STEPS + 7,  # longer than the inputs
        tag="floating_pt",
        reset_every=reset_every,
        record=neurons_of(net),
        interpreter=lava_python,
    )
    assert check.agrees, str(check)
    assert_alive(check)
    some = next(iter(check.lava.traces.values()))
    assert not np.array_equal(some, np.rint(some))  # not cut to integers on the way


def test_quantised_network_both_ways(lava_python: str, tmp_path: Path) -> None:
    """Export a float network with input currents; one bundle serves both tags."""
    net, inputs = random_float_network(31)
    shared_dv = {
        name: Population(p.size, LIF(du=0.4, dv=0.1, vth=np.asarray(p.neuron.vth), bias=0.01))
        if isinstance(p.neuron, LIF)
        else p
        for name, p in net.populations.items()
    }
    net = Network(shared_dv, net.projections)
    q = quantise(net)
    bundle = write_bundle(tmp_path / "bundle", net, q)
    scaled = {**inputs, **scale_currents(q, {"alone": inputs["alone"]})}
    checks = [
        check_parity(bundle, inputs, tag="floating_pt", interpreter=lava_python),
        check_parity(bundle, scaled, tag="fixed_pt", interpreter=lava_python),
    ]
    for check in checks:
        assert check.agrees, str(check)
        assert_alive(check)
    assert checks[0].lava.versions["lava"] == "0.10.0"


def test_our_step_is_lavas_column(lava_python: str) -> None:
    """An input spike of step 2 fires the next population in step 3, and an idle run is silent."""
    synapses = Synapses.all_to_all(np.array([[200]]), dtype=np.int16)
    net = Network(
        {"in": Population(1), "out": Population(1, FixedPointLIF(vth=100))},
        [Projection("in", "out", synapses)],
    )
    with_bundle = check_parity(
        net, {"in": np.array([[0], [0], [1]])}, 8, tag="fixed_pt", interpreter=lava_python
    )
    assert with_bundle.lava.spikes["in"].steps.tolist() == [2]
    assert with_bundle.lava.spikes["out"].steps.tolist() == [3]
    assert with_bundle.agrees


def test_one_step_and_odd_names(lava_python: str) -> None:
    """Names that are no file names, or that Lava's collections have themselves."""
    names = ["name", "process", "_members", "../größe", "a b"]
    net = Network(
        {"members": Population(2)}
        | {name: Population(2, FixedPointLIF(bias_mant=70, bias_exp=2)) for name in names},
        [
            Projection("members", name, Synapses.all_to_all(np.full((2, 2), 8), dtype="i2"))
            for name in names
        ],
    )
    inputs = {"members": np.ones((3, 2)), "process": np.ones((3, 2), dtype=np.int64)}
    check = check_parity(
        net, inputs, tag="fixed_pt", record=["name", "a b"], interpreter=lava_python
    )
    assert check.agrees, str(check)
    assert check.lava.spikes["../größe"].n_spikes == 6
    assert 0 < check.lava.run_s < check.lava.start_s < check.lava.wall_s
    once = check_parity(net, inputs, 1, tag="fixed_pt", interpreter=lava_python)
    assert once.agrees, str(once)
    assert once.lava.spikes["../größe"].n_spikes == 2
    assert once.lava.run_s < 0.1  # there are no other steps


def test_projection_without_synapses(lava_python: str) -> None:
    """Quantising may leave a projection empty; the network still runs."""
    net = Network(
        {"in": Population(3), "out": Population(2, FixedPointLIF(bias_mant=5, bias_exp=6))},
        [
            Projection(
                "in",
                "out",
                Synapses.from_edges(
                    np.zeros(0, int), np.zeros(0, int), np.zeros(0), n_pre=3, n_post=2, dtype="i2"
                ),
            )
        ],
    )
    check = check_parity(
        net,
        {"in": np.ones((5, 3))},
        tag="fixed_pt",
        interpreter=lava_python,
    )
    assert check.agrees, str(check)
    assert check.ours.activity.spikes["out"] == 10


def test_bundle_runs_without_neurosparse(lava_python: str, bundle: Bundle, tmp_path: Path) -> None:
    """The bundle's own runner, isolated from our package."""
    rng = np.random.default_rng(0)
    raster = (rng.random((30, 12)) < 0.5).astype(np.uint8)
    np.savez(tmp_path / "inputs.npz", n_steps=40, **{"input:in": raster})  # silent after 30
    runner = bundle.path / "runner" / "run_bundle.py"
    block = "import sys, runpy; sys.modules['neurosparse'] = None; sys.argv = sys.argv[1:]; "
    block += "sys.path.insert(0, __import__('os').path.dirname(sys.argv[0])); "
    block += "runpy.run_path(sys.argv[0], run_name='__main__')"
    files = [str(tmp_path / name) for name in ("inputs.npz", "output.npz")]
    subprocess.run(
        [lava_python, "-c", block, str(runner), str(bundle.path), *files, "--tag=fixed_pt"],
        cwd=tmp_path,
        timeout=120,
        check=True,
    )
    ours = simulate(read_bundle(bundle.path).network("fixed_pt"), {"in": raster}, 40)
    with np.load(tmp_path / "output.npz") as output:
        assert np.array_equal(output["spikes:out"], ours.spikes["out"].raster())
    assert ours.spikes["out"].n_spikes > 0


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("raise RuntimeError('boom in run_spk')", "RuntimeError: boom in run_spk"),
        ("__import__('os').kill(__import__('os').getpid(), 9)", "died with status -9"),
    ],
)
def test_dead_lava_process_is_reported_at_once(
    lava_python: str, bundle: Bundle, fake_python: Callable[[str], Path], what: str, shown: str
) -> None:
    """Lava alone would wait for ever and say nothing."""
    sabotage = (
        "import os, runpy, sys; sys.path.insert(0, os.path.dirname(sys.argv[1])); "
        "from lava_compat import mend_import; mend_import(); "
        "from lava.proc.lif.models import PyLifModelBitAcc\n"
        f"def run_spk(self): {what}\n"
        "PyLifModelBitAcc.run_spk = run_spk; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    python = fake_python(
        f"os.execv({lava_python!r}, [{lava_python!r}, '-c', {sabotage!r}, *arguments])"
    )
    with pytest.raises(LavaRunError, match="Lava failed with status 3") as caught:
        run_lava(bundle, {"in": np.ones((5, 12))}, tag="fixed_pt", interpreter=python)
    assert shown in str(caught.value)
    assert "resource_tracker" not in str(caught.value)


def test_current_interpreter_is_the_default(bundle: Bundle) -> None:
    from neurosparse.loihi import lava_available

    if not lava_available():
        pytest.skip(f"{sys.executable} has no lava-nc")
    result = run_lava(bundle, {"in": np.ones((5, 12))}, tag="floating_pt")
    assert result.versions["python"] == ".".join(map(str, sys.version_info[:3]))
