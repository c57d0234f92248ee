"""Weights and biases of torch modules as they are now, pruned ones too."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import NeurosparseError
from neurosparse.interop.snntorch.modules import Named
from neurosparse.network import Synapses
from neurosparse.train import SparseLinear

__all__ = ["Connection", "array_of", "read_connection", "read_diagonal"]


class Connection(NamedTuple):
    """Synapses, and a constant that every neuron they lead to gets in every step."""

    synapses: Synapses
    bias: NDArray[np.float64]


def read_connection(named: Named, problems: list[str]) -> Connection | None:
    """Return the synapses of a linear layer.

    Parameters
    ----------
    named : Named
        ``nn.Linear``, pruned or not, or `SparseLinear`.
    problems : list of str
        Takes up what is wrong.

    Returns
    -------
    Connection or None
        None if there is a problem. Where ``torch.nn.utils.prune`` has left its mask, the mask says
        which synapses exist; otherwise a weight of 0 is no synapse.
    """
    name, module = named
    if not isinstance(module, nn.Linear | SparseLinear):
        problems.append(f"{name}: {type(module).__name__} has no equivalent; expected nn.Linear")
        return None
    if nn.parameter.is_lazy(module.weight):
        problems.append(f"{name}: has no weights yet; run the network once")
        return None
    try:
        if isinstance(module, SparseLinear):
            synapses = module.to_synapses()
        else:
            weight, mask = _as_it_is(module, "weight")
            synapses = _synapses(array_of(weight), None if mask is None else array_of(mask))
    except NeurosparseError as error:
        problems.append(f"{name}: {error}")
        return None
    bias, _ = _as_it_is(module, "bias")
    values = np.zeros(module.out_features) if bias is None else array_of(bias).astype(np.float64)
    return Connection(synapses, values)


def read_diagonal(values: NDArray[Any], size: int) -> Synapses:
    """Return a synapse of every neuron onto itself, but for weights of 0; one value or ``size``."""
    return _synapses(np.diag(np.broadcast_to(values.astype(np.float32), size)), None)


def array_of(tensor: Tensor) -> NDArray[Any]:
    """Return the values on the CPU, float32 or float64."""
    tensor = tensor.detach().cpu()
    array: NDArray[Any] = (tensor if tensor.element_size() == 8 else tensor.float()).numpy()
    return array


def _as_it_is(module: nn.Module, name: str) -> tuple[Any, Any]:
    """Return a parameter and its mask; pruning brings ``module.weight`` up to date on use only."""
    original = getattr(module, f"{name}_orig", None)
    mask = getattr(module, f"{name}_mask", None)
    if original is None or mask is None:
        return getattr(module, name), None
    return original * mask, mask


def _synapses(weight: NDArray[Any], mask: NDArray[Any] | None) -> Synapses:
    n_post, n_pre = weight.shape
    post, pre = np.nonzero(weight if mask is None else mask)
    indptr = np.searchsorted(post, np.arange(n_post + 1))
    return Synapses(
        n_post, n_pre, indptr, pre.astype(np.int32), weight[post, pre].astype(np.float32)
    )
