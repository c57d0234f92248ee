"""Two networks that are fine, for tests of what is not."""

from __future__ import annotations

import numpy as np

from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses

FLOAT = Network(
    {"in": Population(3), "out": Population(2, LIF(du=(0.5, 0.5)))},
    [Projection("in", "out", Synapses.all_to_all(np.ones((2, 3))))],
)
INTEGER = Network(
    {"in": Population(3), "out": Population(2, FixedPointLIF())},
    [Projection("in", "out", Synapses.all_to_all(np.ones((2, 3)), dtype=np.int16))],
)
