"""Every spike a mark: neurons over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosparse.errors import ParameterError
from neurosparse.network import Spikes
from neurosparse.network.checks import check_count
from neurosparse.plot.style import (
    INK,
    colour_of,
    label_axes,
    label_time,
    make_axes,
    step_length,
)

__all__ = ["raster"]

_LEAST_SHARE = 0.04  # of the height, for even the smallest population
_GAP_SHARE = 0.015  # of the height, between populations
_POINTS = 250  # height of the axes, roughly


def raster(
    spikes: Any, *, dt_ms: float | None = None, max_neurons: int = 2000, ax: Any = None
) -> Any:
    """Draw one row per neuron and one mark per spike, the first population on top.

    Parameters
    ----------
    spikes : Run or mapping of str to Spikes
        What spiked; of a run all recorded populations, over absolute steps.
    dt_ms : float, optional [ms]
        Length of a step; then the axis shows time.
    max_neurons : int
        Of larger networks about so many neurons are drawn, evenly spaced; the title says so.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If there is nothing to draw.
    BackendMissingError
        If matplotlib is not installed.
    """
    scale = step_length(dt_ms)
    check_count("max_neurons", max_neurons, least=1)
    shown, start = _spikes_of(spikes)
    ax = make_axes(ax, 9.0, 5.0)
    total = sum(each.n_neurons for each in shown.values())
    stride = max(1, -(-total // max_neurons))
    heights = {name: max(each.n_neurons / total, _LEAST_SHARE) for name, each in shown.items()}
    top, ticks, n_drawn = 0.0, [], 0
    for index, (name, each) in enumerate(shown.items()):
        # a population of few neurons is drawn whole
        own = min(stride, max(1, int(each.n_neurons / (_LEAST_SHARE * max_neurons))))
        kept = each.neurons % own == 0
        n_drawn += -(-each.n_neurons // own)
        # a mark is as high as its row, but never too small to be seen
        mark = float(np.clip(_POINTS * heights[name] * own / each.n_neurons, 0.8, 9))
        ax.plot(
            (each.steps[kept] + start) * scale,
            top + heights[name] * (each.neurons[kept] + 0.5) / each.n_neurons,
            linestyle="none",
            marker="|" if mark > 2 else "o",
            markersize=mark,
            markeredgewidth=1.0 if mark > 2 else 0,
            color=INK if len(shown) == 1 else colour_of(index),
            rasterized=True,
        )
        ticks.append((top + heights[name] / 2, f"{name} ({each.n_neurons:,})"))
        top += heights[name] + _GAP_SHARE
    n_steps = max(each.n_steps for each in shown.values())
    ax.set_xlim((start - 0.5) * scale, (start + max(n_steps, 1) - 0.5) * scale)
    ax.set_ylim(top - _GAP_SHARE, 0)
    ax.set_yticks([at for at, _ in ticks], [text for _, text in ticks])
    ax.tick_params(axis="y", length=0)
    n_spikes = sum(each.n_spikes for each in shown.values())
    title = f"{n_spikes:,} spikes of {total:,} neurons in {n_steps:,} steps"
    if n_drawn < total:
        title += f"; {n_drawn:,} neurons are drawn, evenly spaced"
    label_axes(ax, title=title, x=label_time(dt_ms), y="", grid="")
    return ax


def _spikes_of(spikes: Any) -> tuple[dict[str, Spikes], int]:
    found = spikes if isinstance(spikes, Mapping) else getattr(spikes, "spikes", None)
    kinds = isinstance(found, Mapping) and all(isinstance(s, Spikes) for s in found.values())
    if not kinds or not found:
        raise ParameterError(
            f"spikes: got {type(spikes).__name__}; expected a run that recorded spikes, or a "
            "mapping of names to Spikes, at least one"
        )
    return dict(found), int(getattr(spikes, "start", 0))
