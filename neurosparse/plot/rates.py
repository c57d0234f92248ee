"""How often populations spike, over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import Spikes
from neurosparse.network.checks import check_count
from neurosparse.plot.style import (
    colour_of,
    label_axes,
    label_time,
    make_axes,
    step_length,
)

__all__ = ["rates"]

_BINS = 200  # unless the caller chooses


def rates(
    counts: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    dt_ms: float | None = None,
    bin_steps: int | None = None,
    ax: Any = None,
) -> Any:
    """Draw the rate of every population over time.

    Parameters
    ----------
    counts : Run, mapping of str to Spikes, or mapping of str to (n_steps,) int
        A run, what spiked, or how many spikes there were in every step.
    sizes : mapping of str to int, optional
        Neurons of every population, where only counts are given. Without them the spikes of the
        whole population are drawn, else the rate of a neuron.
    dt_ms : float, optional [ms]
        Length of a step; then rates are in Hz and the axis shows time.
    bin_steps : int, optional [steps]
        Length of a bin; default about 200 bins.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError, ShapeError
        If there is nothing to draw, or the counts do not fit together.
    BackendMissingError
        If matplotlib is not installed.
    """
    scale = step_length(dt_ms)
    per_step, found_sizes, start = _counts_of(counts)
    sizes = found_sizes if sizes is None else sizes
    n_steps = next(iter(per_step.values())).size
    width = max(1, n_steps // _BINS) if bin_steps is None else bin_steps
    check_count("bin_steps", width, least=1)
    ax = make_axes(ax, 9.0, 3.6)
    edges = np.append(np.arange(0, n_steps, width), n_steps)
    for index, (name, each) in enumerate(per_step.items()):
        in_bins = np.add.reduceat(each, edges[:-1]) / np.diff(edges)
        if sizes is not None:
            in_bins = in_bins / _size(sizes, name)
        ax.stairs(
            in_bins * (1000 / scale if dt_ms is not None else 1),
            (edges + start - 0.5) * scale,
            color=colour_of(index),
            linewidth=1.4,
            label=name,
            baseline=None,
        )
    ax.set_xlim((start - 0.5) * scale, (start + n_steps - 0.5) * scale)
    ax.set_ylim(bottom=0)
    if len(per_step) > 1:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2, frameon=False)
    unit = "ms" if dt_ms is not None else "step" if width == 1 else "steps"
    who = f"Rate of {next(iter(per_step))!r}" if len(per_step) == 1 else "Rates of the populations"
    label_axes(
        ax,
        title=f"{who}, in bins of {width * scale:,.6g} {unit}",
        x=label_time(dt_ms),
        y=_unit(sizes is not None, dt_ms),
    )
    return ax


def _unit(per_neuron: bool, dt_ms: float | None) -> str:
    if per_neuron:
        return "spikes per neuron and step" if dt_ms is None else "rate of a neuron [Hz]"
    return "spikes per step" if dt_ms is None else "spikes per second"


def _size(sizes: Mapping[str, int], name: str) -> int:
    if name not in sizes:
        raise ParameterError(f"sizes: nothing for {name!r}; name every population that is drawn")
    return check_count(f"sizes: {name!r}", sizes[name], least=1)


def _counts_of(
    given: Any,
) -> tuple[dict[str, NDArray[np.int64]], Mapping[str, int] | None, int]:
    """Return counts per step, sizes where they are known, and the first step."""
    found = given if isinstance(given, Mapping) else getattr(given, "counts", None)
    if not isinstance(found, Mapping) or not found:
        raise ParameterError(
            f"counts: got {type(given).__name__}; expected a run, or a mapping of names to Spikes "
            "or to spikes per step, at least one"
        )
    # every population of a run stands in its final state, spikes know their own extent
    known: Any = getattr(getattr(given, "state", None), "recent", found)
    sizes = None
    if all(isinstance(each, Spikes) for each in known.values()):
        sizes = {name: each.n_neurons for name, each in known.items()}
    counts = {
        name: each.counts_per_step() if isinstance(each, Spikes) else np.asarray(each)
        for name, each in found.items()
    }
    shapes = {each.shape for each in counts.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) != 1 or not next(iter(shapes))[0]:
        raise ShapeError(
            f"counts: got shapes {sorted(shapes)}; expected one (n_steps,) for all, not empty"
        )
    return counts, sizes, int(getattr(given, "start", 0))
