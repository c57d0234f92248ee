"""What quantising changes, seen in samples: firing rates, spikes, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.loihi.quantisation import Quantisation
from neurosparse.loihi.quantisation.calibration_set import CalibrationSet, only, scaled
from neurosparse.network import Network
from neurosparse.simulate import simulate
from neurosparse.simulate.progress import Progress

__all__ = ["Calibration", "SpikeChange", "calibrate"]


@dataclass(frozen=True, eq=False)
class SpikeChange:
    """Spikes of a population before and after, over all samples.

    Parameters
    ----------
    counts, fixed_counts : (size,) int64
        Spikes of every neuron of the float and of the integer network.
    coincident : int
        Spikes that both have: same sample, step and neuron.
    n_steps : int
        Steps of all samples together.
    """

    counts: NDArray[np.int64]
    fixed_counts: NDArray[np.int64]
    coincident: int
    n_steps: int

    @property
    def rate(self) -> float:
        """Spikes per neuron and step of the float network."""
        return float(self.counts.mean() / self.n_steps)

    @property
    def fixed_rate(self) -> float:
        """Spikes per neuron and step of the integer network."""
        return float(self.fixed_counts.mean() / self.n_steps)

    @property
    def agreement(self) -> float:
        """Spikes that both have, as a share of those that either has; 1 without any."""
        either = int(self.counts.sum() + self.fixed_counts.sum()) - self.coincident
        return self.coincident / either if either else 1.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """A float network and its integer twin on the same samples.

    Parameters
    ----------
    n_samples, n_steps : int
        Samples, and steps of each.
    populations : dict of str to SpikeChange
        By population.
    accuracy, fixed_accuracy : float or None
        Share of the samples that the float and the integer network classify correctly; None without
        labels.
    same_answers : float or None
        Share of the samples that both put in the same class.
    """

    n_samples: int
    n_steps: int
    populations: dict[str, SpikeChange]
    accuracy: float | None
    fixed_accuracy: float | None
    same_answers: float | None

    def __str__(self) -> str:
        width = max(map(len, self.populations))
        lines = [f"{self.n_samples} samples of {self.n_steps} steps; spikes per neuron and step:"]
        lines += [
            f"  {name.ljust(width)}  float {change.rate:.4f}, integers {change.fixed_rate:.4f}, "
            f"{100 * change.agreement:.2f} % of the spikes agree"
            for name, change in self.populations.items()
        ]
        if self.accuracy is not None:
            lines.append(
                f"  accuracy: float {100 * self.accuracy:.2f} %, integers "
                f"{100 * (self.fixed_accuracy or 0.0):.2f} %, the same answer to "
                f"{100 * (self.same_answers or 0.0):.2f} %"
            )
        return "\n".join(lines)


def calibrate(
    network: Network,
    quantisation: Quantisation,
    samples: CalibrationSet,
    *,
    progress: bool = False,
) -> Calibration:
    """Run a float network and its integer twin on samples and compare every spike.

    Every sample starts from rest and has a window of its steps in every population, which begins
    as many steps late as the population is deep (`Network.depths`). The answer is the output
    neuron with most spikes in the window, ties going to the lowest number.

    Parameters
    ----------
    network : Network
        The float network.
    quantisation : Quantisation
        From `quantise`.
    samples : CalibrationSet
        What to run; with labels, accuracies are compared too.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Calibration

    Raises
    ------
    ParameterError, ShapeError, TopologyError
        If the samples do not fit the network, or the quantisation belongs to another one.

    Notes
    -----
    Samples run one by one in `simulate`, the float network in float32.
    """
    if list(quantisation.network.populations) != list(network.populations):
        raise ParameterError("quantisation: it belongs to another network; quantise this one")
    fixed = scaled(quantisation, samples.inputs)
    sizes = {name: population.size for name, population in network.populations.items()}
    counts = {name: np.zeros((2, size), dtype=np.int64) for name, size in sizes.items()}
    coincident = dict.fromkeys(sizes, 0)
    answers = np.zeros((2, len(samples)), dtype=np.int64)
    output = None if samples.labels is None else only(network.outputs, "outputs")
    with Progress("calibrate", len(samples), progress) as bar:
        for k in range(len(samples)):
            float_keys = _spikes_of(network, samples.inputs, k)
            fixed_keys = _spikes_of(quantisation.network, fixed, k)
            for name, size in sizes.items():
                pair = float_keys[name], fixed_keys[name]
                own = np.stack([np.bincount(keys % size, minlength=size) for keys in pair])
                counts[name] += own
                coincident[name] += np.intersect1d(*pair, assume_unique=True).size
                if name == output:
                    answers[:, k] = own.argmax(axis=1)
            bar.advance(1)
    n_steps = len(samples) * samples.n_steps
    accuracy = fixed_accuracy = same_answers = None
    if samples.labels is not None:
        accuracy, fixed_accuracy = ((answers == samples.labels).mean(axis=1)).tolist()
        same_answers = float((answers[0] == answers[1]).mean())
    return Calibration(
        len(samples),
        samples.n_steps,
        {
            name: SpikeChange(before, after, coincident[name], n_steps)
            for name, (before, after) in counts.items()
        },
        accuracy,
        fixed_accuracy,
        same_answers,
    )


def _spikes_of(
    network: Network, inputs: Mapping[str, NDArray[Any]], sample: int
) -> dict[str, NDArray[np.int64]]:
    """Return what spiked in a sample's windows, ``step * size + neuron`` by population."""
    own = {name: values[sample] for name, values in inputs.items()}
    n_steps = next(iter(own.values())).shape[0]
    depths = network.depths
    run = simulate(network, own, n_steps + max(depths.values()), reset_every=n_steps)
    keys = {}
    for name, depth in depths.items():
        spikes = run.spikes[name].window(depth, depth + n_steps)
        keys[name] = spikes.steps * spikes.n_neurons + spikes.neurons
    return keys
