"""One test sample on its way through the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosparse.report.figures.style import GREY, INK, POSITIVE, ReportFigure, draw, limit_ticks
from neurosparse.report.labels import number
from neurosparse.report.main_job import MainJob

__all__ = ["raster_figure"]


def raster_figure(job: MainJob) -> ReportFigure:
    """Show every spike of one sample, input on top, output at the bottom."""
    spikes = job.sample.spikes
    names = list(job.network.populations)
    n_steps, depths = job.preset.encoding.n_steps, job.network.depths
    output = names[-1]
    counts = spikes[output].window(depths[output], depths[output] + n_steps).counts()
    said, right = job.sample_prediction, job.sample_label
    verdict = f"read as {said}" if said == right else f"misread as {said}"
    title = (
        f"Class {right}, {verdict}: output neuron {said} fires {_how_often(counts[said])}, "
        f"the next one {_how_often(np.sort(counts)[-2])}"
    )

    def paint(figure: Figure) -> None:
        # a population's share of the height grows slower than its size; ten classes stay legible
        heights = [np.clip(np.sqrt(spikes[name].n_neurons) / 5, 1.8, 3.6) for name in names]
        grid = figure.add_gridspec(len(names), 3, width_ratios=(1.7, 7, 1.7), height_ratios=heights)
        first: Axes | None = None
        for row, name in enumerate(names):
            axes = figure.add_subplot(grid[row, 1], sharex=first)
            first = first or axes
            _paint_population(axes, spikes[name], name, depths[name], n_steps)
            if row < len(names) - 1:
                axes.tick_params(labelbottom=False)
            else:
                _mark_class(axes, said, right)
                axes.set_xlabel("step")
                axes.set_xlim(-0.7, job.sample.n_steps - 0.3)
                limit_ticks(axes)
        _paint_image(figure.add_subplot(grid[: max(1, len(names) - 1), 0]), job)
        _paint_counts(figure.add_subplot(grid[len(names) - 1, 2]), counts, said)

    total = sum(spikes[name].n_spikes for name in names)
    return ReportFigure(
        "raster",
        title,
        alt=f"Raster plot of one test image through all layers, {number(total)} spikes. {title}.",
        caption="One mark per spike. The shaded steps are the window in which a layer sees this "
        "sample; it opens one step later per layer. The class with most output spikes is the "
        "answer.",
        png=draw(paint, title, height=7.0),
    )


def _paint_population(axes: Axes, spikes: Any, name: str, depth: int, n_steps: int) -> None:
    axes.axvspan(depth - 0.5, depth + n_steps - 0.5, color="#f4f4f1", zorder=0)
    size = spikes.n_neurons
    marker = 45.0 if size <= 20 else max(1.5, 900 / size)
    axes.scatter(
        spikes.steps, spikes.neurons, s=marker, marker="|", color=INK, linewidth=1.1, zorder=2
    )
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_yticks([0, size - 1] if size > 20 else range(size))
    rate = spikes.n_spikes / (size * n_steps)
    axes.set_ylabel(name)
    axes.set_title(
        f"{size} neurons, {number(spikes.n_spikes)} spikes, {100 * rate:.1f} % of neurons per step",
        fontsize=9,
        color="#555555",
        pad=3,
    )


def _mark_class(axes: Axes, said: int, right: int) -> None:
    axes.tick_params(axis="y", labelsize=7, length=0)
    labels = axes.get_yticklabels()
    for neuron in {said, right}:
        axes.axhspan(neuron - 0.5, neuron + 0.5, color=POSITIVE, alpha=0.25, linewidth=0, zorder=1)
        labels[neuron].set_fontweight("bold")


def _paint_image(axes: Axes, job: MainJob) -> None:
    axes.imshow(job.test.images[0].reshape(job.test.shape), cmap="gray_r", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[], title="the image", anchor="N")
    for spine in axes.spines.values():
        spine.set(visible=True, color=GREY)


def _paint_counts(axes: Axes, counts: Any, said: int) -> None:
    classes = np.arange(counts.size)
    colours = [POSITIVE if neuron == said else GREY for neuron in classes]
    bars = axes.barh(classes, counts, color=colours, height=0.75)
    axes.bar_label(bars, [str(k) if k else "" for k in counts], padding=2, fontsize=7)
    axes.set(ylim=(counts.size - 0.5, -0.5), yticks=[], xticks=[], xlabel="output spikes")
    axes.set_xlim(0, 1.25 * max(1, counts.max()))
    axes.spines["bottom"].set_visible(False)


def _how_often(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(int(count), f"{count} times")
