"""Run a model over a test set and count what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosparse.compare.cost import ModelCost
from neurosparse.compare.counts import count_ann, count_snn
from neurosparse.compare.evaluate import evaluate_dataset, single_population
from neurosparse.data import Encoding, ImageDataset, LabelledDataset
from neurosparse.errors import TopologyError
from neurosparse.network import Network

if TYPE_CHECKING:
    from torch import nn

__all__ = ["layer_sizes", "measure_ann", "measure_network"]


def measure_network(
    name: str,
    network: Network,
    data: LabelledDataset,
    encoding: Encoding,
    *,
    scale: float | None = None,
) -> ModelCost:
    """Evaluate a spiking network on a test set and count what that takes.

    Parameters
    ----------
    name : str
        Key in reports.
    network, data, encoding, scale
        As in `evaluate_dataset`.

    Returns
    -------
    ModelCost
        As of `count_snn`.

    Raises
    ------
    ShapeError, ParameterError
        As `evaluate_dataset`.
    """
    result = evaluate_dataset(network, data, encoding, scale=scale)
    return count_snn(
        name, network, result.activity, n_samples=result.n_samples, accuracy=result.accuracy
    )


def measure_ann(name: str, ann: nn.Sequential, data: ImageDataset) -> ModelCost:
    """Evaluate a dense ANN on a test set and count what that takes (needs torch).

    Parameters
    ----------
    name : str
        Key in reports.
    ann : torch.nn.Sequential
        From `neurosparse.train.dense_ann`, trained.
    data : ImageDataset
        Images and labels.

    Returns
    -------
    ModelCost
        As of `count_ann`, with the share of zeros among the activations of hidden neurons.
    """
    from neurosparse.train import predict
    from neurosparse.train.activations import ann_sizes, share_of_zeros

    return count_ann(
        name,
        ann_sizes(ann),
        accuracy=float((predict(ann, data) == data.labels).mean()),
        activation_zeros=share_of_zeros(ann, data.images),
    )


def layer_sizes(network: Network) -> tuple[int, ...]:
    """Return the width of every layer of a network whose layers follow one another.

    Raises
    ------
    TopologyError
        If it branches, leads back, or leaves populations out: no dense ANN has that shape.
    """
    at, end = (single_population(network, role) for role in ("inputs", "outputs"))
    following = {projection.source: projection.target for projection in network.projections}
    path = [at]
    while at in following and len(path) < len(network.populations):
        at = following[at]
        path.append(at)
    whole = set(path) == set(network.populations) and path[-1] == end
    if not whole or len(network.projections) != len(path) - 1:
        raise TopologyError(
            f"network: {network!r} is no chain of layers, so that no dense ANN has its shape"
        )
    return tuple(network.populations[name].size for name in path)
