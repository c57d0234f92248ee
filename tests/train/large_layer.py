"""Train a layer of 20,000 x 20,000 potential synapses at 0.1 % where memory is watched; run apart.

Prints JSON: bytes per active synapse at the peak, and what training did. The address space is
capped at less than one bit per potential synapse on top of what the process has, so that nothing of
the size of the matrix can be allocated, touched or not.
"""

from __future__ import annotations

import json
import resource
from pathlib import Path

import numpy as np
import torch

import neurosparse.train
from neurosparse.network import LIF
from neurosparse.sparsify import deep_r
from neurosparse.train import LIFLayer, PackedSpikes, Rewirer, SparseLinear, SpikingLayer

SIDE, DENSITY = 20_000, 0.001
STEPS = 5


def status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    raise RuntimeError(field)


def train(side: int, density: float) -> tuple[SparseLinear, int, float]:
    """Train, one sample of one step at a time, so that there is hardly any activity to store."""
    connection = SparseLinear(side, side, density=density, gain=3, rng=0)
    layer = SpikingLayer(connection, LIFLayer(side, LIF(du=1, dv=0.1, vth=0.5)))
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    rewirer = Rewirer(deep_r(l1=0.1, temperature=1e-3), layer, optimizer)
    rng = np.random.default_rng(1)
    for _ in range(STEPS):
        x = PackedSpikes.from_tensor(torch.from_numpy(rng.random((1, 1, side)) < 0.1))
        optimizer.zero_grad()
        layer(x).counts.square().mean().backward()
        slope = float(connection.weight.grad.norm())
        optimizer.step()
    return connection, sum(rewirer.turnover.take().grown), slope


def main() -> None:
    neurosparse.train.RateTarget(0.1)  # the import is used: it sets up torch's threads
    train(200, 0.1)  # compiles and loads everything
    train(2000, 0.01)  # and starts threads
    n_potential = SIDE * SIDE
    limit = status("VmSize") + n_potential // 8 - 2**23
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        np.ones(n_potential // 8, dtype=np.uint8)
        capped = False
    except MemoryError:
        capped = True
    Path("/proc/self/clear_refs").write_text("5")
    base = status("VmRSS")
    connection, grown, slope = train(SIDE, DENSITY)
    answer = {
        "synapses": connection.n_active,
        "grown": grown,
        "capped": capped,
        "bytes_per_synapse": (status("VmHWM") - base) / connection.n_active,
        "slope": slope,
    }
    print(json.dumps(answer))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main()
