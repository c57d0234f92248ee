"""Firing rates of every neuron, before and after quantising."""

from __future__ import annotations

from typing import Any

from neurosparse.loihi.quantisation.calibration import Calibration
from neurosparse.plot.style import GREY, colour_of, label_axes, make_axes

__all__ = ["draw_calibration"]


def draw_calibration(calibration: Calibration, *, ax: Any = None) -> Any:
    """Draw the rate of every neuron in integers against its rate in floats.

    Parameters
    ----------
    calibration : Calibration
        From `calibrate`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Neurons on the diagonal fire as often as before.

    Raises
    ------
    BackendMissingError
        If matplotlib is not installed.
    """
    ax = make_axes(ax, 5.2, 5.0)
    most = 0.0
    for index, (name, change) in enumerate(calibration.populations.items()):
        before, after = change.counts / change.n_steps, change.fixed_counts / change.n_steps
        most = max(most, float(before.max()), float(after.max()))
        label = f"{name}: {100 * change.agreement:.1f} % of the spikes agree"
        ax.plot(before, after, ".", color=colour_of(index), label=label, markersize=5, alpha=0.7)
    ax.plot([0, most], [0, most], color=GREY, linewidth=0.8, zorder=0)
    ax.legend(loc="upper left", handletextpad=0.2)
    label_axes(
        ax,
        title=f"Rates over {calibration.n_samples} samples",
        x="float network [spikes per step]",
        y="integer network [spikes per step]",
        grid="both",
    )
    return ax
