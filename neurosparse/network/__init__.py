"""The ground floor: neuron parameters, synapses, networks, spike events, storage."""

from neurosparse.network.activity import Activity
from neurosparse.network.fixed_point import FixedPointLIF, FixedPointTernaryLIF, Neuron
from neurosparse.network.network import Network, Population, Projection
from neurosparse.network.neurons import LIF
from neurosparse.network.rows import FanIn, FanOut
from neurosparse.network.sampling import sample_distinct
from neurosparse.network.spikes import Spikes
from neurosparse.network.synapse_format import Grid, SignMode, SynapseFormat, choose_sign_mode
from neurosparse.network.synapses import Synapses

__all__ = [
    "LIF",
    "Activity",
    "FanIn",
    "FanOut",
    "FixedPointLIF",
    "FixedPointTernaryLIF",
    "Grid",
    "Network",
    "Neuron",
    "Population",
    "Projection",
    "SignMode",
    "Spikes",
    "SynapseFormat",
    "Synapses",
    "choose_sign_mode",
    "sample_distinct",
]
