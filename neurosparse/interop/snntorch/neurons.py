r"""One layer of snnTorch neurons in our terms: LIF, its own synapses, and what a late reset needs.

The equations of snnTorch 1.0.0 (``snntorch/_neurons/{leaky,synaptic,rleaky,rsynaptic}.py``, methods
``forward``, ``_base_sub``, ``_base_zero``) beside ours; ``I`` is what the linear layer gives,
``b = beta``, ``th = threshold``, ``w`` the membrane that is compared with the threshold, and
``s[t] = w[t] > th``::

    Leaky, RLeaky         u[t] = I[t] (+ V s[t-1])                    du = 1
    Synaptic, RSynaptic   u[t] = alpha u[t-1] + I[t] (+ V s[t-1])     du = 1 - alpha

    ours, zero            w[t] = b (1 - s[t-1]) w[t-1] + u[t]
    ours, subtract        w[t] = b (w[t-1] - th s[t-1]) + u[t]

``reset_delay=False``: ours, except that with "subtract" a membrane which is above the threshold
even after its reset loses ``th`` before, not after, the next comparison. So spikes are the same as
long as no membrane passes twice the threshold.

``reset_delay=True``, which is the default, and always in RSynaptic, whose ``forward`` resets a
local variable otherwise::

    zero, Leaky           w[t] = b (1 - s[t-1]) w[t-1] + u[t]         ours
    zero, all others      w[t] = (1 - s[t-1]) (b w[t-1] + u[t])       ours with refractory = 1:
                                                                      what arrives is lost
    subtract              w[t] = b w[t-1] + u[t] - th s[t-1]
                               = b (w[t-1] - th s[t-1]) + u[t] - (1 - b) th s[t-1]
                                                                      ours with a synapse of every
                                                                      neuron onto itself

That synapse has weight ``-(1 - b) th``, a delay of one step and no synaptic filter; with ``b = 1``
it is not needed. The trainer's layers have no refractory period and one receptor, a network has
both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError
from neurosparse.interop.snntorch.modules import Named
from neurosparse.interop.snntorch.weights import (
    Connection,
    array_of,
    read_connection,
    read_diagonal,
)
from neurosparse.network import LIF, Synapses
from neurosparse.train import Surrogate

__all__ = ["Neurons", "read_neurons"]

_RESETS = {0: "subtract", 1: "zero", 2: "none"}  # snntorch.SpikingNeuron.reset_dict, turned round
_STATES = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}
# around the threshold, at it, and as far as a membrane may be
_PROBES = (-10.0, -1.0, -1e-6, 0.0, 1e-6, 1.0, 10.0)


class Neurons(NamedTuple):
    """A layer of snnTorch neurons in our terms."""

    name: str
    kind: str
    neuron: LIF  # as the trainer's layers know it, with one receptor
    surrogate: Surrogate | None
    own: Synapses | None  # of the neurons onto one another, through the synaptic filter
    swallows: bool  # whether the step after a spike is lost (refractory = 1)
    excess: Synapses | None  # of every neuron onto itself, past the synaptic filter


def read_neurons(
    named: Named, size: int, arriving: Connection | None, problems: list[str]
) -> Neurons | None:
    """Read a layer of snnTorch neurons.

    Parameters
    ----------
    named : Named
        ``snn.Leaky``, ``Synaptic``, ``RLeaky`` or ``RSynaptic``.
    size : int
        Number of neurons.
    arriving : Connection, optional
        The linear layer before, whose bias becomes that of the neurons.
    problems : list of str
        Takes up every setting that has no equivalent.

    Returns
    -------
    Neurons or None
        None if its numbers make no LIF; with other problems, what there would be without them.
    """
    name, module = named.name, _any(named)
    kind = type(module).__name__
    problems += [f"{name}: {text}" for text in _foreign_settings(module)]
    beta, threshold, alpha = (
        _numbers(name, module, setting, size, problems)
        for setting in ("beta", "threshold", "alpha")
    )
    beta, alpha = np.clip(beta, 0, 1), np.clip(alpha, 0, 1)  # as snnTorch does in every step
    if np.ndim(alpha):
        problems.append(f"{name}: alpha differs between neurons; LIF.du is one number for all")
        alpha = np.zeros(())
    own = _own_connection(named, size, problems)
    bias = _bias(name, kind, float(alpha), (arriving, own), problems)
    reset: Any = _RESETS[int(module.reset_mechanism_val)]
    try:
        neuron = LIF(
            du=1 - float(alpha),
            dv=1 - beta,
            vth=threshold,
            bias=bias,
            reset="zero" if reset == "none" else reset,
        )
    except NeurosparseError as error:
        problems.append(f"{name}: {error}")
        return None
    late = bool(module.reset_delay) or kind == "RSynaptic"
    excess = -(1 - beta) * threshold if late and reset == "subtract" else np.zeros(())
    surrogate: Any = None if module.surrogate_disable else module.spike_grad
    return Neurons(
        name,
        kind,
        neuron,
        surrogate,
        None if own is None or not own.synapses.n_active else own.synapses,
        swallows=late and reset == "zero" and kind != "Leaky",
        excess=read_diagonal(excess, size) if excess.any() else None,
    )


def _any(named: Named) -> Any:
    """Return the module; torch types attributes of modules as tensors or modules."""
    return named.module


def _foreign_settings(module: Any) -> list[str]:
    found = []
    if module.inhibition:
        found.append("inhibition=True: that only the highest membrane spikes has no equivalent")
    if module.state_quant:
        found.append(
            "state_quant: has no equivalent while training; neurosparse.loihi.quantise makes "
            "integers of a finished network"
        )
    if (array_of(module.graded_spikes_factor) != 1).any():
        found.append(
            "graded_spikes_factor other than 1: a spike is 0 or 1 here; set it to 1 and multiply "
            "the weights of the next layer by it"
        )
    reset = _RESETS[int(module.reset_mechanism_val)]
    runs = _STATES[module.state_function.__name__]
    if reset == "none":
        found.append("reset_mechanism='none': has no equivalent; allowed are 'zero', 'subtract'")
    elif reset != runs:
        found.append(
            f"reset_mechanism={reset!r} was set after the neuron was made, which goes on with "
            f"{runs!r} in part; make it with the one it is to have"
        )
    if not _is_step(module.spike_grad):
        found.append("spike_grad: does not return 1 where its argument is > 0, and 0 elsewhere")
    return found


def _is_step(surrogate: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    probes = torch.tensor([_PROBES])
    with torch.no_grad():
        return torch.equal(surrogate(probes).float(), (probes > 0).float())


def _numbers(
    name: str, module: Any, setting: str, size: int, problems: list[str]
) -> NDArray[np.float64]:
    """Return a setting as one number, or as ``size`` that differ; 0 where neurons lack it."""
    values = array_of(getattr(module, setting, torch.zeros(()))).astype(np.float64)
    if values.size > 1 and values.shape[-1:] != (values.size,):
        problems.append(
            f"{name}: {setting} has shape {values.shape}; expected one number or ({size},)"
        )
    elif values.size not in (1, size):
        problems.append(f"{name}: {setting} has {values.size} entries for {size} neurons")
    elif (values != values.flat[0]).any():
        return values.reshape(size) if values.size > 1 else values.reshape(())
    return np.array(values.flat[0] if values.size else 1.0)


def _own_connection(named: Named, size: int, problems: list[str]) -> Connection | None:
    name, module = named.name, _any(named)
    recurrent: Any = getattr(module, "recurrent", None)
    if recurrent is None:
        return None
    if type(recurrent).__name__ != "RecurrentOneToOne":
        own = read_connection(Named(f"{name}.recurrent", recurrent), problems)
        if own is not None and own.synapses.shape != (size, size):
            problems.append(
                f"{name}: linear_features={own.synapses.n_pre}, but there are {size} neurons"
            )
            return None
        return own
    weights = _numbers(name, recurrent, "V", size, problems)
    if not np.isfinite(weights).all():
        problems.append(f"{name}: V holds numbers that are not finite")
        return None
    return Connection(read_diagonal(weights, size), np.zeros(size))


def _bias(
    name: str,
    kind: str,
    alpha: float,
    connections: tuple[Connection | None, Connection | None],
    problems: list[str],
) -> Any:
    """Return what linear layers add in every step, as a bias of the neurons."""
    found = [each.bias for each in connections if each is not None and each.bias.any()]
    if found and alpha != 0:
        problems.append(
            f"{name}: the bias of a linear layer passes the synaptic filter of snn.{kind}, which "
            "LIF.bias does not; make the layer with bias=False, or set its bias to 0 "
            "(the recurrent layer too)"
        )
        return 0.0
    total = np.sum(found, axis=0) if found else np.zeros(1)
    return total if (total != total[0]).any() else float(total[0])
