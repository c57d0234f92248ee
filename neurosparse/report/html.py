"""The report as one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from neurosparse.compare import Marked
from neurosparse.compare.table import QUANTITIES
from neurosparse.report.figures import ReportFigure
from neurosparse.report.labels import (
    MODEL_LABELS,
    OPERATION_LABELS,
    TAG_LABELS,
    energy_range,
    layer_label,
    number,
    percent,
    quantity_text,
    short_percent,
    times,
)

__all__ = ["render_html"]


class Card(NamedTuple):
    """One headline number."""

    value: str
    label: str
    detail: str
    good: bool | None = None  # whether a check passed; None where nothing was checked


class Cell(NamedTuple):
    """One number of the comparison, with how it was obtained."""

    text: str
    mark: str
    source: str


def render_html(report: Mapping[str, Any], figures: Mapping[str, ReportFigure]) -> str:
    """Return the page: every number from ``report``, every figure embedded.

    Parameters
    ----------
    report : mapping
        From `report_dict`.
    figures : mapping of str to ReportFigure
        By name, from `draw_figures`.

    Returns
    -------
    str
        HTML that loads nothing from anywhere; everything that came from outside is escaped.
    """
    environment = Environment(
        loader=PackageLoader("neurosparse.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        short_percent=short_percent,
        number=number,
        times=times,
        layer=layer_label,
        energy_range=energy_range,
        png=_data_uri,
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        figures=figures,
        cards=_cards(report),
        rows=_rows(report),
        sources=_sources(report),
        model_labels=MODEL_LABELS,
        tag_labels=TAG_LABELS,
        operation_labels=OPERATION_LABELS,
    )


def _data_uri(png: bytes) -> Markup:
    return Markup("data:image/png;base64,") + base64.b64encode(png).decode("ascii")


def _cards(report: Mapping[str, Any]) -> list[Card]:
    models, ratios = report["models"], report["ratios"]["dense_ann"]["sparse_snn"]
    sparse, ann, dense = (models[name] for name in ("sparse_snn", "dense_ann", "dense_snn"))
    operations = sparse["macs_per_inference"] + sparse["synaptic_events_per_inference"]
    return [
        Card(
            percent(ratios["synapses"]),
            "of the synapses",
            f"{number(sparse['synapses'])} of {number(sparse['potential_synapses'])}, "
            "from the first training step to the last",
        ),
        Card(
            percent(sparse["accuracy"]),
            "test accuracy",
            f"dense SNN {percent(dense['accuracy'])}, dense ANN {percent(ann['accuracy'])}",
        ),
        Card(
            times(ratios["operations_per_inference"]),
            "the dense ANN's operations",
            f"{number(operations)} synaptic events in place of "
            f"{number(ann['macs_per_inference'])} multiply-accumulates per inference",
        ),
        _lava_card(report["lava"]),
    ]


def _lava_card(lava: Mapping[str, Any]) -> Card:
    if not lava:
        return Card("not run", "spikes against Lava", "the run was asked to leave Lava out")
    differ = sum(check["spike_mismatches"] for check in lava.values())
    compared = sum(check["spikes_compared"] for check in lava.values())
    samples = max(check["samples"] for check in lava.values())
    how = " and ".join(TAG_LABELS[tag] for tag in lava)
    return Card(
        number(differ),
        f"of {number(compared)} spikes differ in Lava",
        f"{samples} test samples, {how}, all layers",
        differ == 0,
    )


def _rows(report: Mapping[str, Any]) -> list[tuple[str, list[Cell | None], list[str]]]:
    """Return per quantity its label, a cell per model, and the sparse SNN's ratios."""
    models, baselines = report["models"], report["ratios"].values()
    rows = []
    for quantity, label in QUANTITIES.items():
        cells = [_cell(model, quantity) for model in models.values()]
        if any(cells):
            ratios = [baseline["sparse_snn"].get(quantity) for baseline in baselines]
            # what one side does not do at all has no ratio worth telling
            rows.append((label, cells, [times(ratio) if ratio else "" for ratio in ratios]))
    return rows


def _cell(model: Mapping[str, Any], quantity: str) -> Cell | None:
    value = model[quantity]
    if value is None:
        return None
    mark, source = model["marks"][quantity], model["sources"][quantity]
    text = quantity_text(quantity, Marked(value, mark, model["units"][quantity], source))
    return Cell(text, mark, source)


def _sources(report: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return per quantity where each model's number comes from, models with the same one joined."""
    sources = []
    for quantity, label in QUANTITIES.items():
        models_by_source: dict[str, list[str]] = {}
        for name, model in report["models"].items():
            if quantity in model["sources"]:
                source = f"{model['marks'][quantity]}: {model['sources'][quantity]}"
                models_by_source.setdefault(source, []).append(MODEL_LABELS[name])
        if models_by_source:
            entries = [(", ".join(names), source) for source, names in models_by_source.items()]
            sources.append((label, entries))
    return sources
