"""What Lava's models can do, through the whole of Lava: its compiler, runtime and processes.

Random networks stand side by side in one run, as a run costs seconds.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosparse.loihi import Bundle, check_parity, quantise, run_lava, write_bundle
from neurosparse.loihi.bundle import Tag
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Population,
    Projection,
    SynapseFormat,
    Synapses,
)
from neurosparse.simulate import Probe, simulate
from tests.loihi.lava_cases import N_STEPS, Case, float_case, integer_case, side_by_side

pytestmark = [
    pytest.mark.lava,
]

N_TOGETHER = 8


def together(first_seed: int, draw: Callable[[int], Case] = integer_case) -> Case:
    return side_by_side([draw(first_seed + number) for number in range(N_TOGETHER)])


@pytest.mark.parametrize("first_seed", [100, 200, 300])
def test_integer_networks_are_bit_equal(lava_python: str, first_seed: int) -> None:
    case = together(first_seed)
    neurons = [n for n, p in case.network.populations.items() if p.neuron is not None]
    check = check_parity(
        case.network,
        case.inputs,
        N_STEPS,
        tag="fixed_pt",
        record=neurons,
        interpreter=lava_python,
    )
    assert check.agrees, str(check)
    assert check.traces.n_compared == 2 * N_STEPS * case.network.n_neurons
    assert sum(check.lava.spikes[name].n_spikes for name in neurons) > 300


def test_float_networks_are_equal(lava_python: str) -> None:
    case = together(400, float_case)
    neurons = [n for n, p in case.network.populations.items() if p.neuron is not None]
    assert any(isinstance(p.neuron, LIF) and p.neuron.refractory for p in _populations(case))
    check = check_parity(
        case.network,
        case.inputs,
        N_STEPS,
        tag="floating_pt",
        record=neurons,
        interpreter=lava_python,
    )
    assert check.agrees, str(check)
    assert sum(check.lava.spikes[name].n_spikes for name in neurons) > 200


def _populations(case: Case) -> list[Population]:
    return list(case.network.populations.values())


def test_delays_and_reset(lava_python: str) -> None:
    """Spikes under way when a sample ends arrive in the next one, here as there."""
    rng = np.random.default_rng(5)
    synapses = Synapses.from_edges(
        np.repeat(np.arange(6), 4),
        np.tile(np.arange(4), 6),
        rng.integers(1, 120, 24).astype(np.int16) * 2,
        n_pre=6,
        n_post=4,
        dtype="i2",
        delays=rng.integers(1, 12, 24).astype(np.uint8),
    )
    net = Network(
        {"in": Population(6), "out": Population(4, FixedPointLIF(du=300, dv=200, vth=260))},
        [Projection("in", "out", synapses)],
    )
    raster = (rng.random((60, 6)) < 0.3).astype(np.uint8)
    check = check_parity(
        net,
        {"in": raster},
        tag="fixed_pt",
        reset_every=7,
        record=["out"],
        interpreter=lava_python,
    )
    assert check.agrees, str(check)
    assert check.lava.spikes["out"].n_spikes > 20


def signed_network() -> Network:
    """Return two thresholds, of which one projection sends the signs and one does not."""
    ones = Synapses.all_to_all(np.full((2, 2), 64), dtype="i2")
    low, high = np.array([-30, -90]), np.array([30, 200])
    ternary = FixedPointTernaryLIF(dv=4095, vth_lo=low, vth_hi=high)
    return Network(
        {
            "in": Population(2),
            "signed": Population(2, ternary),
            "told": Population(2, FixedPointLIF(vth=1000)),
            "not told": Population(2, FixedPointLIF(vth=1000)),
        },
        [
            Projection("in", "signed", ones, format=SynapseFormat(num_message_bits=8)),
            Projection("signed", "told", ones, format=SynapseFormat(num_message_bits=1)),
            Projection("signed", "not told", ones, format=SynapseFormat()),
        ],
    )


def test_signs_and_messages(lava_python: str, tmp_path: Path) -> None:
    """By hand: a message of -2 brings -128, which is below both lower thresholds."""
    run = run_lava(
        write_bundle(tmp_path / "bundle", signed_network()),
        {"in": np.array([[1, 0], [-2, 0], [0, 0], [0, 0], [0, 0]])},
        tag="fixed_pt",
        record=["told", "not told"],
        interpreter=lava_python,
    )
    assert run.spikes["signed"].raster().tolist() == [[0, 0], [1, 0], [-1, -1], [0, 0], [0, 0]]
    assert run.spikes["in"].raster()[:2].tolist() == [[1, 0], [1, 0]]
    u = {probe.population: t for probe, t in run.traces.items() if probe.variable == "u"}
    assert (u["told"] >> 6).tolist() == [[0, 0], [0, 0], [64, 64], [-128, -128], [0, 0]]
    assert (u["not told"] >> 6).tolist() == [[0, 0], [0, 0], [64, 64], [128, 128], [0, 0]]


OWN_PROGRAM = """
import sys
import numpy as np
bundle, tag, out = sys.argv[1:]
sys.path.insert(0, bundle + "/runner")
from lava_process import load_process
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.lif.process import LIF

# my neurons fire by their bias alone, each in its own rhythm, and drive the network
mine = LIF(shape=(12,), du=0 if tag == "fixed_pt" else 1.0, dv=0, vth=8, name="mine",
           bias_mant=np.arange(1, 13) * (64 if tag == "fixed_pt" else 1))
net = load_process(bundle, tag=tag, name="net")
mine.s_out.connect(net.in_ports.image)
heard = Sink(shape=(12,), buffer=40)
mine.s_out.connect(heard.a_in)
sink = Sink(shape=(4,), buffer=40)
net.out_ports.digit.connect(sink.a_in)
configuration = Loihi2SimCfg(select_tag=tag, select_sub_proc_model=True)
mine.run(condition=RunSteps(num_steps=25), run_cfg=configuration)
mine.run(condition=RunSteps(num_steps=15), run_cfg=configuration)
np.savez(out, mine=heard.data.get().T, digit=sink.data.get().T, v=net.vars.digit_v.get(),
         u=net.vars.hidden_u.get(), inside=np.array([p.name for p in net.procs]))
mine.stop()
"""


def named_network(network: Network) -> Network:
    """Return the network of the fixture with names that a program would use."""
    names = {"in": "image", "hidden": "hidden", "out": "digit"}
    return Network(
        {names[name]: population for name, population in network.populations.items()},
        [replace(p, source=names[p.source], target=names[p.target]) for p in network.projections],
    )


@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
def test_network_inside_a_program_of_ones_own(
    lava_python: str, float_network: Network, tmp_path: Path, tag: Tag
) -> None:
    net = named_network(float_network)
    bundle = write_bundle(tmp_path / "bundle", net, quantise(net))
    (tmp_path / "program.py").write_text(OWN_PROGRAM)
    arguments = [str(bundle.path), tag, str(tmp_path / "out.npz")]
    subprocess.run([lava_python, str(tmp_path / "program.py"), *arguments], timeout=120, check=True)
    with np.load(tmp_path / "out.npz") as out:
        mine, digit, u, v = (out[key] for key in ("mine", "digit", "u", "v"))
        inside = out["inside"].tolist()
    probes = [Probe("digit", "v"), Probe("hidden", "u")]
    ours = simulate(bundle.network(tag), {"image": mine}, 40, probes=probes, dtype=np.float64)
    assert np.array_equal(ours.spikes["digit"].raster(), digit)
    assert digit.sum() > 10
    assert np.array_equal(ours.traces[probes[0]][-1], v)
    assert np.array_equal(ours.traces[probes[1]][-1], u)
    assert inside == ["net.hidden", "net.digit", "net.in->hidden", "net.hidden->out"]


def test_program_in_the_bundle(lava_python: str, bundle: Bundle) -> None:
    """The example that every bundle brings runs as its first lines say."""
    command = [lava_python, "runner/own_program.py", ".", "--steps", "30"]
    done = subprocess.run(
        command, cwd=bundle.path, timeout=120, check=True, capture_output=True, text=True
    )
    name, count = done.stdout.split(":")
    assert name == "out"
    assert int(count.split()[0]) > 0


def test_models_of_the_other_tag_are_refused(
    lava_python: str, bundle: Bundle, tmp_path: Path
) -> None:
    text = OWN_PROGRAM.replace("net = load_process(bundle, tag=tag", "net = load_process(bundle")
    text = text.replace("in_ports.image", "in_port('in')").replace("digit", "out")
    (tmp_path / "program.py").write_text(text)
    done = subprocess.run(
        [lava_python, str(tmp_path / "program.py"), str(bundle.path), "floating_pt", "x"],
        timeout=120,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "tag 'floating_pt' for Process net::FixedPointBundle" in done.stderr
