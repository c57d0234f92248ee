"""NetX files run as lava-dl's netx and Lava run them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.interop import from_netx
from neurosparse.network import FixedPointLIF, Network, SynapseFormat
from neurosparse.simulate import Probe, simulate
from tests.interop.netx_files import NEURON, block, run_rule, write_net

SOURCE = block("input", [4])


def dense(weight: Any, **fields: Any) -> dict[str, Any]:
    weight = np.asarray(weight)
    return block("dense", [weight.shape[0]], weight=weight, **{"neuron": NEURON, **fields})


def read(tmp_path: Path, *layers: dict[str, Any], **options: Any) -> Network:
    return from_netx(write_net(tmp_path / "x.net", list(layers)), **options)


def matrix_of(network: Network, index: int = 0) -> NDArray[np.int64]:
    projection = network.projections[index]
    matrix = projection.synapses.to_scipy().toarray().astype(np.int64)
    exponent = SynapseFormat().weight_exp if projection.format is None else 0
    if projection.format is not None:
        exponent = projection.format.weight_exp
    assert not (matrix % 2**-exponent).any()
    return matrix >> -exponent


def assert_runs_as_the_rule(network: Network, layers: list[Any], spikes: NDArray[Any]) -> None:
    n_steps = len(spikes)
    names = [name for name, p in network.populations.items() if p.neuron is not None]
    probes = [Probe(name, variable) for name in names for variable in ("u", "v")]  # type: ignore[arg-type]
    done = simulate(network, {"input": spikes}, n_steps, probes=probes)
    for name, rule in zip(names, run_rule(layers, spikes, n_steps), strict=True):
        np.testing.assert_array_equal(done.spikes[name].raster(), rule.spikes)
        np.testing.assert_array_equal(done.traces[Probe(name, "u")], rule.u)
        np.testing.assert_array_equal(done.traces[Probe(name, "v")], rule.v)


@st.composite
def nets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw an input and one to three dense layers, of every kind of weights that passes as is."""
    width = draw(st.integers(1, 5))
    layers = [block("input", draw(st.sampled_from(([width], [1, 1, width], [width, 1, 1]))))]
    if draw(st.booleans()):
        layers.append(block("flatten", [width, 1, 1]))
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.integers(1, 5))
        low, high, step = draw(
            st.sampled_from(((-256, 254, 2), (-255, 254, 1), (0, 255, 1), (-14, 6, 2), (0, 3, 1)))
        )
        entries = st.integers(-(-low // step), high // step).map(lambda k, step=step: k * step)
        recurrent = draw(st.booleans())

        def matrix(columns: int, size: int = size, entries: Any = entries) -> NDArray[np.float32]:
            rows = draw(
                st.lists(
                    st.lists(entries, min_size=columns, max_size=columns),
                    min_size=size,
                    max_size=size,
                )
            )
            return np.array(rows, dtype=np.float32)

        fields: dict[str, Any] = {"weight": matrix(width)}
        # netx fails where all are 0, and takes fewer signs than there could be for other bits
        fields["weight"][0, 0] = low + step if low < 0 else step
        if recurrent:
            fields["weight_rec"] = matrix(size)
            if low < 0:
                fields["weight_rec"][0, 0] = high if high % step == 0 else high - 1
        elif draw(st.booleans()):
            shape = draw(st.sampled_from(((), (size,), (width,), (size, width))))
            fields["delay"] = np.asarray(
                draw(st.integers(0, 62)) if shape == () else np.zeros(shape, dtype=np.float32)
            )
            if shape:
                flat = draw(
                    st.lists(
                        st.integers(0, 62),
                        min_size=int(np.prod(shape)),
                        max_size=int(np.prod(shape)),
                    )
                )
                fields["delay"] = np.array(flat, dtype=np.float32).reshape(shape)
        if draw(st.booleans()):
            bias = draw(st.lists(st.integers(-40, 40), min_size=size, max_size=size))
            fields["bias"] = np.array(bias, dtype=np.float32)
        neuron = NEURON | {
            "type": draw(st.sampled_from(("CUBA", "LOIHI"))),
            "iDecay": draw(st.integers(64, 4096)),
            "vDecay": draw(st.integers(0, 4095)),
            "vThMant": draw(st.integers(1, 300)),
        }
        kind = "dense_rec" if recurrent else "dense"
        layers.append(block(kind, [size], neuron=neuron, **fields))
        width = size
    return layers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=nets(), seed=st.integers(0, 2**32 - 1))
def test_random_files_run_as_the_rule(
    layers: list[dict[str, Any]], seed: int, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        # weights that Lava changes, and overflows, are the rule's business
        warnings.simplefilter("ignore", UserWarning)
        network = read(tmp_path, *layers)
        size = network.populations["input"].size
        spikes = (np.random.default_rng(seed).random((70, size)) < 0.4).astype(np.uint8)
        assert_runs_as_the_rule(network, layers, spikes)


def test_names_sizes_and_parameters(tmp_path: Path) -> None:
    network = read(
        tmp_path,
        block("input", [1, 2, 2]),
        block("flatten", [4, 1, 1]),
        block(
            "dense",
            [3, 1, 1],
            weight=np.arange(-6, 6) * 2,
            bias=np.array([1, -5, 64]),
            neuron=NEURON | {"vThMant": 90},
        ),
        dense([[2, 4, -6]]),
    )
    assert list(network.populations) == ["input", "layer2", "layer3"]
    assert [p.name for p in network.projections] == ["input->layer2", "layer2->layer3"]
    assert (network.inputs, network.outputs) == (("input",), ("layer3",))
    assert network.populations["input"].neuron is None
    assert network.populations["layer2"].neuron == FixedPointLIF(
        du=1023, dv=128, vth=90, bias_mant=np.array([1, -5, 64]), bias_exp=6
    )
    np.testing.assert_array_equal(matrix_of(network), (np.arange(-6, 6) * 2).reshape(3, 4))
    assert network.n_synapses == 11 + 3  # a weight of 0 is no synapse


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        # bits and exponent worked out by hand: shifted until 8 bits are full
        ([[2, -4]], SynapseFormat("mixed", 2, -6)),
        ([[254, -256]], SynapseFormat("mixed", 8, 0)),
        ([[1, -1]], SynapseFormat("mixed", 2, -7)),
        ([[255, 1]], SynapseFormat("excitatory", 8, 0)),
        ([[3, 0]], SynapseFormat("excitatory", 2, -6)),
        ([[128, 128]], SynapseFormat("excitatory", 1, 0)),
        ([[-3, -12]], SynapseFormat("inhibitory", 4, -4)),
    ],
)
def test_formats(tmp_path: Path, weight: Any, expected: SynapseFormat) -> None:
    network = read(tmp_path, dense(weight))
    assert network.projections[0].format == expected
    np.testing.assert_array_equal(matrix_of(network), weight)


def test_odd_weights_of_both_signs_are_two_projections(tmp_path: Path) -> None:
    weight = np.array([[201, -3, 0, 7], [-255, 2, 1, -100]])
    network = read(tmp_path, SOURCE, dense(weight))
    exc, inh = network.projections
    assert (exc.name, inh.name) == ("input->layer1 exc", "input->layer1 inh")
    assert (exc.format, inh.format) == (SynapseFormat("excitatory"), SynapseFormat("inhibitory"))
    np.testing.assert_array_equal(matrix_of(network, 0) + matrix_of(network, 1), weight)
    assert network.n_synapses == 7


@pytest.mark.parametrize(
    ("weight", "kept", "n_changed"),
    [
        ([[300, -2], [4, -400]], [[254, -2], [4, -256]], 2),  # clipped by netx
        ([[-128, -2], [-4, -6]], [[-126, -2], [-4, -6]], 1),  # shifted to -256, clipped by Lava
        ([[-4, -4], [-4, -4]], [[0, 0], [0, 0]], 4),  # as above, and no bit is left
        ([[2.5, -2], [4, -6.75]], [[2, -2], [4, -6]], 2),  # cut by netx
        # netx asks for 9 bits, Lava sees one sign only: numpy makes 0 of a shift by -1
        ([[0, -129], [-3, -2]], [[0, 0], [0, 0]], 3),
    ],
)
def test_weights_that_lava_changes_are_counted(
    tmp_path: Path, weight: Any, kept: Any, n_changed: int
) -> None:
    with pytest.warns(UserWarning, match=rf"layer 0: {n_changed} of 4 weights are not what"):
        network = read(tmp_path, dense(weight))
    np.testing.assert_array_equal(matrix_of(network), kept)


def test_weights_of_0_and_minus_1_are_halved_by_lava(tmp_path: Path) -> None:
    # netx takes them for mixed and shifts by 8 bits, Lava guesses inhibitory and clips to -255
    layers = [dense(np.array([[0, -1, -1]]), neuron=NEURON | {"vThMant": 5})]
    with pytest.warns(UserWarning, match="2 of 3 weights are not what the file says"):
        network = read(tmp_path, *layers)
    spikes = np.array([[1, 1, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=np.uint8)
    assert_runs_as_the_rule(network, layers, spikes)


def test_a_layer_without_neurons_adds_up_in_v(tmp_path: Path) -> None:
    layers = [SOURCE, dense([[2, -4, 6, 8], [0, 2, -2, 30]], neuron=None)]
    network = read(tmp_path, *layers)
    spikes = (np.random.default_rng(2).random((60, 4)) < 0.5).astype(np.uint8)
    v = simulate(network, {"input": spikes}, 60, probes=[Probe("layer1", "v")])
    (rule,) = run_rule(layers, spikes, 60)
    assert np.abs(rule.v).max() > 1000
    np.testing.assert_array_equal(v.traces[Probe("layer1", "v")], rule.v)


def test_an_input_layer_with_neurons_is_driven_past_u(tmp_path: Path) -> None:
    w, b = 36, 34
    inputs = block("input", [3], neuron=NEURON | {"vThMant": 50}, weight=[w], bias=[b])
    network = read(tmp_path, inputs, dense([[2, 4, -6]]))
    pixels = np.array([0.0, 0.5, 1.0])
    currents = np.tile((2 * w * pixels - w + b).astype(np.int64), (40, 1))
    done = simulate(network, {"input": currents}, 40, probes=[Probe("input", "v")])
    v = np.zeros(3, dtype=np.int64)
    for t in range(40):  # bias_mant = current, bias_exp = 6, u = 0
        v = np.sign(v) * ((np.abs(v) * (4096 - 128)) >> 12) + (currents[t] << 6)
        v[v > (50 << 6)] = 0
        np.testing.assert_array_equal(done.traces[Probe("input", "v")][t], v)
    assert done.spikes["input"].raster().any()


def test_graded_input(tmp_path: Path) -> None:
    layers = [SOURCE, dense([[2, 4, -6, 8], [0, 2, 4, -10]]), dense([[60, 80]])]
    network = read(tmp_path, *layers, input_message_bits=5)
    assert [p.format.num_message_bits for p in network.projections if p.format] == [5, 0]
    values = np.random.default_rng(4).integers(0, 32, (60, 4))
    rule = run_rule(layers, values, 60, graded=True)
    assert rule[1].spikes.any()
    done = simulate(network, {"input": values}, 60, probes=[Probe("layer1", "u")])
    np.testing.assert_array_equal(done.traces[Probe("layer1", "u")], rule[0].u)
    np.testing.assert_array_equal(done.spikes["layer2"].raster(), rule[1].spikes)


def test_only_the_source_sends_values(tmp_path: Path) -> None:
    looped = dense([[2, 4, -6, 8]], type="dense_rec", weight_rec=np.array([[-4]]))
    network = read(tmp_path, SOURCE, looped, input_message_bits=4)
    bits = {p.source: p.format.num_message_bits for p in network.projections if p.format}
    assert bits == {"input": 4, "layer1": 0}


def test_refractory_delay_is_passed_over_or_heeded(tmp_path: Path) -> None:
    layer = dense([[2, 4, -6, 8]], neuron=NEURON | {"refDelay": 3})
    with pytest.warns(UserWarning, match="layer 1: refDelay=3 is passed over, as in netx"):
        plain = read(tmp_path, SOURCE, layer)
    heeded = read(tmp_path, SOURCE, layer, refractory=True)
    assert [n.populations["layer1"].neuron.refractory for n in (plain, heeded)] == [0, 2]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("neuron", "message", "field", "value"),
    [
        ({"vDecay": 4096}, "vDecay=4096 is 4095 here", "dv", 4095),
        ({"vThMant": (1 << 18) - 1}, "vThMant=262143 is 131071 here", "vth", 131071),
        ({"gradedSpike": True}, "gradedSpike is passed over", "vth", 80),
    ],
)
def test_parameters_beyond_their_bits(
    tmp_path: Path, neuron: dict[str, Any], message: str, field: str, value: int
) -> None:
    with pytest.warns(UserWarning, match=f"layer 1: {message}"):
        network = read(tmp_path, SOURCE, dense([[2, 4, -6, 8]], neuron=NEURON | neuron))
    assert getattr(network.populations["layer1"].neuron, field) == value


def test_delays_are_clamped_as_in_netx(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="layer 1: delays up to 90 are 62, as in netx"):
        network = read(tmp_path, SOURCE, dense([[2, 4, -6, 8]], delay=[0, 5, 90, 1]))
    assert network.projections[0].synapses.delays.tolist() == [1, 6, 63, 2]  # type: ignore[union-attr]


def test_a_last_average_is_passed_over(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="layer 2: 'average' has no neurons"):
        network = read(tmp_path, SOURCE, dense(np.eye(4) * 2), block("average", [2, 1, 1]))
    assert network.outputs == ("layer1",)


def test_it_can_be_saved_and_loaded(tmp_path: Path) -> None:
    layers = [SOURCE, dense([[2, 4, -6, 8], [0, 20, 2, 2]], delay=[[0, 1, 2, 3], [4, 5, 6, 7]])]
    network = read(tmp_path, *layers)
    network.save(tmp_path / "x.npz")
    assert Network.load(tmp_path / "x.npz") == network


def test_ground_truth_of_lava_dl() -> None:
    """A trained network with delays, its input, and the spikes that lava-dl's training says."""
    wheel = os.environ.get("NEUROSPARSE_LAVA_DL")
    if wheel is None:
        pytest.skip("NEUROSPARSE_LAVA_DL is not set to the unpacked wheel of lava-dl 0.6.0")
    folder = Path(wheel) / "tests/lava/lib/dl/netx/gts/ntidigits"
    with pytest.warns(UserWarning, match="'average' has no neurons and is passed over"):
        network = from_netx(folder / "ntidigits.net")
    spikes = np.load(folder / "input.npy").T != 0
    expected = np.load(folder / "output.npy").T != 0
    done = simulate(network, {"input": spikes.astype(np.uint8)}, len(spikes))
    assert expected.sum() == 22_572
    # training puts the step of a connection behind neurons, that of the input too
    np.testing.assert_array_equal(done.spikes["layer4"].raster()[:-1] != 0, expected[1:])
