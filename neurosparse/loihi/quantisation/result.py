"""An integer network, and what became of the float numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.quantisation.rounding import Rounded
from neurosparse.network import LIF, FixedPointLIF, Grid, Network, Population

__all__ = ["NeuronLoss", "Quantisation", "WeightLoss", "quantised"]


@dataclass(frozen=True)
class WeightLoss:
    """What rounding did to the weights of a projection.

    Parameters
    ----------
    pruned : int
        Synapses whose weight rounded to zero and that are gone.
    clipped : int
        Weights beyond the ends of the grid, which were moved there.
    largest_error : float
        Largest rounding error, in integer weights (half a grid step at most, but for weights that
        were clipped, or small and kept).
    relative_rms : float
        Rms of the errors relative to the rms of the weights.
    relative_largest : float
        Largest error relative to the rms of the weights.
    """

    pruned: int
    clipped: int
    largest_error: float
    relative_rms: float
    relative_largest: float


@dataclass(frozen=True)
class NeuronLoss:
    """Relative errors of a population's parameters, the largest of its neurons.

    Parameters
    ----------
    vth, du, dv, bias : float
        ``|integer value / exact value - 1|``; 0 where the exact value is 0.
    """

    vth: float
    du: float
    dv: float
    bias: float


@dataclass(frozen=True)
class Quantisation:
    """An integer network and how it came about.

    Parameters
    ----------
    network : Network
        Integer twin: FixedPointLIF populations, and int16 weights on Lava's grid with a format per
        projection.
    scales : dict of str to float
        By population of neurons: integer weight units per float weight unit, the one factor of
        its threshold, bias and input currents, and of its weights together with their exponents.
    weights : dict of str to WeightLoss
        By projection.
    neurons : dict of str to NeuronLoss
        By population of neurons.
    """

    network: Network
    scales: dict[str, float]
    weights: dict[str, WeightLoss]
    neurons: dict[str, NeuronLoss]

    @property
    def pruned(self) -> dict[str, int]:
        """By projection: synapses whose weight rounded to zero and that are gone."""
        return {name: loss.pruned for name, loss in self.weights.items()}

    @property
    def error(self) -> dict[str, float]:
        """By projection: largest rounding error, in integer weights."""
        return {name: loss.largest_error for name, loss in self.weights.items()}

    @property
    def weight_error(self) -> float:
        """Mean of the projections' rms errors, each relative to the rms of its weights."""
        errors = [loss.relative_rms for loss in self.weights.values()]
        return float(np.mean(errors)) if errors else 0.0

    def __str__(self) -> str:
        tables = (self._population_rows(), self._projection_rows())
        return "\n".join([repr(self.network), *(_in_columns(rows) for rows in tables if rows)])

    def _population_rows(self) -> list[list[str]]:
        rows = [["population", "scale", "vth", "du", "dv", "bias 2^", "errors: vth", "du", "dv"]]
        rows[0].append("bias")
        for name, scale in self.scales.items():
            neuron, loss = self.network.populations[name].neuron, self.neurons[name]
            if not isinstance(neuron, FixedPointLIF):
                continue
            low, high = np.min(neuron.vth), np.max(neuron.vth)
            vth = f"{low}" if low == high else f"{low} to {high}"
            numbers = [f"{scale:.6g}", vth, f"{neuron.du}", f"{neuron.dv}", f"{neuron.bias_exp}"]
            errors = [loss.vth, loss.du, loss.dv, loss.bias]
            rows.append([name, *numbers, *(_percent(error) for error in errors)])
        return rows

    def _projection_rows(self) -> list[list[str]]:
        rows = [["projection", "signs", "bits", "weights 2^", "synapses", "rounded to 0"]]
        rows[0] += ["clipped", "rms error", "largest"]
        for projection in self.network.projections:
            loss, stored = self.weights[projection.name], projection.format
            if stored is None:
                continue
            how = [stored.sign_mode, f"{stored.num_weight_bits}", f"{stored.weight_exp}"]
            counts = [projection.synapses.n_active, loss.pruned, loss.clipped]
            errors = [_percent(loss.relative_rms), _percent(loss.relative_largest)]
            rows.append([projection.name, *how, *(f"{count:,}" for count in counts), *errors])
        return rows if len(rows) > 1 else []


def quantised(network: Network, rounded: Rounded) -> Quantisation:
    """Put the integers of a float network together, without the weights that became 0."""
    populations, neurons = dict(network.populations), {}
    for name, neuron in rounded.neurons.items():
        exact = populations[name].neuron
        if isinstance(exact, LIF):
            neurons[name] = _neuron_loss(exact, neuron, rounded.scales[name])
        populations[name] = Population(populations[name].size, neuron)
    projections, weights = [], {}
    for projection in network.projections:
        name, synapses = projection.name, projection.synapses
        stored, integers = rounded.formats[name], rounded.weights[name]
        per_unit = rounded.scales[projection.target] / 2.0**stored.weight_exp
        weights[name] = _weight_loss(
            synapses.weights.astype(np.float64) * per_unit, integers, stored.grid
        )
        kept = synapses.with_weights(integers).without_zeros()
        projections.append(replace(projection, synapses=kept, format=stored))
    integer = Network(populations, projections, inputs=network.inputs, outputs=network.outputs)
    return Quantisation(integer, rounded.scales, weights, neurons)


def _weight_loss(exact: NDArray[Any], rounded: NDArray[Any], grid: Grid) -> WeightLoss:
    """Compare integer weights with the exact ones, in the same unit."""
    nearest = np.rint(exact / grid.step) * grid.step
    errors = np.abs(exact - rounded)
    largest = float(errors.max(initial=0.0))
    power = math.sqrt(float(np.square(exact).sum()))
    rms = power / math.sqrt(max(1, exact.size))
    return WeightLoss(
        pruned=int((rounded == 0).sum()),
        clipped=int(((nearest < grid.low) | (nearest > grid.high)).sum()),
        largest_error=largest,
        relative_rms=math.sqrt(float(np.square(errors).sum())) / power if power else 0.0,
        relative_largest=largest / rms if rms else 0.0,
    )


def _neuron_loss(exact: LIF, rounded: FixedPointLIF, scale: float) -> NeuronLoss:
    """Compare an integer neuron with the float one."""
    bias: Any = np.asarray(rounded.bias_mant) * 2.0**rounded.bias_exp / 64
    return NeuronLoss(
        vth=_relative(np.asarray(rounded.vth) / scale, exact.vth),
        du=_relative((rounded.du + 1) / 4096, exact.decays_u[0]),
        dv=_relative(rounded.dv / 4096, exact.dv),
        bias=_relative(bias / scale, exact.bias),
    )


def _relative(value: Any, exact: Any) -> float:
    value, exact = np.broadcast_arrays(np.asarray(value, np.float64), np.asarray(exact, np.float64))
    some = exact != 0
    return float(np.abs(value[some] / exact[some] - 1).max(initial=0.0))


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _in_columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        return "  ".join(["", first.strip().ljust(widths[0]), *others])

    return "\n".join(map(line, rows))
