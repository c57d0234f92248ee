"""Neurons of a NetX file: the parameters of lava-dl's CUBA blocks as those of Lava's LIF."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosparse.interop.netx.file import Layer
from neurosparse.network import FixedPointLIF
from neurosparse.network.fixed_point import (
    BIAS_MANT_MAX,
    BIAS_MANT_MIN,
    DECAY_MAX,
    REFRACTORY_MAX,
    VTH_MAX,
)

__all__ = ["KINDS", "read_neurons"]

KINDS = ("CUBA", "LOIHI")
BIAS_EXP = 6  # what netx passes: a bias is in units of weights
# What netx takes for a dense layer without neurons adds up all that arrives in ``u`` and shows it
# in ``v`` (iDecay=0, vDecay=4096, a threshold beyond reach). The same ``v``, added up in ``v``:
READOUT = FixedPointLIF(du=DECAY_MAX, dv=0, vth=VTH_MAX)


def read_neurons(
    layer: Layer, *, refractory: bool, problems: list[str], changes: list[str]
) -> FixedPointLIF | None:
    """Return the neurons of a layer, as netx passes them to Lava.

    ``du = iDecay - 1``, ``dv = vDecay``, ``vth = vThMant``, ``bias_mant = bias``, ``bias_exp = 6``.

    Parameters
    ----------
    layer : Layer
        Of any kind; an input layer is driven past ``u``.
    refractory : bool
        Whether to heed ``refDelay``, which netx does not.
    problems, changes : list of str
        Take up what has no equivalent, and what was changed or passed over.

    Returns
    -------
    FixedPointLIF or None
        None if there is a problem.
    """
    where, found = f"layer {layer.number}", list[str]()
    bias = _bias(layer, found) if layer.kind != "input" else 0
    if layer.neuron is None:
        if np.any(bias):
            found.append("a bias without neurons has no equivalent")
        problems += [f"{where}: {text}" for text in found]
        return READOUT
    kind = layer.neuron["type"]
    if kind not in KINDS:
        problems.append(f"{where}: neurons of type {kind!r}; allowed are {' and '.join(KINDS)}")
        return None
    i_decay, v_decay, threshold, delay = (
        _whole(layer, key, default, found)
        for key, default in (("iDecay", None), ("vDecay", None), ("vThMant", None), ("refDelay", 1))
    )
    if not found:
        # netx drives inputs through their bias, past the synaptic filter: du then has no part in it
        du = DECAY_MAX if layer.kind == "input" else _one(i_decay) - 1
        dv, vth = _one(v_decay), threshold
        if not 0 <= du <= DECAY_MAX:
            found.append(f"iDecay={du + 1}; allowed is 1 to {DECAY_MAX + 1}")
        if not 0 <= dv <= DECAY_MAX + 1:
            found.append(f"vDecay={dv}; allowed is 0 to {DECAY_MAX + 1}")
        if np.any(vth < 0):
            found.append(f"vThMant={vth.min()}; allowed is >= 0")
    if found:
        problems += [f"{where}: {text}" for text in found]
        return None
    if dv > DECAY_MAX:
        changes.append(f"{where}: vDecay={dv} is {DECAY_MAX} here, the most in 12 bits")
    if np.any(vth > VTH_MAX):
        changes.append(
            f"{where}: vThMant={vth.max()} is {VTH_MAX} here, the most in 17 bits: neurons made "
            "never to spike do where v saturates"
        )
    held = _one(delay) - 1
    if _graded(layer):
        changes.append(f"{where}: gradedSpike is passed over, as in netx: spikes are 0 or 1")
    if held > 0 and not refractory:
        changes.append(
            f"{where}: refDelay={held + 1} is passed over, as in netx; refractory=True heeds it"
        )
    return FixedPointLIF(
        du=du,
        dv=min(dv, DECAY_MAX),
        vth=_each(np.minimum(vth, VTH_MAX)),
        bias_mant=bias,
        bias_exp=BIAS_EXP if np.any(bias) else 0,
        refractory=min(max(held, 0), REFRACTORY_MAX) if refractory else 0,
    )


def _whole(layer: Layer, key: str, default: int | None, found: list[str]) -> Any:
    values = (layer.neuron or {}).get(key, default)
    if values is None:
        found.append(f"neuron/{key} is missing")
        return np.zeros(1, dtype=np.int64)
    values = np.asarray(values).ravel()
    allowed = (1, layer.size) if key == "vThMant" else (1,)
    if values.size > 1 and (values == values[0]).all():
        values = values[:1]
    if values.size not in allowed:
        found.append(f"{key} has {values.size} entries; expected one number for all neurons")
        return np.zeros(1, dtype=np.int64)
    if (values != np.rint(values)).any():
        found.append(f"{key}={values[values != np.rint(values)][0]}; expected a whole number")
    return values.astype(np.int64)


def _bias(layer: Layer, found: list[str]) -> Any:
    given = layer.arrays.get("bias")
    if given is None:
        return 0
    bias = np.trunc(given).astype(np.int64).ravel()  # as netx does
    if bias.size not in (1, layer.size):
        found.append(f"bias has {bias.size} entries for {layer.size} neurons")
        return 0
    if bias.min() < BIAS_MANT_MIN or bias.max() > BIAS_MANT_MAX:
        found.append(
            f"bias from {bias.min()} to {bias.max()}; allowed is {BIAS_MANT_MIN} to {BIAS_MANT_MAX}"
        )
        return 0
    return _each(bias)


def _graded(layer: Layer) -> bool:
    return bool(np.any((layer.neuron or {}).get("gradedSpike", False)))


def _one(values: Any) -> int:
    return int(values[0])


def _each(values: Any) -> Any:
    return int(values[0]) if (values == values[0]).all() else values
