r"""Neurons of NIR and ours: continuous time with step ``dt``, discrete time.

NIR states differential equations; forward Euler turns them into steps, as snnTorch, Norse and Lava
do. With ``a`` for what arrives, ``I`` for NIR's current and ``s`` for the spike condition, which is
strict in both::

    CubaLIF   I[t] = I[t-1] + dt / tau_syn (-I[t-1] + w_in a[t])
              v[t] = v[t-1] + dt / tau_mem (v_leak - v[t-1] + r I[t])
    LIF       v[t] = v[t-1] + dt / tau (v_leak - v[t-1] + r a[t])
    IF        v[t] = v[t-1] + r a[t]                  by the step, as all exporters mean it
    Threshold v[t] = a[t]

    du = dt / tau_syn, dv = dt / tau_mem              du = 1 without a synaptic filter,
                                                      dv = 0 for IF, dv = 1 for Threshold
    gain = (w_in du) (r dv)                           of what arrives; r for IF, r dv for LIF
    vth = v_threshold / gain, v_reset = v_reset / gain, bias = dv v_leak / gain (+ b)

The gain divides the threshold instead of multiplying the weights: weights stay as they are, ``v``
is in their unit, spikes are the same. ``b`` is the bias of Affine nodes that lead to the neurons.
Written graphs have a gain of 1: ``r = tau / dt``, ``w_in = tau_syn / dt``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError
from neurosparse.interop.nir.file import load_nir
from neurosparse.network import LIF

__all__ = [
    "NEURONS",
    "has_affine_bias",
    "neuron_problems",
    "notes_of",
    "read_neuron",
    "write_neuron",
]

NEURONS = ("LIF", "CubaLIF", "IF", "Threshold")
NOTE = "neurosparse."  # before every field of a LIF in the metadata of a node
# float32 parameters, as torch's exporters write them, are off by less
_ROUNDING = 1e-6

Vector = NDArray[np.float64]


# ---------------------------------------------------------------------- out


def neuron_problems(name: str, neuron: LIF, size: int, n_arriving: int) -> Iterator[str]:
    """Say what of a population NIR cannot."""
    where = f"population {name!r}"
    dv = np.asarray(neuron.dv)
    if neuron.n_receptors > 1:
        yield (
            f"{where}: {neuron.n_receptors} receptors; NIR's CubaLIF has one synaptic filter, and "
            "a neuron cannot be spread over several nodes"
        )
    elif neuron.du == 0:
        yield f"{where}: du=0.0 is tau_syn=inf in NIR, which takes no input; allowed is > 0"
    elif neuron.du != 1 and not dv.all():
        yield (
            f"{where}: dv=0 with du={neuron.du}: CubaLIF with tau_mem=inf takes no input; "
            "allowed is dv > 0, or du=1"
        )
    elif dv.any() and not dv.all():
        yield (
            f"{where}: dv is 0 for some neurons only; NIR says it by the node IF, for all of "
            "them; split the population"
        )
    elif not dv.any() and np.any(neuron.bias) and not n_arriving:
        yield (
            f"{where}: bias={neuron.bias} with dv=0 and no projection onto it; NIR's IF has no "
            "leak voltage, and no Affine leads to it"
        )
    else:
        with np.errstate(over="ignore"):
            made = _parameters(neuron, size, 1.0, leak=not has_affine_bias(neuron, n_arriving))
        if not all(np.isfinite(vector).all() for vector in made.values()):
            yield f"{where}: a decay is too small (du={neuron.du}, dv={dv.min()}) to be inverted"
    if neuron.refractory:
        yield f"{where}: refractory={neuron.refractory}; NIR's neurons have no refractory period"


def has_affine_bias(neuron: LIF, n_arriving: int) -> bool:
    """Whether the bias goes into an Affine node, which more readers take than a leak voltage."""
    return neuron.du == 1 and bool(np.any(neuron.bias)) and n_arriving > 0


def write_neuron(neuron: LIF, size: int, dt: float, *, leak: bool) -> Any:
    """Return the node of a population; ``leak`` says whether the bias is its leak voltage."""
    nir = load_nir()
    parameters = _parameters(neuron, size, dt, leak=leak)
    return getattr(nir, _kind(parameters))(**parameters, metadata=_notes(neuron))


def _kind(parameters: Mapping[str, Vector]) -> str:
    return "CubaLIF" if "tau_syn" in parameters else "LIF" if "tau" in parameters else "IF"


def _parameters(neuron: LIF, size: int, dt: float, *, leak: bool) -> dict[str, Vector]:
    def each(value: Any) -> Vector:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), size).copy()

    dv = each(neuron.dv)
    parameters = {"v_threshold": each(neuron.vth), "v_reset": each(neuron.v_reset)}
    if not dv.any():
        return {"r": np.ones(size), **parameters}
    parameters |= {"r": 1 / dv, "v_leak": each(neuron.bias) / dv if leak else np.zeros(size)}
    if neuron.du == 1:
        return {"tau": dt / dv, **parameters}
    du = each(neuron.du)
    return {"tau_syn": dt / du, "w_in": 1 / du, "tau_mem": dt / dv, **parameters}


def _notes(neuron: LIF) -> dict[str, Any]:
    """Return what makes the neuron again, bit for bit."""
    return {
        NOTE + field.name: getattr(neuron, field.name)
        for field in dataclasses.fields(neuron)
        if field.name != "refractory"
    }


# ---------------------------------------------------------------------- in


def read_neuron(
    name: str,
    node: Any,
    size: int,
    drive: Vector,
    dt: float,
    reset: Any,
    problems: list[str],
) -> LIF | None:
    """Return the neurons of a node.

    Parameters
    ----------
    name : str
        Of the node.
    node : nir.LIF, nir.CubaLIF, nir.IF or nir.Threshold
        As read.
    size : int
        Number of neurons.
    drive : (size,) float64
        What Affine nodes add in every step.
    dt : float [s]
        Length of a step.
    reset : {"zero", "subtract"}
        Where the node has no note of ours.
    problems : list of str
        Takes up what has no equivalent.

    Returns
    -------
    LIF or None
        None if there is a problem. If notes of ours are there, and make just what stands in the
        node, the neuron that was written.
    """
    written = _from_notes(node, size, drive, dt)
    if written is not None:
        return written
    found: list[str] = []
    given = _read_parameters(node, size, found)
    if not found:
        fields = _discrete(node, given, drive, dt, found)
    if not found:
        try:
            noted = notes_of(node).get(NOTE + "reset", reset)
            return LIF(**{key: _one(value) for key, value in fields.items()}, reset=noted)
        except NeurosparseError as error:
            found.append(str(error))
    problems += [f"node {name!r}: {text}" for text in found]
    return None


def _from_notes(node: Any, size: int, drive: Vector, dt: float) -> LIF | None:
    values = {
        key[len(NOTE) :]: value for key, value in notes_of(node).items() if key.startswith(NOTE)
    }
    try:
        neuron = LIF(**values)
        neuron.check_size("", size)
    except (NeurosparseError, TypeError, ValueError):
        return None
    if not values or any(neuron_problems("", neuron, size, 1)):
        return None
    affine = bool(drive.any())
    made = _parameters(neuron, size, dt, leak=not affine)
    expected = np.broadcast_to(neuron.bias, size) if affine else np.zeros(size)
    unchanged = (
        _kind(made) == type(node).__name__
        and np.array_equal(drive, expected)
        and all(np.array_equal(getattr(node, key), vector) for key, vector in made.items())
    )
    return neuron if unchanged else None


def notes_of(node: Any) -> Mapping[str, Any]:
    """Return the metadata of a node or graph; foreign ones may hold anything."""
    return node.metadata if isinstance(node.metadata, Mapping) else {}


def _read_parameters(node: Any, size: int, found: list[str]) -> dict[str, Vector]:
    names = {
        "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
        "CubaLIF": ("tau_syn", "w_in", "tau_mem", "r", "v_leak", "v_threshold", "v_reset"),
        "IF": ("r", "v_threshold", "v_reset"),
        "Threshold": ("threshold",),
    }[type(node).__name__]
    given = {}
    for key in names:
        values = np.asarray(getattr(node, key), dtype=np.float64).ravel()
        if values.size not in (1, size):
            found.append(f"{key} has {values.size} entries for {size} neurons")
        elif not np.isfinite(values).all():
            advice = "; NIR's IF has no leak" if key.startswith("tau") else ""
            value = values[~np.isfinite(values)][0]
            found.append(f"{key}: got {value}; every entry must be a finite number{advice}")
        elif key.startswith("tau") and (values <= 0).any():
            found.append(f"{key}: got {values.min()}; allowed is > 0 s")
        else:
            given[key] = np.broadcast_to(values, size)
    return given


def _discrete(
    node: Any, given: Mapping[str, Vector], drive: Vector, dt: float, found: list[str]
) -> dict[str, Any]:
    kind = type(node).__name__
    one = np.ones(drive.size)
    if kind == "Threshold":
        return {"du": 1.0, "dv": one, "vth": given["threshold"], "bias": drive}
    du = dv = one
    if kind == "CubaLIF":
        du = _decay("tau_syn", given["tau_syn"], dt, found)
        if drive.any():
            found.append(
                "the bias of an Affine passes the synaptic filter of CubaLIF, which LIF.bias does "
                "not; make it a leak voltage, bias / dv"
            )
        if not np.allclose(du, du[0], rtol=_ROUNDING, atol=0):
            found.append("tau_syn differs between neurons; LIF.du is one number for all")
    tau = {"CubaLIF": "tau_mem", "LIF": "tau"}.get(kind)
    if tau is not None:
        dv = _decay(tau, given[tau], dt, found)
    gain = given["r"] * (one if tau is None else dv) * given.get("w_in", one) * du
    gain = np.where(np.abs(gain - 1) < _ROUNDING, 1.0, gain)
    if (gain <= 0).any():
        found.append(f"r (times w_in): a gain of {gain.min()} for what arrives; allowed is > 0")
        return {}
    return {
        "du": float(du[0]),
        "dv": np.zeros(drive.size) if tau is None else dv,
        "vth": given["v_threshold"] / gain,
        "v_reset": given["v_reset"] / gain,
        "bias": drive + (0.0 if tau is None else dv * given["v_leak"] / gain),
    }


def _decay(name: str, tau: Vector, dt: float, found: list[str]) -> Vector:
    decay = dt / tau
    decay = np.where(np.abs(decay - 1) < _ROUNDING, 1.0, decay)
    if (decay > 1).any():
        found.append(f"{name}: got {tau.min()} s, shorter than a step of dt={dt} s")
    return decay


def _one(value: Any) -> Any:
    """Return one number where all are the same."""
    values = np.asarray(value)
    return float(values.flat[0]) if (values == values.flat[0]).all() else values
