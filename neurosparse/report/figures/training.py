"""What happened while training: accuracy, synapses, rewiring."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from neurosparse.report.figures.style import (
    LAYER_COLOURS,
    MODEL_COLOURS,
    ReportFigure,
    draw,
    label_panel,
    mark_epochs,
)
from neurosparse.report.labels import MODEL_LABELS, layer_label, number, percent
from neurosparse.report.main_job import MainJob
from neurosparse.train import History

__all__ = ["training_figure", "turnover_figure"]


def training_figure(job: MainJob) -> ReportFigure:
    """Show accuracy and active synapses over training, all models."""
    kept = {name: _kept_accuracy(history) for name, history in job.histories.items()}
    title = "Validation accuracy: " + ", ".join(
        f"{MODEL_LABELS[name].replace('Dense', 'dense').replace('Sparse', 'sparse')} "
        f"{percent(accuracy)}"
        for name, accuracy in kept.items()
    )

    def paint(figure: Figure) -> None:
        accuracy_axes, synapse_axes = figure.subplots(1, 2, width_ratios=(3, 2))
        for name, history in job.histories.items():
            epochs = [epoch.epoch for epoch in history.epochs]
            style = {"color": MODEL_COLOURS[name], "label": MODEL_LABELS[name]}
            accuracies = [100 * (epoch.valid_accuracy or 0.0) for epoch in history.epochs]
            accuracy_axes.plot(epochs, accuracies, **style)
            if history.kept_epoch is not None:
                accuracy_axes.plot(
                    history.kept_epoch,
                    accuracies[history.kept_epoch - 1],
                    "o",
                    color=MODEL_COLOURS[name],
                    markersize=8,
                    markeredgecolor="white",
                    clip_on=False,
                    zorder=3,
                )
            totals = [sum(epoch.synapses) for epoch in history.epochs]
            # the two dense models have equally many: dashes let both be seen
            dashes = (0, (4, 4)) if name == "dense_snn" else "-"
            synapse_axes.plot(epochs, totals, linestyle=dashes, zorder=3, **style)
        label_panel(
            accuracy_axes,
            title="Validation accuracy (dot: the epoch that is kept)",
            y="right [%]",
        )
        label_panel(synapse_axes, title="Active synapses", y="synapses (log scale)")
        synapse_axes.set_yscale("log")
        totals = sorted({sum(history.epochs[-1].synapses) for history in job.histories.values()})
        synapse_axes.set_yticks(totals, [number(total) for total in totals])
        synapse_axes.yaxis.set_minor_locator(NullLocator())
        synapse_axes.set_ylim(totals[0] / 2, totals[-1] * 2)
        n_epochs = max(len(history.epochs) for history in job.histories.values())
        for axes in (accuracy_axes, synapse_axes):
            mark_epochs(axes, n_epochs)
        accuracy_axes.legend(loc="lower right")

    counts = {sum(epoch.synapses) for epoch in job.histories["sparse_snn"].epochs}
    constant = "in every epoch" if len(counts) == 1 else "in the last epoch"
    return ReportFigure(
        "training",
        title,
        alt=f"Two line charts over epochs. {title}. The sparse network has "
        f"{number(job.network.n_synapses)} active synapses {constant}, the dense ones "
        f"{number(job.dense_network.n_synapses)}.",
        caption="The sparse network is sparse from the first step: it never has more synapses "
        "than at the end. The last epoch is kept; neither validation nor test samples choose it.",
        png=draw(paint, title, height=3.9),
    )


def turnover_figure(job: MainJob) -> ReportFigure:
    """Show how many synapses DEEP R replaced in every epoch and layer."""
    epochs = job.histories["sparse_snn"].epochs
    dropped = np.array([epoch.dropped for epoch in epochs], dtype=np.float64)
    budgets = np.array(epochs[-1].synapses, dtype=np.float64)
    share = dropped.sum(axis=1) / budgets.sum()
    title = (
        f"DEEP R replaced {percent(share[0])} of the synapses in the first epoch, "
        f"{percent(share[-1])} in the last"
    )

    def paint(figure: Figure) -> None:
        share_axes, total_axes = figure.subplots(1, 2, width_ratios=(3, 2))
        numbers = [epoch.epoch for epoch in epochs]
        totals = dropped.sum(axis=0)
        names = [layer_label(projection.name) for projection in job.network.projections]
        for index, name in enumerate(names):
            colour = LAYER_COLOURS[index % len(LAYER_COLOURS)]
            share_axes.plot(numbers, 100 * dropped[:, index] / budgets[index], color=colour)
            bar = total_axes.barh(name, totals[index], color=colour, height=0.55)
            ratio = totals[index] / budgets[index]
            total_axes.bar_label(
                bar, [f"{number(totals[index])}  ({ratio:.1f}× its budget)"], padding=4, fontsize=9
            )
        label_panel(
            share_axes,
            title="Synapses replaced per epoch, by layer (colours as on the right)",
            y="share of the layer's budget [%]",
        )
        share_axes.set_ylim(0, 108 * max((dropped / budgets).max(), 0.01))
        mark_epochs(share_axes, len(epochs))
        label_panel(total_axes, title="Replaced over the whole training", x="synapses", grid="x")
        total_axes.invert_yaxis()
        total_axes.set_xlim(0, 1.95 * max(totals.max(), 1))
        total_axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        total_axes.locator_params(axis="x", nbins=4)
        total_axes.tick_params(axis="y", length=0)

    return ReportFigure(
        "turnover",
        title,
        alt=f"{title}; a line per layer over epochs, and bars with the totals.",
        caption="A synapse whose weight would change its sign is dropped and another one grows at "
        "a random free place of the layer, so that the number of synapses stays the same.",
        png=draw(paint, title, height=3.7),
    )


def _kept_accuracy(history: History) -> float | None:
    return history.epochs[(history.kept_epoch or len(history.epochs)) - 1].valid_accuracy
