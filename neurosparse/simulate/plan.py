"""Lay a Network out in the flat arrays the kernels run on."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import Network
from neurosparse.simulate.engine_arrays import (
    FixedNeurons,
    FloatNeurons,
    Parts,
    Populations,
    Projections,
)
from neurosparse.simulate.layout import aligned_copy, lay_out_populations
from neurosparse.simulate.neuron_layout import lay_out_neurons
from neurosparse.simulate.parts import cut_into_parts
from neurosparse.simulate.projection_layout import lay_out_projections
from neurosparse.simulate.under_way import pending_depth
from neurosparse.simulate.wires import takes_messages

__all__ = ["MAX_THREADS", "Plan", "make_plan"]

MAX_THREADS = 1024
_STATE_ARRAYS = ("u", "arrived", "v", "held", "until", "queue", "ring", "sums", "wraps", "clips")
MAX_WINDOW = 16  # steps; longer ones save nothing and need room


class Plan(NamedTuple):
    """A network laid out for the kernels, at rest."""

    network: Any  # Network
    dtype: np.dtype[Any]  # of a float network
    rows: dict[str, int]  # population name -> row
    n_parts: int
    window: int  # steps that may be run without hearing of each other
    populations: Populations
    projections: Projections
    neurons: FloatNeurons | FixedNeurons
    parts: Parts
    owners: list[NDArray[Any]]  # keeps alive what the projections hold addresses of

    @property
    def n_neurons(self) -> int:
        """Neurons and sources, of all samples that run side by side."""
        return int(self.populations.size.sum())

    def copy(self) -> Plan:
        """Return a plan with neurons of its own over the same synapses."""
        own: dict[str, Any] = {
            name: aligned_copy(getattr(self.neurons, name))
            for name in _STATE_ARRAYS
            if hasattr(self.neurons, name)
        }
        parts: Any = [array.copy() for array in self.parts]
        return self._replace(neurons=self.neurons._replace(**own), parts=Parts(*parts))


# The last plans of every network that is alive: laying out takes longer than a short run.
_LAST: dict[tuple[int, int, int], tuple[weakref.ref[Network], tuple[np.dtype[Any], int], Plan]] = {}


def make_plan(
    network: Network,
    dtype: Any,
    current_columns: dict[str, int],
    n_parts: int = 1,
    depth: int | None = None,
    lane_bits: int = 0,
    message_columns: dict[str, int] | None = None,
) -> Plan:
    """Lay out ``network``.

    ``current_columns`` gives the first column of driven populations, ``message_columns`` that of
    sources of messages, ``depth`` the rows of the ring (default: what the delays need),
    ``lane_bits`` the log2 of how many samples run side by side (more than one only in one part).
    """
    depth = pending_depth(network) if depth is None else depth
    kind = (np.dtype(dtype), depth)
    identity = (id(network), n_parts, lane_bits)
    known = _LAST.get(identity)
    if known is None or known[0]() is not network or known[1] != kind:
        alive = weakref.ref(network, lambda _: _LAST.pop(identity, None))
        known = _LAST[identity] = (alive, kind, _lay_out(network, dtype, n_parts, depth, lane_bits))
    plan = known[2].copy()
    columns = [current_columns.get(name, -1) for name in network.populations]
    current = np.array(columns, dtype=np.int64)
    return plan._replace(
        network=network,
        populations=plan.populations._replace(current=current),
        projections=_with_messages(plan.projections, network, message_columns or {}),
    )


def _with_messages(
    projections: Projections, network: Network, columns: dict[str, int]
) -> Projections:
    """Let the projections that take messages find those of their source."""
    message = np.full_like(projections.number, -1)
    for row, number in enumerate(projections.number.tolist() if columns else ()):
        projection = network.projections[number]
        if takes_messages(network, projection):
            message[row] = columns.get(projection.source, -1)
    return projections._replace(message=message)


def _lay_out(network: Network, dtype: Any, n_parts: int, depth: int, lane_bits: int) -> Plan:
    populations = lay_out_populations(network, lane_bits)
    rows = {name: row for row, name in enumerate(network.populations)}
    neurons = lay_out_neurons(network, populations, depth, n_parts, dtype)
    delays = [projection.min_delay for projection in network.projections]
    window = min([*delays, MAX_WINDOW])
    parts = cut_into_parts(network, populations, n_parts, window, neurons.u.dtype)
    projections, owners = lay_out_projections(network, rows, populations, parts, neurons)
    # without the network, which would stay alive for its plan
    return Plan(
        None,
        np.dtype(dtype),
        rows,
        n_parts,
        window,
        populations,
        projections,
        neurons,
        parts,
        owners,
    )
