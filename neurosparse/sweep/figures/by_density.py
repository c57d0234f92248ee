"""Every scheme against density or cost: mean and range over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosparse.plot.style import GREY
from neurosparse.sweep.cell import Row
from neurosparse.sweep.figures.style import (
    Look,
    SweepFigure,
    by_error,
    draw,
    legend,
    logarithmic,
    looks_of,
    mark_densities,
    panel,
)
from neurosparse.sweep.summary import by_scheme, spread

__all__ = [
    "cost_figures",
    "effective_figure",
    "hill_figure",
    "r_s_figure",
    "robustness_figure",
    "task_of",
]

_MEAN = "Points are means over {n} seed{s}, bars reach from the least to the largest."
_ENDED = "Densities are those that networks ended with."
# decades between schemes, so that bars of equal densities stand side by side, and between the
# first and the last of them at the most
_APART, _ALL_APART = 0.008, 0.06


def task_of(rows: Sequence[Row]) -> str:
    """Return data set and kind of model, for titles."""
    kinds = {"snn": "spiking network", "ann": "ReLU network"}
    return f"{rows[0]['data']}, {kinds.get(rows[0]['model'], rows[0]['model'])}"


def _mean_note(rows: Sequence[Row]) -> str:
    n = len({row["seed"] for row in rows})
    return _MEAN.format(n=n, s="" if n == 1 else "s")


def hill_figure(rows: Sequence[Row]) -> SweepFigure:
    """Show Occam's hill: test error against density."""
    title = f"Occam's hill: test error against density ({task_of(rows)})"

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        errors = _against_density(axes, rows, lambda row: 100 * (1 - row["test_accuracy"]))
        panel(axes, y="test error [%]")
        mark_densities(axes, rows)
        logarithmic(axes, "y", errors)
        legend(figure, looks_of(by_scheme(rows)), axes)

    caption = (
        "Lower is better. From right to left connections go: as long as those that go fit noise, "
        f"the error falls; then it rises. {_ENDED} {_mean_note(rows)}"
    )
    return draw("occams_hill", title, caption, paint)


def _against_density(
    axes: Axes,
    rows: Sequence[Row],
    value: Callable[[Row], float | None],
    *,
    apart: bool = True,
) -> list[float]:
    """Draw a line per scheme over the density that networks ended with; return all the values."""
    grouped = by_scheme(rows)
    step = min(_APART, _ALL_APART / len(grouped)) if apart else 0.0
    shown = []
    for index, (scheme, look) in enumerate(looks_of(grouped).items()):
        shift = 10 ** (step * (index - (len(grouped) - 1) / 2))
        points = []
        for same in grouped[scheme].values():
            found = spread([{"value": value(row)} for row in same], "value")
            density = spread(same, "final_density")
            if found is not None and density is not None:
                points.append((density.mean * shift, found))
        shown += [edge for _, found in points for edge in (found.low, found.high)]
        _plot(axes, scheme, look, points)
    return shown


def _plot(axes: Axes, scheme: str, look: Look, points: Sequence[tuple[float, Any]]) -> None:
    if not points:
        return
    means = [found.mean for _, found in points]
    below = [found.mean - found.low for _, found in points]
    above = [found.high - found.mean for _, found in points]
    axes.errorbar(
        [x for x, _ in points],
        means,
        yerr=[below, above],
        elinewidth=1.0,
        capsize=2.0,
        **look.line(scheme),
    )


def cost_figures(rows: Sequence[Row]) -> list[SweepFigure]:
    """Show accuracy against synaptic events (or multiply-accumulates) and against energy."""
    kind = rows[0]["model"]
    events = ("macs", "multiply-accumulates per sample (counted)")
    if kind == "snn":
        events = ("synaptic_events", "synaptic events per sample (counted)")
    nanojoule = [{**row, "nanojoule": 1e9 * row["energy_joule"]} for row in rows]
    shown = [("events", rows, *events)]
    shown += [("energy", nanojoule, "nanojoule", "energy per sample [nJ] (estimated, 45 nm CMOS)")]
    return [_cost_figure(name, given, column, label) for name, given, column, label in shown]


def _cost_figure(name: str, rows: Sequence[Row], column: str, label: str) -> SweepFigure:
    what = label.partition(" per sample")[0]
    title = f"Accuracy against {what} ({task_of(rows)})"

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        grouped = by_scheme(rows)
        for scheme, look in looks_of(grouped).items():
            xs, ys = [], []
            for same in grouped[scheme].values():
                cost, accuracy = spread(same, column), spread(same, "test_accuracy")
                if cost is None or accuracy is None:
                    continue
                xs.append(cost.mean)
                ys.append(100 * accuracy.mean)
                axes.plot([cost.low, cost.high], ys[-1:] * 2, color=look.colour, linewidth=1.0)
                heights = [100 * accuracy.low, 100 * accuracy.high]
                axes.plot(xs[-1:] * 2, heights, color=look.colour, linewidth=1.0)
            axes.plot(xs, ys, **look.line(scheme))
        panel(axes, x=label, y="test accuracy [%]")
        logarithmic(axes, "x", [row[column] for row in rows])
        by_error(axes, [100 * row["test_accuracy"] for row in rows])
        legend(figure, looks_of(grouped), axes)

    caption = (
        "Up and to the left is better. A line joins the densities of a scheme, from the fewest "
        "synapses to the most. Where errors span most of a decade, accuracies stand as far apart "
        f"as the logarithms of their errors. {_mean_note(rows)}"
    )
    if name == "energy":
        caption += " Energy is an estimate: counted operations times published prices."
    return draw(name, title, caption, paint)


def r_s_figure(rows: Sequence[Row]) -> SweepFigure:
    """Show which share of the potential synapses was ever active."""
    title = f"R_s: potential synapses ever active ({task_of(rows)})"

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        densities = [row["final_density"] for row in rows]
        ends = [min(densities), max(densities)]
        axes.plot(ends, [100 * end for end in ends], color=GREY, linewidth=1.2, linestyle="--")
        shown = _against_density(axes, rows, lambda row: 100 * row["r_s"], apart=False)
        panel(axes, y="ever active [% of potential]")
        mark_densities(axes, rows)
        logarithmic(axes, "y", shown)
        legend(figure, looks_of(by_scheme(rows)), axes)

    caption = (
        "How much of the space of connections a scheme has visited over the training; the dashed "
        f"line is a network that never changes. {_ENDED} {_mean_note(rows)}"
    )
    return draw("r_s", title, caption, paint)


def effective_figure(rows: Sequence[Row]) -> SweepFigure:
    """Show which share of the synapses lies on a path from input to output."""
    title = f"Effective sparsity: synapses on a path ({task_of(rows)})"

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        _against_density(
            axes,
            rows,
            # a network that has lost every synapse has no share of them
            lambda row: (
                100 * row["effective_synapses"] / row["synapses"] if row["synapses"] else None
            ),
        )
        panel(axes, y="on a path from input to output [% of synapses]")
        mark_densities(axes, rows)
        legend(figure, looks_of(by_scheme(rows)), axes)

    caption = (
        "Synapses that no input reaches, or from which no output is reached, cost memory and do "
        f"nothing. {_ENDED} {_mean_note(rows)}"
    )
    return draw("effective", title, caption, paint)


def robustness_figure(rows: Sequence[Row]) -> SweepFigure | None:
    """Show accuracy under attack beside the clean one; None if it was not measured."""
    tried = [row for row in rows if row["robust_accuracy"] is not None]
    if not tried:
        return None
    attack = f"{tried[0]['attack'].upper()}, eps {tried[0]['attack_eps']:g}"
    title = f"Robustness: accuracy under {attack} ({task_of(rows)})"

    def paint(figure: Figure) -> None:
        clean, robust = figure.subplots(1, 2, sharey=True)
        for axes, column, name in (
            (clean, "test_accuracy", "Clean"),
            (robust, "robust_accuracy", f"Under {attack}"),
        ):
            _against_density(axes, tried, lambda row, column=column: 100 * row[column])  # type: ignore[misc]
            panel(axes, title=name, y="test accuracy [%]" if axes is clean else "")
            mark_densities(axes, tried)
            axes.set_xlabel("density [%], logarithmic")
        legend(figure, looks_of(by_scheme(rows)), clean)

    caption = f"The same networks, without and with the attack. {_ENDED} {_mean_note(rows)}"
    return draw("robustness", title, caption, paint, width=9.6)
