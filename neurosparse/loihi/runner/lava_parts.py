"""Lava's processes for the parts of an exported network.

Imports lava: on Python 3.11 and later call ``lava_compat.mend_import`` first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bundle_file import Definition  # type: ignore[import-not-found]
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFRefractory, LIFReset, TernaryLIF
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix


def make_neurons(definition: Definition, entry: dict[str, Any], name: str, reset_every: int) -> Any:
    """Make the LIF process of a population."""
    packed = entry["neuron"]

    def value(key: str) -> Any:
        given = packed[key]
        return definition.arrays[given["array"]] if isinstance(given, dict) else given

    parameters = {
        "shape": (entry["size"],),
        "name": name,
        "du": value("du"),
        "dv": value("dv"),
    }
    if definition.tag == "fixed_pt":
        parameters.update(bias_mant=value("bias_mant"), bias_exp=value("bias_exp"))
    else:
        parameters.update(bias_mant=value("bias"))
    if packed["kind"] == "FixedPointTernaryLIF":
        _refuse(reset_every, name, "two thresholds")
        neurons = TernaryLIF(**parameters, vth_lo=value("vth_lo"), vth_hi=value("vth_hi"))
        for threshold in (neurons.vth_lo, neurons.vth_hi):
            # declared as one for all, but Lava's model takes one per neuron
            threshold.shape = np.shape(threshold.init) or (1,)
        return neurons
    parameters["vth"] = value("vth")
    if packed["refractory"]:
        _refuse(reset_every, name, "a refractory period")
        return LIFRefractory(**parameters, refractory_period=packed["refractory"])
    if reset_every:
        # step t is Lava's time step t + 1
        offset = definition.depths[entry["name"]] + 1
        return LIFReset(**parameters, reset_interval=reset_every, reset_offset=offset)
    return LIF(**parameters)


def _refuse(reset_every: int, name: str, what: str) -> None:
    if reset_every:
        raise ValueError(f"reset_every: {name!r} has {what}; Lava's LIFReset has none")


def make_connection(definition: Definition, index: int, name: str) -> Any:
    """Make the Sparse process of projection ``index``; DelaySparse where delays exceed a step."""
    entry = definition.header["projections"][index]
    arrays, shape = definition.arrays, tuple(entry["shape"])

    def matrix(values: Any) -> csr_matrix:
        """Return (n_post, n_pre) without zeros: Lava drops those of weights, and 0 is no delay."""
        indices, indptr = arrays[f"p{index}.indices"], arrays[f"p{index}.indptr"]
        made = csr_matrix((values, indices.copy(), indptr.copy()), shape=shape)
        made.eliminate_zeros()
        return made

    dtype = np.int32 if definition.tag == "fixed_pt" else np.float64
    values = arrays[f"p{index}.weights"].astype(dtype)
    # without an explicit sign mode Lava would guess one from the weights
    form = entry["format"] or {"sign_mode": "mixed"}
    options = {
        "name": name,
        "sign_mode": SignMode[form["sign_mode"].upper()],
        **{k: form[k] for k in ("weight_exp", "num_weight_bits", "num_message_bits") if k in form},
    }
    # Lava's delays, exactly int64, count from 0: every connection takes a step of its own
    own = arrays.get(f"p{index}.delays")
    delays = np.full(values.size, entry["delay"]) if own is None else own
    delays = np.where(values != 0, delays.astype(np.int64) - 1, 0)
    longest = int(delays.max(initial=0))
    if longest == 0:
        return Sparse(weights=matrix(values), **options)
    return DelaySparse(weights=matrix(values), delays=matrix(delays), max_delay=longest, **options)


def make_tie(shape: tuple[int, int], name: str) -> Any:
    """Make empty synapses (n_post, n_pre)."""
    return Sparse(weights=csr_matrix(shape, dtype=np.int32), sign_mode=SignMode.MIXED, name=name)


def make_source(table: Any, n_steps: int, tag: str, name: str) -> Any:
    """Send row t of ``table`` (n_rows, size) in step t, and zeros after its end."""
    # a RingBuffer starts over at its end: it must be as long as the run
    data = np.zeros((table.shape[1], n_steps), dtype=np.int32 if tag == "fixed_pt" else np.float64)
    data[:, : table.shape[0]] = table[:n_steps].T
    source = Source(data=data)
    source.name = name
    return source
