"""How weights and numbers of synapses are distributed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network import Projection, Synapses
from neurosparse.plot.style import (
    INK,
    NEGATIVE,
    POSITIVE,
    label_axes,
    make_axes,
)

__all__ = ["degrees", "weights"]

_SHADE = "#56b4e9"
_BINS = 50
_TAIL = 0.005  # share of the weights on either side that may be put into the last bin
_FAR = 4.0  # how many times wider the whole range must be for that
_APART = 8.0  # ratio of mean degrees from which on their axis is logarithmic


def weights(synapses: Synapses | Projection, *, ax: Any = None) -> Any:
    """Draw the histogram of the weights, negative ones in blue, others in orange.

    Parameters
    ----------
    synapses : Synapses or Projection
        Whose weights.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If it is something else.
    BackendMissingError
        If matplotlib is not installed.
    """
    name, synapses = _synapses_of(synapses)
    ax = make_axes(ax, 6.0, 3.6)
    values = synapses.weights
    title = f"{name}{values.size:,} weights"
    if not values.size:
        ax.set(xticks=[], yticks=[])
        title = f"{name}no synapses"
    elif values.min() == values.max():
        only = float(values[0])
        width = abs(only) / 10 or 0.1
        ax.bar(only, values.size, width, color=_sign_colour(only))
        ax.set_xlim(only - 6 * width, only + 6 * width)
        title += f", all equal to {only:g}"
    else:
        edges, n_beyond = _weight_bins(values)
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        middles = (edges[1:] + edges[:-1]) / 2
        colours = [_sign_colour(middle) for middle in middles]
        ax.bar(middles, counts, np.diff(edges), color=colours)
        title += f", mean {values.mean(dtype=np.float64):.3g}"
        if n_beyond:
            title += f"; {n_beyond:,} beyond the ends stand in the last bins"
    label_axes(ax, title=title, x="weight", y="synapses")
    return ax


def degrees(synapses: Synapses | Projection, *, ax: Any = None) -> Any:
    """Draw the histograms of fan-in and fan-out.

    Parameters
    ----------
    synapses : Synapses or Projection
        Whose.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If it is something else.
    BackendMissingError
        If matplotlib is not installed.
    """
    name, synapses = _synapses_of(synapses)
    ax = make_axes(ax, 6.0, 3.6)
    both = {"fan-in": synapses.fan_in, "fan-out": synapses.fan_out}
    for what, each in both.items():
        edges = _whole_bins(each)
        counts, _ = np.histogram(each, edges)
        ax.stairs(
            100 * counts / each.size,
            edges,
            fill=what == "fan-in",
            facecolor=_SHADE,
            edgecolor=_SHADE if what == "fan-in" else INK,  # seen where a bar is thin
            linewidth=1.6,
            label=f"{what}: {each.mean():,.4g} ± {each.std():,.3g}",
        )
    means = sorted(max(1.0, float(each.mean())) for each in both.values())
    if means[1] > _APART * means[0]:
        ax.set_xscale("symlog", linthresh=1)
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    n_post, n_pre = synapses.shape
    title = f"{name}{synapses.n_active:,} synapses from {n_pre:,} onto {n_post:,} neurons"
    label_axes(ax, title=title, x="synapses of a neuron", y="share of the neurons [%]")
    return ax


def _synapses_of(given: Any) -> tuple[str, Synapses]:
    if isinstance(given, Projection):
        return f"{given.name.replace('->', ' → ')}: ", given.synapses
    if isinstance(given, Synapses):
        return "", given
    raise ParameterError(
        f"synapses: got a {type(given).__name__}; expected Synapses or a Projection "
        "(network.projections has them)"
    )


def _sign_colour(weight: float) -> str:
    return NEGATIVE if weight < 0 else POSITIVE


def _weight_bins(values: NDArray[Any]) -> tuple[NDArray[np.float64], int]:
    """Return edges, 0 among them where signs are mixed, and how many values lie outside."""
    if values.dtype.kind in "iu":
        return _whole_bins(values), 0
    low, high = float(values.min()), float(values.max())
    # the few largest would squeeze everything else into one bin
    inner = np.quantile(values, [_TAIL, 1 - _TAIL])
    if high - low > _FAR * (inner[1] - inner[0]) > 0:
        low, high = float(inner[0]), float(inner[1])
    width = (high - low) / _BINS
    if low < 0 < high:
        edges = np.arange(np.floor(low / width), np.ceil(high / width) + 1) * width
    else:
        edges = np.linspace(low, high, _BINS + 1)
    n_beyond = int(np.count_nonzero((values < edges[0]) | (values > edges[-1])))
    return edges, n_beyond


def _whole_bins(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return edges half-way between whole numbers."""
    low, high = int(values.min()), int(values.max())
    width = max(1, -(-(high - low + 1) // _BINS))
    return np.arange(low, high + width + 1, width).astype(np.float64) - 0.5
