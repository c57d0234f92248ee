"""neurosparse: sparse spiking networks, simulated, trained, exported and compared.

``import neurosparse`` needs numpy only; the simulator compiles on its first import, and torch, lava
and matplotlib are touched only by ``neurosparse.train``, ``neurosparse.loihi`` and
``neurosparse.report``.
"""

from neurosparse.network import (
    LIF,
    Activity,
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Population,
    Projection,
    Spikes,
    Synapses,
)

__version__ = "0.1.0"

__all__ = [
    "LIF",
    "Activity",
    "FixedPointLIF",
    "FixedPointTernaryLIF",
    "Network",
    "Population",
    "Projection",
    "Spikes",
    "Synapses",
    "__version__",
]
