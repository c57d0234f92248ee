"""How full every core is, limit by limit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.mapping.mapping import Mapping
from neurosparse.plot.style import GREY, INK, colour_of, make_axes

__all__ = ["plot_cores"]

MOST_BARS = 16  # cores that have room for bars side by side; more become a map
MOST_COLUMNS = 400  # of the map; neighbouring cores then share a column, which shows the fullest
LABELS = {
    "neurons": "neurons",
    "input_axons": "input axons",
    "output_axons": "output axons",
    "synapse_bits": "synaptic memory",
    "memory_bits": "memory",
    "neuron_profiles": "neuron profiles",
    "threshold_profiles": "thresholds",
    "synapse_formats": "synapse formats",
}


def plot_cores(mapping: Mapping, ax: Any = None) -> Any:
    """Draw the share of every limit that each core uses.

    Up to 16 cores get a bar per limit; more become a map with a row per limit.

    Parameters
    ----------
    mapping : Mapping
        What to draw.
    ax : matplotlib axes, optional
        Where; default a new figure.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    BackendMissingError
        If matplotlib is not installed.
    """
    shares = np.stack(list(mapping.utilisation.values()))
    labels = [LABELS[name] for name in mapping.utilisation]
    few = mapping.n_cores <= MOST_BARS
    height = 3.4 if few else 1.6 + 0.32 * len(labels)
    ax = make_axes(ax, 8.0, height)
    (_draw_bars if few else _draw_map)(ax, shares, labels)
    cores = f"{mapping.n_cores:,} core{'s' if mapping.n_cores > 1 else ''} of {mapping.rules.chip}"
    dense = (
        "the dense network does not fit"
        if mapping.dense.n_cores is None
        else f"dense needs {mapping.dense.n_cores:,}"
    )
    ax.set_title(f"{cores}; {dense}", loc="left")
    return ax


def _draw_bars(ax: Any, shares: NDArray[np.float64], labels: list[str]) -> None:
    n_limits, n_cores = shares.shape
    width = 0.8 / n_limits
    for index, (row, label) in enumerate(zip(shares, labels, strict=True)):
        places = np.arange(n_cores) + (index - (n_limits - 1) / 2) * width
        ax.bar(places, 100 * row, width * 0.9, color=colour_of(index), label=label)
    ax.axhline(100, color=INK, linewidth=0.8)
    ax.set(xlabel="core", ylabel="used [%]", ylim=(0, 108), xlim=(-0.6, n_cores - 0.4))
    ax.set_xticks(np.arange(n_cores))
    ax.tick_params(axis="x", length=0)
    ax.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), handlelength=1, frameon=False)


def _draw_map(ax: Any, shares: NDArray[np.float64], labels: list[str]) -> None:
    n_cores = shares.shape[1]
    per_column = -(-n_cores // MOST_COLUMNS)
    edges = np.arange(0, n_cores, per_column)
    shown = ax.pcolormesh(
        np.append(edges, n_cores),
        np.arange(len(labels) + 1),
        100 * np.maximum.reduceat(shares, edges, axis=1),
        cmap="viridis",
        vmin=0,
        vmax=100,
    )
    ax.set_yticks(np.arange(len(labels)) + 0.5, labels)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set(
        xlabel="core" if per_column == 1 else f"core (the fullest of {per_column})",
        xlim=(0, n_cores),
    )
    ax.spines[:].set(visible=True, color=GREY)
    ax.figure.colorbar(shown, ax=ax, label="used [%]", pad=0.02)
