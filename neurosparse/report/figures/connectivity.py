"""Where the synapses were before training and where they are after it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosparse.network import Projection
from neurosparse.report.figures.style import (
    GREY,
    INK,
    NEGATIVE,
    POSITIVE,
    ReportFigure,
    draw,
    label_panel,
)
from neurosparse.report.labels import layer_label, number, percent
from neurosparse.report.main_job import MainJob
from neurosparse.report.overlap import shared_synapses

__all__ = ["pixels_figure", "wiring_figure"]

_SHARED = "#b9b9b9"


def pixels_figure(job: MainJob) -> ReportFigure:
    """Show synapses per input pixel before and after training, beside what pixels do."""
    variation = job.train.images.std(axis=0)
    before, after = (
        network.projections[0].synapses.fan_out for network in (job.before, job.network)
    )
    was, now = _correlation(before, variation), _correlation(after, variation)
    moved = "Synapses moved to pixels that vary" if now > was + 0.05 else "Synapses per pixel"
    title = f"{moved}: correlation with the pixel's variation {was:+.2f} before, {now:+.2f} after"

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, 3)
        top = max(before.max(), after.max(), 1)
        shape = job.train.shape
        for axes, counts, name in zip(panels, (before, after), ("before", "after"), strict=False):
            shown = axes.imshow(counts.reshape(shape), cmap="viridis", vmin=0, vmax=top)
            axes.set_title(f"Synapses per pixel {name} training")
        figure.colorbar(shown, ax=panels[:2], label="synapses", shrink=0.85, pad=0.02)
        shown = panels[2].imshow(variation.reshape(shape), cmap="gray_r", vmin=0)
        panels[2].set_title("Variation of the pixel")
        figure.colorbar(
            shown, ax=panels[2], label="standard deviation of brightness", shrink=0.85, pad=0.02
        )
        for axes in panels:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)

    silent = variation == 0
    idle = [number(int(counts[silent].sum())) for counts in (before, after)]
    return ReportFigure(
        "pixels",
        title,
        alt=f"Three maps of the image plane. {title}. Pixels that never vary hold {idle[0]} "
        f"synapses before and {idle[1]} after.",
        caption=f"Both maps hold {number(int(after.sum()))} synapses. "
        f"{int(silent.sum())} of the {variation.size} pixels have the same value in every training "
        f"image and cannot help; they hold {idle[0]} synapses before training and {idle[1]} after.",
        png=draw(paint, title, height=3.4),
    )


def wiring_figure(job: MainJob) -> ReportFigure:
    """Show every synapse and the weights, by layer, before and after training."""
    pairs = list(zip(job.before.projections, job.network.projections, strict=True))
    same = all(old.synapses.n_active == new.synapses.n_active for old, new in pairs)
    kept = sum(int(shared_synapses(old.synapses, new.synapses).sum()) for old, new in pairs)
    title = (
        f"{percent(kept / job.before.n_synapses)} of the first {number(job.before.n_synapses)} "
        f"synapses are still there after training{'; every layer kept its budget' if same else ''}"
    )

    def paint(figure: Figure) -> None:
        grid = figure.subplots(3, len(pairs), height_ratios=(3, 3, 1.7), squeeze=False)
        for column, (old, new) in enumerate(pairs):
            _paint_wiring(grid[0, column], old, new, NEGATIVE)
            _paint_wiring(grid[1, column], new, old, POSITIVE)
            _paint_weights(grid[2, column], old, new)
            grid[0, column].set_title(
                f"{layer_label(new.name)}\n{number(new.synapses.n_active)} of "
                f"{number(new.synapses.n_potential)} synapses ({percent(new.synapses.density)})"
            )
        grid[0, 0].set_ylabel("before\n\nonto neuron")
        grid[1, 0].set_ylabel("after\n\nonto neuron")
        grid[2, 0].set_ylabel("synapses")
        grid[2, 0].legend(loc="upper left", fontsize=8, handlelength=1)

    return ReportFigure(
        "wiring",
        title,
        alt=f"Connection matrices of every layer before and after training, and histograms of "
        f"their weights. {title}.",
        caption="One dot per synapse. Grey ones are there before and after; blue ones were dropped "
        "on the way, orange ones have grown. Below, the weights.",
        png=draw(paint, title, height=8.2),
    )


def _correlation(counts: Any, variation: Any) -> float:
    if counts.std() == 0 or variation.std() == 0:
        return 0.0
    return float(np.corrcoef(counts, variation)[0, 1])


def _paint_wiring(axes: Axes, projection: Projection, other: Projection, colour: str) -> None:
    synapses = projection.synapses
    shared = shared_synapses(synapses, other.synapses)
    colours = np.where(shared, _SHARED, colour)
    size = float(np.clip(2.5e4 / synapses.n_potential, 0.8, 9))
    axes.scatter(synapses.indices, synapses.post, s=size, c=colours, linewidth=0, antialiased=False)
    axes.set(xlim=(-1, synapses.n_pre), ylim=(synapses.n_post - 0.5, -0.5), xlabel="from neuron")
    axes.set_xticks([0, synapses.n_pre - 1])
    axes.set_yticks([0, synapses.n_post - 1])
    axes.spines[:].set(visible=True, color=GREY)
    axes.xaxis.labelpad = -8


def _paint_weights(axes: Axes, old: Projection, new: Projection) -> None:
    weights = [projection.synapses.weights for projection in (old, new)]
    # the few largest would squeeze everything else into one bin
    edge = float(max(np.quantile(np.abs(w), 0.995) for w in weights)) or 1.0
    bins = np.linspace(-edge, edge, 41).tolist()
    clipped = [np.clip(w, -edge, edge) for w in weights]
    axes.hist(clipped[0], bins, histtype="step", color=GREY, linewidth=1.3, label="before")
    axes.hist(clipped[1], bins, histtype="stepfilled", color=INK, alpha=0.75, label="after")
    label_panel(axes, x="weight")
