"""NetX files as lava-dl writes them, and a slow, dense statement of what netx and Lava make of one.

Written from lava-dl 0.6.0 (``netx/hdf5.py``, ``netx/utils.py``, ``netx/blocks/process.py``) and
lava-nc 0.10.0 (``dense/models.py``, ``lif/models.py``, ``utils/weightutils.py``), not from our
reader: nothing of neurosparse is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

h5py = pytest.importorskip("h5py")

__all__ = ["NEURON", "Trace", "block", "h5py", "lava_parameters", "run_rule", "write_net"]

NEURON = {
    "type": "CUBA",
    "iDecay": 1024,
    "vDecay": 128,
    "vThMant": 80,
    "refDelay": 1,
    "gradedSpike": False,
}
Layer = dict[str, Any]


def block(kind: str, shape: Any, **fields: Any) -> Layer:
    """Return a layer; ``neuron`` is a dictionary of parameters, or None for no such group."""
    return {"type": kind, "shape": shape, **fields}


def write_net(path: Path, layers: list[Layer]) -> Path:
    """Write layers as ``export_hdf5`` does."""
    with h5py.File(path, "w") as file:
        for number, layer in enumerate(layers):
            group = file.create_group(f"layer/{number}")
            for key, value in layer.items():
                if key == "type":
                    group.create_dataset("type", (1,), "S10", [value.encode("ascii", "ignore")])
                elif key == "neuron" and value is not None:
                    for name, parameter in value.items():
                        group.create_dataset(f"neuron/{name}", data=parameter)
                elif value is not None:
                    group.create_dataset(key, data=np.asarray(value))
        file.create_dataset("simulation/Ts", data=1)
        file.create_dataset("simulation/tSample", data=16)
    return path


# ---------------------------------------------------------------------- the rule


class Connection(NamedTuple):
    """What netx passes to Lava's Dense or DelayDense."""

    weights: NDArray[np.int64]
    weight_exp: int
    num_weight_bits: int
    delays: NDArray[np.int64]


class Block(NamedTuple):
    """A dense layer as Lava processes: one connection, or two where it is recurrent."""

    connections: list[Connection]
    lif: dict[str, Any]


def optimised(weight: NDArray[np.int64]) -> tuple[NDArray[np.int64], int, int]:
    """Restate ``optimize_weight_bits``: shifted weights, bits, exponent."""
    high, low = weight.max(), weight.min()
    if (high > 254 and low < 0) or (low < -256 and high > 0):
        weight = np.clip(weight, -256, 254)
        high, low = weight.max(), weight.min()
    signed = int(low < 0 <= high)
    with np.errstate(divide="ignore"):
        if signed:
            scale = np.minimum(np.float64(127) / high, np.float64(-128) / low)
        else:
            scale = -256 / low if high < 0 else 255 / high
    scale_bits = int(np.floor(np.log2(scale))) + signed
    n = 8
    while n > 0 and np.abs(weight / 2**n - np.round(weight / 2**n)).sum() != 0:
        n -= 1
    return weight << scale_bits, 8 - scale_bits - (n - signed), -scale_bits


def spread(delay: Any, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Restate how netx makes a delay for every weight."""
    if delay is None:
        return np.zeros(shape, dtype=np.int64)
    delay = np.clip(np.asarray(delay), 0, 62)
    if delay.ndim == 1 and delay.size == shape[0]:
        delay = np.repeat(delay.reshape(-1, 1), shape[1], axis=1)
    elif delay.ndim == 1:
        delay = np.repeat(delay.reshape(1, -1), shape[0], axis=0)
    return np.broadcast_to(delay, shape).astype(np.int64)


def lava_parameters(layers: list[Layer]) -> list[Block]:
    """Return what netx passes to Lava for the dense layers."""
    blocks = []
    for layer in layers:
        if not layer["type"].startswith("dense"):
            continue
        size = int(np.prod(layer["shape"]))
        matrices = [np.trunc(np.asarray(layer["weight"])).astype(np.int64).reshape(size, -1)]
        if layer["type"] == "dense_rec":
            matrices.append(np.asarray(layer["weight_rec"]).astype(np.int64))
        joint, bits, exponent = optimised(np.hstack(matrices))
        parts = np.split(joint, [matrices[0].shape[1]], axis=1)[: len(matrices)]
        connections = [
            Connection(part, exponent, bits, spread(layer.get("delay"), part.shape))
            for part in parts
        ]
        neuron = layer.get("neuron")
        if neuron is None:
            neuron = {"iDecay": 0, "vDecay": 4096, "vThMant": 1 << 17}
        bias = np.asarray(layer.get("bias", 0)).astype(np.int64)
        lif = {
            "du": int(neuron["iDecay"]) - 1,
            "dv": int(neuron["vDecay"]),
            "vth": np.broadcast_to(neuron["vThMant"], size),
            "bias_mant": np.broadcast_to(bias, size),
        }
        blocks.append(Block(connections, lif))
    return blocks


def truncated(connection: Connection) -> NDArray[np.int64]:
    """Restate Lava's guess of the sign mode, ``clip_weights`` and ``truncate_weights``."""
    weights = connection.weights
    inhibitory = weights.min() < 0 and weights.max() <= 0
    mixed = weights.min() < 0 < weights.max()
    weights = -weights if inhibitory else weights
    weights = np.clip(weights, -256 if mixed else 0, 255)
    cut = 8 - connection.num_weight_bits + mixed
    weights = (weights >> cut) << cut
    return -weights if inhibitory else weights


class Trace(NamedTuple):
    """What a layer did, (n_steps, size) each; u and v after reset."""

    spikes: NDArray[np.int64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]


def run_rule(
    layers: list[Layer], given: NDArray[Any], n_steps: int, *, graded: bool = False
) -> list[Trace]:
    """Run the dense layers on spikes (n_steps, size), layer by layer and step by step.

    ``graded`` spikes multiply the weights of the first layer by their value.
    """
    blocks = lava_parameters(layers)
    incoming = given.astype(np.int64) if graded else (given != 0).astype(np.int64)
    traces = []
    for each in blocks:
        size = each.connections[0].weights.shape[0]
        trace = Trace(*(np.zeros((n_steps, size), dtype=np.int64) for _ in range(3)))
        u, v = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        for t in range(n_steps):
            arriving = np.zeros(size, dtype=np.int64)
            for connection, spikes in zip(each.connections, (incoming, trace.spikes), strict=False):
                weights = truncated(connection)
                for delay in np.unique(connection.delays):
                    if t - 1 - delay < 0:
                        continue
                    chosen = np.where(connection.delays == delay, weights, 0)
                    summed = (chosen * spikes[t - 1 - delay]).sum(axis=1)
                    arriving += summed >> -connection.weight_exp
            lif = each.lif
            u = np.sign(u) * ((np.abs(u) * (4096 - lif["du"] - 1)) >> 12) + (arriving << 6)
            assert (np.abs(u) < 2**23).all(), "the rule for wrap-around is not stated here"
            bias = lif["bias_mant"] << 6
            v = np.sign(v) * ((np.abs(v) * (4096 - lif["dv"])) >> 12) + u + bias
            v = np.clip(v, -(2**23) + 1, 2**23 - 1)
            fired = v > (lif["vth"] << 6)
            v = np.where(fired, 0, v)
            trace.spikes[t], trace.u[t], trace.v[t] = fired, u, v
        traces.append(trace)
        incoming = trace.spikes
    return traces
