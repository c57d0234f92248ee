"""How much of what was sent may still be under way between two steps."""

from __future__ import annotations

from neurosparse.network import Network
from neurosparse.simulate.wires import is_kept_until_it_arrives

__all__ = ["n_recent", "pending_depth", "pending_targets"]


def n_recent(network: Network) -> int:
    """Return how many past steps of spikes are still under way [steps].

    The longest delay of the projections whose spikes are kept until they arrive: those whose
    synapses have no delays of their own, and a few others (`wires`); 0 if none.
    """
    kept = [p.max_delay for p in network.projections if is_kept_until_it_arrives(network, p)]
    return max(kept, default=0)


def pending_depth(network: Network) -> int:
    """Return the longest delay of synapses that deliver ahead of time [steps]; 0 if none."""
    own = [p.max_delay for p in network.projections if not is_kept_until_it_arrives(network, p)]
    return max(own, default=0)


def pending_targets(network: Network) -> list[str]:
    """Return the targets of projections whose synapses deliver ahead of time, in order."""
    own = {p.target for p in network.projections if not is_kept_until_it_arrives(network, p)}
    return [name for name in network.populations if name in own]
