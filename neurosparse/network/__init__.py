"""The ground floor: neuron parameters, synapses, networks, spike events, storage."""

from neurosparse.network.activity import Activity
from neurosparse.network.network import Network, Population, Projection
from neurosparse.network.neurons import LIF, FixedPointLIF, Neuron
from neurosparse.network.rows import FanIn, FanOut
from neurosparse.network.sampling import sample_distinct
from neurosparse.network.spikes import Spikes
from neurosparse.network.synapses import Synapses

__all__ = [
    "LIF",
    "Activity",
    "FanIn",
    "FanOut",
    "FixedPointLIF",
    "Network",
    "Neuron",
    "Population",
    "Projection",
    "Spikes",
    "Synapses",
    "sample_distinct",
]
