from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import BackendMissingError, NeurosparseError
from neurosparse.network import LIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.plot import degrees, raster, rates, weights
from neurosparse.simulate.state import State

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.fixture(autouse=True)
def plain_figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from matplotlib import pyplot as plt

    plt.switch_backend("agg")
    yield
    plt.close("all")


def png_of(axes: Any) -> bytes:
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format="png", dpi=50)
    return buffer.getvalue()


def text_of(axes: Any) -> str:
    return str(axes.get_title(loc="left"))


SPIKES = {
    "in": Spikes([0, 1, 9], [4, 0, 2], n_steps=10, n_neurons=5),
    "out": Spikes([3], [1], n_steps=10, n_neurons=2),
}


def run(start: int = 0) -> Any:
    net = Network({"in": Population(5), "out": Population(2, LIF())})
    counts = {name: each.counts_per_step() for name, each in SPIKES.items()}
    return SimpleNamespace(start=start, spikes=SPIKES, counts=counts, state=State.at_rest(net))


# ---------------------------------------------------------------------- raster


def test_a_raster_has_one_mark_per_spike() -> None:
    axes = raster(SPIKES)
    points = [line.get_xydata() for line in axes.get_lines()]
    assert [len(each) for each in points] == [3, 1]
    assert points[0][:, 0].tolist() == [0, 1, 9]
    assert np.argsort(points[0][:, 1]).tolist() == [1, 2, 0]  # neuron 0 on top
    assert points[1][:, 1].min() > points[0][:, 1].max()
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert text_of(axes) == "4 spikes of 7 neurons in 10 steps"
    assert axes.get_xlabel() == "step"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["in (5)", "out (2)"]
    assert len(png_of(axes)) > 1000


def test_a_raster_of_a_run_lies_in_absolute_time() -> None:
    axes = raster(run(start=100), dt_ms=0.5)
    assert axes.get_lines()[0].get_xdata().tolist() == [50, 50.5, 54.5]
    assert axes.get_xlim() == (49.75, 54.75)
    assert axes.get_xlabel() == "time [ms]"


def test_large_networks_are_thinned_out_and_say_so() -> None:
    rng = np.random.default_rng(0)
    fired = np.sort(rng.choice(100_000 * 100, 1_000_000, replace=False))
    many = Spikes(fired // 100_000, (fired % 100_000).astype(np.int32), 100, 100_000)
    few = Spikes(np.arange(100), np.zeros(100, np.int32), 100, 3)
    axes = raster({"many": many, "few": few}, max_neurons=500)
    drawn = [len(line.get_xdata()) for line in axes.get_lines()]
    assert drawn[1] == 100  # a small population is drawn whole
    assert drawn[0] == np.count_nonzero(many.neurons % 201 == 0)
    assert text_of(axes) == (
        "1,000,100 spikes of 100,003 neurons in 100 steps; 501 neurons are drawn, evenly spaced"
    )
    assert all(line.get_rasterized() for line in axes.get_lines())


def test_nothing_spikes() -> None:
    silent = {"a": Spikes([], [], 0, 3)}
    assert text_of(raster(silent)) == "0 spikes of 3 neurons in 0 steps"


# ---------------------------------------------------------------------- rates


def heights(axes: Any) -> list[list[float]]:
    return [patch.get_data().values.tolist() for patch in axes.patches]


def test_rates_count_spikes_per_neuron() -> None:
    axes = rates(SPIKES, bin_steps=5)
    assert heights(axes) == [[2 / 25, 1 / 25], [1 / 10, 0]]
    assert axes.get_ylabel() == "spikes per neuron and step"
    assert text_of(axes) == "Rates of the populations, in bins of 5 steps"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["in", "out"]


def test_rates_of_a_run_are_in_hertz() -> None:
    axes = rates(run(start=20), dt_ms=0.5, bin_steps=10)
    assert heights(axes) == [pytest.approx([3 / 50 * 2000]), pytest.approx([1 / 20 * 2000])]
    assert axes.get_ylabel() == "rate of a neuron [Hz]"
    assert axes.get_xlim() == (9.75, 14.75)
    assert text_of(axes).endswith("in bins of 5 ms")


def test_the_last_bin_may_be_shorter() -> None:
    axes = rates({"a": np.array([2, 2, 2, 2, 4])}, bin_steps=2)
    assert heights(axes) == [[2, 2, 4]]
    assert axes.get_ylabel() == "spikes per step"
    assert axes.get_legend() is None
    assert heights(rates({"a": [4, 2]}, sizes={"a": 4}, bin_steps=1)) == [[1, 0.5]]
    assert rates({"a": [4, 2]}, dt_ms=1).get_ylabel() == "spikes per second"


def test_bins_follow_the_length() -> None:
    assert len(heights(rates({"a": np.ones(1_000_000)}))[0]) == 200
    assert text_of(rates({"a": np.ones(3)})) == "Rate of 'a', in bins of 1 step"


# ---------------------------------------------------------------------- histograms


def bars(axes: Any) -> float:
    return float(sum(bar.get_height() for bar in axes.patches))


def test_weights_split_at_zero() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.3, 1, 5000)
    axes = weights(Synapses.all_to_all(values.reshape(50, 100)))
    assert bars(axes) == 5000
    for bar in axes.patches:
        left, right = bar.get_x(), bar.get_x() + bar.get_width()
        assert left > -1e-9 or right < 1e-9
    assert text_of(axes).startswith("5,000 weights, mean 0.286")


def test_far_weights_stand_in_the_last_bins() -> None:
    values = np.ones(2000)
    values[:1990] = np.linspace(0, 1, 1990)
    values[-3:] = 1e6
    axes = weights(Synapses.all_to_all(values.reshape(40, 50)))
    assert bars(axes) == 2000
    assert axes.get_xlim()[1] < 10
    assert "3 beyond the ends stand in the last bins" in text_of(axes)


@pytest.mark.parametrize(
    ("value", "dtype"), [(0.5, np.float32), (0.0, np.float64), (-3, np.int16), (1e-30, np.float64)]
)
def test_constant_weights(value: float, dtype: Any) -> None:
    synapses = Synapses.from_edges([0, 1], [0, 0], value, n_pre=2, n_post=1, dtype=dtype)
    axes = weights(Projection("a", "b", synapses))
    assert bars(axes) == 2
    assert text_of(axes) == f"a → b: 2 weights, all equal to {value:g}"
    assert len(png_of(axes)) > 1000


def test_integer_weights_and_no_weights() -> None:
    values = np.arange(-100, 100, dtype=np.int16).reshape(10, 20)
    assert bars(weights(Synapses.all_to_all(values, dtype=np.int16))) == 200
    empty = Synapses.from_edges([], [], 1.0, n_pre=3, n_post=2)
    assert text_of(weights(empty)) == "no synapses"
    assert text_of(degrees(empty)) == "0 synapses from 3 onto 2 neurons"


def test_degrees_add_up() -> None:
    synapses = Synapses.from_edges([0, 0, 1], [0, 1, 1], 1.0, n_pre=4, n_post=2)
    axes = degrees(synapses)
    assert heights(axes) == [[50, 50], [50, 25, 25]]  # fan-in 1, 2; fan-out 2, 1, 0, 0
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["fan-in: 1.5 ± 0.5", "fan-out: 0.75 ± 0.829"]
    assert text_of(axes) == "3 synapses from 4 onto 2 neurons"
    assert axes.get_xscale() == "linear"


def test_degrees_far_apart_share_a_logarithmic_axis() -> None:
    rng = np.random.default_rng(0)
    axes = degrees(Synapses.fixed_fan_in(2000, 20, fan_in=100, rng=rng))
    assert axes.get_xscale() == "symlog"
    assert len(png_of(axes)) > 1000


# ---------------------------------------------------------------------- all


def test_all_draw_where_they_are_told() -> None:
    from matplotlib.figure import Figure

    synapses = Synapses.all_to_all([[1.0, 2.0]])
    panels = Figure().subplots(2, 2).ravel()
    assert raster(SPIKES, ax=panels[0]) is panels[0]
    assert rates(SPIKES, ax=panels[1]) is panels[1]
    assert weights(synapses, ax=panels[2]) is panels[2]
    assert degrees(synapses, ax=panels[3]) is panels[3]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: raster({}), "spikes: got dict; expected a run that recorded spikes, or a mapping"),
        (lambda: raster({"a": [1]}), "spikes: got dict; expected"),
        (lambda: raster(3), "spikes: got int; expected"),
        (lambda: raster(SPIKES, dt_ms=0), "dt_ms: got 0; allowed is > 0 ms"),
        (lambda: raster(SPIKES, dt_ms=np.nan), "dt_ms: got nan"),
        (lambda: raster(SPIKES, max_neurons=0), "max_neurons: got 0"),
        (lambda: rates({}), "counts: got dict; expected a run, or a mapping"),
        (lambda: rates({"a": [1], "b": [1, 2]}), r"counts: got shapes \[\(1,\), \(2,\)\]"),
        (lambda: rates({"a": []}), r"counts: got shapes \[\(0,\)\]; .* not empty"),
        (lambda: rates({"a": [1]}, sizes={"b": 1}), "sizes: nothing for 'a'"),
        (lambda: rates({"a": [1]}, sizes={"a": 0}), "sizes: 'a': got 0"),
        (lambda: rates({"a": [1]}, bin_steps=0), "bin_steps: got 0"),
        (lambda: weights(np.ones(3)), "synapses: got a ndarray; expected Synapses or a Projection"),
        (lambda: degrees("E"), "synapses: got a str"),
    ],
)
def test_bad_input_is_named(draw: Any, message: str) -> None:
    with pytest.raises(NeurosparseError, match=message):
        draw()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = r"plots need matplotlib, .* pip install 'neurosparse\[plot\]'"
    with pytest.raises(BackendMissingError, match=message):
        raster(SPIKES)
