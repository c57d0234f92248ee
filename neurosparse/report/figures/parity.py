"""Our engines and Lava, spike by spike."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurosparse.compare import LavaOutcome
from neurosparse.report.figures.style import (
    INK,
    POSITIVE,
    ReportFigure,
    draw,
    label_panel,
    limit_ticks,
)
from neurosparse.report.labels import TAG_LABELS, number
from neurosparse.report.main_job import MainJob

__all__ = ["parity_figure"]

_SAMPLES_SHOWN = 4


def parity_figure(job: MainJob) -> ReportFigure:
    """Show output spikes of ours and Lava's on top of each other, and counts per class.

    The job must have run Lava.
    """
    checks = {tag: outcome.check for tag, outcome in job.lava.items()}
    compared = sum(check.spikes.n_compared for check in checks.values())
    differ = sum(check.spikes.n_mismatches for check in checks.values())
    samples = next(iter(job.lava.values())).samples
    title = f"{number(differ)} of {number(compared)} spikes differ between neurosparse and Lava"

    def paint(figure: Figure) -> None:
        grid = figure.subplots(len(job.lava), 2, width_ratios=(3, 1.35), squeeze=False)
        for row, (tag, outcome) in enumerate(job.lava.items()):
            first, last = row == 0, row == len(job.lava) - 1
            _paint_overlay(grid[row, 0], job, outcome)
            _paint_counts(figure, grid[row, 1], job, outcome)
            check = outcome.check.spikes
            grid[row, 0].set_title(
                f"{TAG_LABELS[tag].capitalize()}: {number(check.n_mismatches)} of "
                f"{number(check.n_compared)} spikes of all layers differ"
            )
            if first:
                grid[row, 0].legend(
                    handles=_handles(), loc="lower right", ncols=2, bbox_to_anchor=(1, 1)
                )
                grid[row, 1].set_title("Output spikes per sample and class")
            if not last:
                grid[row, 0].set_xlabel("")

    return ReportFigure(
        "lava",
        title,
        alt=f"{title}, over {samples} test samples in floating and fixed point. Rings of our "
        "output spikes with Lava's dots inside, and counts per class on the diagonal where they "
        "agree.",
        caption=f"Left: the output layer in the first {min(_SAMPLES_SHOWN, samples)} of {samples} "
        "test samples; a ring without a dot, or a dot without a ring, would be a difference. "
        "Right: output spikes of every sample and class; what lies off the diagonal differs.",
        png=draw(paint, title, height=2.7 * len(job.lava) + 0.7),
    )


def _handles() -> list[Line2D]:
    ours = Line2D(
        [], [], marker="o", ls="", markerfacecolor="none", color=POSITIVE, label="neurosparse"
    )
    return [ours, Line2D([], [], marker=".", ls="", color=INK, label="Lava")]


def _paint_overlay(axes: Axes, job: MainJob, outcome: LavaOutcome) -> None:
    length, latency = job.preset.encoding.n_steps, job.network.latency
    shown = min(_SAMPLES_SHOWN, outcome.samples)
    stop = latency + shown * length
    ours = outcome.check.ours.spikes["output"].window(0, stop)
    theirs = outcome.check.lava.spikes["output"].window(0, stop)
    axes.plot(ours.steps, ours.neurons, "o", markersize=5, markerfacecolor="none", color=POSITIVE)
    axes.plot(theirs.steps, theirs.neurons, ".", markersize=3, color=INK)
    n_classes = ours.n_neurons
    for sample in range(shown):
        start = latency + sample * length
        axes.axvline(start - 0.5, color="#cccccc", linewidth=0.8, zorder=0)
        axes.text(
            start + 0.3, -1.15, f"class {job.test.labels[sample]}", fontsize=8, color="#555555"
        )
    axes.set(xlim=(latency - 1, stop), ylim=(n_classes - 0.5, -1.9))
    axes.set_yticks(range(n_classes))
    axes.tick_params(axis="y", labelsize=7, length=0)
    label_panel(axes, x="step", y="output neuron", grid="")
    limit_ticks(axes)


def _paint_counts(figure: Figure, axes: Axes, job: MainJob, outcome: LavaOutcome) -> None:
    length, latency = job.preset.encoding.n_steps, job.network.latency
    ours, theirs = (
        run.spikes["output"].counts_per_window(length, start=latency).ravel()
        for run in (outcome.check.ours, outcome.check.lava)
    )
    top = int(max(ours.max(), theirs.max(), 1)) + 1
    table = np.zeros((top, top))
    np.add.at(table, (theirs, ours), 1)
    shown = axes.imshow(
        np.ma.masked_equal(table, 0),
        origin="lower",
        cmap="viridis_r",
        norm=LogNorm(1, max(2, table.max())),
    )
    axes.plot([-0.5, top - 0.5], [-0.5, top - 0.5], color="#cccccc", linewidth=0.8, zorder=0)
    label_panel(axes, x="neurosparse", y="Lava", grid="")
    limit_ticks(axes)
    axes.set_yticks([tick for tick in axes.get_xticks() if 0 <= tick < top])
    figure.colorbar(shown, ax=axes, label="how many (log)", pad=0.02)
