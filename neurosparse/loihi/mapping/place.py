"""Place a network on the cores of a chip."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ExportLimitError, ParameterError
from neurosparse.hardware import Board, Chip, load_chip
from neurosparse.loihi.mapping.demand import Counter
from neurosparse.loihi.mapping.demand_kernels import MEMORY, OUTPUTS
from neurosparse.loihi.mapping.mapping import Mapping as CoreMapping
from neurosparse.loihi.mapping.refusal import lonely_violations, sending_violation
from neurosparse.loihi.mapping.rules import CoreRules
from neurosparse.loihi.mapping.search import Method, Search
from neurosparse.loihi.mapping.wiring import Wiring
from neurosparse.network import Network

__all__ = ["map_network"]


def map_network(
    network: Network,
    chip: Chip | Board | str | PathLike[str],
    *,
    method: Method = "auto",
    rates: Mapping[str, Any] | None = None,
    sources_on_cores: bool = False,
) -> CoreMapping:
    """Place every neuron of a network on a core so that no limit is exceeded.

    Few cores first, few messages between them second. See ``docs/mapping.md`` for what is counted
    as what.

    Parameters
    ----------
    network : Network
        Float or integer; float weights count as what quantising makes of them.
    chip : Chip, Board, str or path
        What to place it on: a chip by name or file, or a board's chips.
    method : {"auto", "greedy", "metis", "sequential"}
        "greedy": neurons in the order of the network, every core as full as it can be. "metis":
        neurons that talk to each other together. "sequential": nengo-loihi's rule, to compare
        with. "auto": all three, the first two with cores put together where they fit, and the best
        of them: it never takes more cores than any of the others.
    rates : mapping of str to array_like, optional
        Spikes per step by population, a number or one per neuron. Populations left out are
        silent. Without rates every neuron counts alike.
    sources_on_cores : bool
        Whether spike sources take places on cores; else their spikes come from outside.

    Returns
    -------
    Mapping
        The same for the same arguments.

    Raises
    ------
    ExportLimitError
        With every neuron that fits on no core, and the limit.
    ParameterError
        If the chip states no encoding of synapses, or an argument is not allowed.
    BackendMissingError
        If "metis" is asked for and pymetis is not installed; "auto" goes on without and says so
        in ``remarks``.

    Notes
    -----
    Cost O(synapses) per counting, with 4 bytes per synapse and some numbers per axon of working
    memory. METIS is left out above 2 million synapses.

    Examples
    --------
    >>> from neurosparse.network import LIF, Population, Projection, Synapses
    >>> rng = np.random.default_rng(0)
    >>> net = Network(
    ...     {"in": Population(50), "a": Population(40, LIF()), "b": Population(10, LIF())},
    ...     [
    ...         Projection("in", "a", Synapses.random(50, 40, density=0.1, rng=rng)),
    ...         Projection("a", "b", Synapses.random(40, 10, density=0.1, rng=rng)),
    ...     ],
    ... )
    >>> map_network(net, "loihi1").n_cores, map_network(net, "loihi1", method="sequential").n_cores
    (1, 2)
    """
    if method not in get_args(Method):
        raise ParameterError(
            f"method: got {method!r}; allowed is {', '.join(map(repr, get_args(Method)))}"
        )
    rules = _rules_of(chip)
    wiring = Wiring.of_network(network, rules, sources_on_cores=sources_on_cores)
    counter = Counter(wiring, rules, wiring.rates(rates))
    search = Search(counter, *_check_each_neuron(counter))
    search.run(method)
    if search.best is None:
        raise ExportLimitError([sending_violation(counter, search.obstacle)])
    return CoreMapping.of_placement(
        network,
        rules,
        wiring,
        search.best,
        method=method,
        trials=tuple(search.trials),
        remarks=(*wiring.remarks, *search.remarks),
        weighted=rates is not None,
    )


def _rules_of(chip: Chip | Board | str | PathLike[str]) -> CoreRules:
    if isinstance(chip, Board):
        cores = chip.cores_per_chip
        return CoreRules.of_chip(chip.chip, None if cores is None else int(cores.value))
    return CoreRules.of_chip(chip if isinstance(chip, Chip) else load_chip(chip))


def _check_each_neuron(counter: Counter) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the largest share of a limit that each neuron needs; raise if one is above 1.

    Output axons are left out, as they depend on where the targets are; the second array is how
    many there are if every neuron has a core of its own.
    """
    placed = counter.wiring.placed
    counted = counter.count(placed, np.arange(placed.size + 1, dtype=np.int64))
    alone = counted.demand
    alone[:, MEMORY] -= alone[:, OUTPUTS] * counter.rules.bits_per_output_axon
    alone[:, OUTPUTS] = 0
    violations = lonely_violations(counter, alone)
    if violations:
        raise ExportLimitError(violations)
    load = np.zeros(counter.wiring.n_neurons)
    load[placed] = (alone[:, : counter.limits.size] / np.maximum(counter.limits, 1)).max(axis=1)
    return load, counted.outputs
