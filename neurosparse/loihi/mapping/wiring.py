"""A network as the mapper sees it: which axons end on which neuron, all neurons in one numbering.

Neurons are numbered through all populations in the order of the network, sources included. A
*slot* is a presynaptic neuron of one projection: its synapses on a core make one list there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.loihi.mapping.profiles import number_profiles
from neurosparse.loihi.mapping.remarks import FLOAT_WEIGHT_BITS, remarks_on
from neurosparse.loihi.mapping.rules import CoreRules
from neurosparse.loihi.mapping.wiring_kernels import add_by_post, add_by_pre
from neurosparse.network import FanIn, Network, Projection, choose_sign_mode

__all__ = ["Topology", "Wiring"]


class Topology(NamedTuple):
    """The arrays that kernels read.

    ``indptr`` (n_neurons + 1,) int64 and ``slots`` (n_synapses,) int32 say which slots end on a
    neuron, ascending; the slots of projection ``p`` are ``first_slot[p]`` to ``first_slot[p + 1]``
    and belong to the neurons from ``first_source[p]`` on, both int64; ``population``,
    ``profile``, ``threshold`` (n_neurons,) int32, the latter two -1 for sources; by projection
    ``width`` int64 [bit] of a synapse without index, ``key`` int32 of its format, ``dense`` bool
    whether it may be stored dense, ``target`` int32.
    """

    indptr: NDArray[np.int64]
    slots: NDArray[np.int32]
    first_slot: NDArray[np.int64]
    first_source: NDArray[np.int64]
    population: NDArray[np.int32]
    profile: NDArray[np.int32]
    threshold: NDArray[np.int32]
    width: NDArray[np.int64]
    key: NDArray[np.int32]
    dense: NDArray[np.bool_]
    target: NDArray[np.int32]


@dataclass(frozen=True)
class Wiring:
    """A network in one numbering.

    Parameters
    ----------
    names : tuple of str
        Populations in the order of the network.
    starts : (n_populations + 1,) int64
        First neuron of each, and the number of all.
    placed : (n_placed,) int32
        The neurons that need a place on a core, ascending.
    topology : Topology
        See there.
    remarks : tuple of str
        What the network asks for that the chip does not have, beside limits of cores.
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64]
    placed: NDArray[np.int32]
    topology: Topology
    remarks: tuple[str, ...]

    @classmethod
    def of_network(
        cls, network: Network, rules: CoreRules, *, sources_on_cores: bool = False
    ) -> Wiring:
        """Give all neurons one numbering and gather what ends on each.

        Parameters
        ----------
        network : Network
            Float or integer.
        rules : CoreRules
            They say how wide synapses are.
        sources_on_cores : bool
            Whether spike sources take places on cores.

        Raises
        ------
        ParameterError
            If nothing is to be placed, or projections have more presynaptic neurons than int32
            numbers.

        Notes
        -----
        Cost O(synapses); 4 bytes per synapse.
        """
        names = tuple(network.populations)
        sizes = [population.size for population in network.populations.values()]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        is_placed = [
            sources_on_cores or population.neuron is not None
            for population in network.populations.values()
        ]
        placed = np.flatnonzero(np.repeat(is_placed, sizes)).astype(np.int32)
        if not placed.size:
            raise ParameterError("network: holds spike sources only; there is nothing to place")
        first = dict(zip(names, starts.tolist(), strict=False))
        indptr, slots, first_slot = _gather(network, first, int(starts[-1]))
        profile, threshold = number_profiles(network.populations)
        topology = Topology(
            indptr,
            slots,
            first_slot,
            np.array([first[p.source] for p in network.projections], dtype=np.int64),
            np.repeat(np.arange(len(names), dtype=np.int32), sizes),
            profile,
            threshold,
            *_formats(network.projections, rules),
            np.array([names.index(p.target) for p in network.projections], dtype=np.int32),
        )
        return cls(names, starts, placed, topology, tuple(remarks_on(network, rules)))

    @property
    def n_neurons(self) -> int:
        """Neurons and sources."""
        return int(self.starts[-1])

    def sources(self) -> NDArray[np.int64]:
        """Return the source of every synapse, (n_synapses,), aligned with the topology's slots."""
        topology = self.topology
        owner = np.searchsorted(topology.first_slot, topology.slots, side="right") - 1
        return topology.slots - (topology.first_slot[:-1] - topology.first_source)[owner]

    def rates(self, given: Mapping[str, Any] | None) -> NDArray[np.float64]:
        """Return spikes per neuron and step, (n_neurons,); 1 for each if nothing is given.

        Parameters
        ----------
        given : mapping of str to array_like, optional
            By population: one number, or one per neuron. Those left out are silent.

        Raises
        ------
        ParameterError
            If a population is unknown, a shape does not fit, or a rate is negative or not finite.
        """
        if given is None:
            return np.ones(self.n_neurons)
        rates = np.zeros(self.n_neurons)
        for name, values in given.items():
            if name not in self.names:
                known = ", ".join(map(repr, self.names))
                raise ParameterError(f"rates: no population {name!r}; there are {known}")
            index = self.names.index(name)
            part = rates[self.starts[index] : self.starts[index + 1]]
            array = np.asarray(values, dtype=np.float64)
            if array.shape not in ((), part.shape):
                raise ParameterError(
                    f"rates[{name!r}]: got shape {array.shape}; expected one number or {part.shape}"
                )
            if not (np.isfinite(array).all() and (array >= 0).all()):
                raise ParameterError(f"rates[{name!r}]: must be finite numbers >= 0")
            part[:] = array
        return rates


def _gather(
    network: Network, first: Mapping[str, int], n_neurons: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Return ``indptr``, ``slots`` and ``first_slot`` of a `Topology`."""
    fan_in = np.zeros(n_neurons + 1, dtype=np.int64)
    for projection in network.projections:
        low = first[projection.target] + 1
        fan_in[low : low + projection.synapses.n_post] += projection.synapses.fan_in
    indptr = np.cumsum(fan_in)
    sizes = [projection.synapses.n_pre for projection in network.projections]
    first_slot = np.cumsum([0, *sizes], dtype=np.int64)
    if first_slot[-1] >= 2**31:
        raise ParameterError(
            f"network: its projections have {first_slot[-1]:,} presynaptic neurons in all; "
            "allowed is < 2^31"
        )
    slots = np.empty(indptr[-1], dtype=np.int32)
    cursor = indptr[:-1].copy()
    for projection, slot in zip(network.projections, first_slot.tolist(), strict=False):
        rows = projection.synapses.stored
        where = (slot, first[projection.target], cursor, slots)
        if isinstance(rows, FanIn):
            add_by_post(rows[0], rows[1], *where)
        else:
            add_by_pre(rows[0], rows[1], *where)
    return indptr, slots, first_slot


def _formats(
    projections: tuple[Projection, ...], rules: CoreRules
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """Return the width of a synapse, the number of its format and whether it may be dense."""
    keys: dict[tuple[Any, ...], int] = {}
    widths, numbers = [], []
    for projection in projections:
        bits, sign, exponent, message = _format_of(projection)
        width = rules.synapse_width(bits, projection.max_delay)
        delay = (projection.max_delay - 1).bit_length()
        widths.append(width)
        numbers.append(keys.setdefault((bits, delay, sign, exponent, message), len(keys)))
    return (
        np.array(widths, dtype=np.int64),
        np.array(numbers, dtype=np.int32),
        # a dense list has one place per target
        np.array([not p.synapses.multapses for p in projections], dtype=np.bool_),
    )


def _format_of(projection: Projection) -> tuple[int, str, int, int]:
    given = projection.format
    if given is not None:
        return given.num_weight_bits, given.sign_mode, given.weight_exp, given.num_message_bits
    if projection.synapses.dtype == np.int16:
        weights = projection.synapses.stored.weights
        return FLOAT_WEIGHT_BITS, choose_sign_mode(weights) or "mixed", 0, 0
    return FLOAT_WEIGHT_BITS, "mixed", 0, 0
