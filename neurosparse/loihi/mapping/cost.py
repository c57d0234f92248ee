"""What an inference costs on the cores of a mapping: counted spikes times a chip's prices."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from os import PathLike
from typing import Any

import numpy as np

from neurosparse.errors import ParameterError
from neurosparse.hardware import Board, Chip, CoreCounts, Cost, load_chip, predict_cost
from neurosparse.loihi.mapping.demand import FLOWS
from neurosparse.loihi.mapping.mapping import Mapping
from neurosparse.loihi.mapping.verify import recount
from neurosparse.network import Activity, Network, Spikes
from neurosparse.network.checks import check_count

__all__ = ["count_cores", "predict_mapping_cost", "rates_of"]


def rates_of(
    network: Network,
    counted: Activity | AnyMapping[str, Any],
    n_steps: int | None = None,
) -> dict[str, Any]:
    """Return spikes per neuron and step by population, as `map_network` takes them.

    Parameters
    ----------
    network : Network
        What ran.
    counted : Activity or mapping of str to Spikes or (size,) array_like
        What it did: spikes per population, shared out evenly, or those of every neuron.
    n_steps : int, optional [steps]
        Length of the run; an Activity and Spikes know it.

    Raises
    ------
    ParameterError
        If the length is not known, or the activity is another network's.
    """
    if isinstance(counted, Activity):
        if set(counted.spikes) != set(network.populations):
            raise ParameterError("counted: the activity of another network (populations differ)")
        steps = check_count("n_steps", counted.n_steps if n_steps is None else n_steps, least=1)
        return {
            name: counted.spikes[name] / (population.size * steps)
            for name, population in network.populations.items()
        }
    rates = {}
    for name, value in counted.items():
        spikes = value.counts() if isinstance(value, Spikes) else np.asarray(value, np.float64)
        known = value.n_steps if isinstance(value, Spikes) and n_steps is None else n_steps
        if known is None:
            raise ParameterError("n_steps: needed where spikes are counts without a length")
        rates[name] = spikes / check_count("n_steps", known, least=1)
    return rates


def count_cores(
    mapping: Mapping, network: Network, rates: AnyMapping[str, Any], n_steps: float
) -> CoreCounts:
    """Count what each core does in so many steps, from spikes per neuron and step.

    Parameters
    ----------
    mapping : Mapping
        Of ``network``.
    network : Network
        What ran.
    rates : mapping of str to array_like
        As of `rates_of`.
    n_steps : float [steps]
        Length of an inference.
    """
    counter, order, cuts = recount(mapping, network)
    counter.rates = counter.wiring.rates(rates)
    flow = dict(zip(FLOWS, counter.follow(order, cuts).T * n_steps, strict=True))
    is_neuron = np.zeros(mapping.n_cores)
    for block in mapping.blocks:
        if network.populations[block.population].neuron is not None:
            is_neuron[block.core] += block.neurons.size
    return CoreCounts(
        synaptic_events=flow["synaptic_events"],
        neuron_updates=is_neuron * n_steps,
        spikes_out=flow["spikes"],
        messages_out=flow["messages_out"],
        messages_in=flow["messages_in"],
        hops=flow["hops"],
    )


def predict_mapping_cost(
    mapping: Mapping,
    network: Network,
    counted: Activity | AnyMapping[str, Any],
    chip: Chip | Board | str | PathLike[str],
    *,
    n_steps: int | None = None,
    n_inferences: int = 1,
    table: str | None = None,
) -> Cost:
    """Predict energy and time of one inference on the cores of a mapping.

    Parameters
    ----------
    mapping : Mapping
        Of ``network``.
    network : Network
        What ran.
    counted : Activity or mapping of str to Spikes or (size,) array_like
        What was counted over all inferences, as of `rates_of`.
    chip : Chip, Board, str or path
        Whose prices.
    n_steps : int, optional [steps]
        Length of the whole run; an Activity and Spikes know it.
    n_inferences : int
        Inferences in it.
    table : str, optional
        Name of one of the chip's tables; default its own default.

    Returns
    -------
    Cost
        An estimate with bounds and the sources of its numbers. All steps are taken for alike, so
        that the slowest core of the mean step counts.

    Raises
    ------
    ParameterError
        If the run is another network's, or the chip has no prices.
    """
    check_count("n_inferences", n_inferences, least=1)
    rates = rates_of(network, counted, n_steps)
    if isinstance(counted, Activity):
        n_steps = counted.n_steps if n_steps is None else n_steps
    elif n_steps is None:
        lengths = [value.n_steps for value in counted.values() if isinstance(value, Spikes)]
        if not lengths:
            raise ParameterError("n_steps: counts do not tell how many steps were run; give it")
        n_steps = lengths[0]
    each = n_steps / n_inferences
    of = chip.chip if isinstance(chip, Board) else chip
    prices = (of if isinstance(of, Chip) else load_chip(of)).table(table)
    return predict_cost(prices, count_cores(mapping, network, rates, each), n_steps=each)
