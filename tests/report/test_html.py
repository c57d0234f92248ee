from __future__ import annotations

import base64
import copy
import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from neurosparse.report import MainJob, ReportFigure, draw_figures, render_html, report_dict

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """What a page consists of; fails on elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def report(differing_job: MainJob) -> dict[str, Any]:
    return report_dict(differing_job, "neurosparse demo --out x")


@pytest.fixture(scope="module")
def figures(differing_job: MainJob) -> dict[str, ReportFigure]:
    return draw_figures(differing_job)


@pytest.fixture(scope="module")
def source(report: dict[str, Any], figures: dict[str, ReportFigure]) -> str:
    return render_html(report, figures)


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_it_is_one_page_that_loads_nothing(source: str, page: Page) -> None:
    assert source.startswith("<!doctype html>")
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:")
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_every_figure_is_embedded_with_its_alternative(
    page: Page, figures: dict[str, ReportFigure]
) -> None:
    images = page.all("img")
    assert [image["alt"] for image in images] == [figure.alt for figure in figures.values()]
    for image, figure in zip(images, figures.values(), strict=True):
        head, _, data = (image["src"] or "").partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data, validate=True) == figure.png


def test_it_has_what_browsers_and_readers_need(page: Page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    names = {meta.get("name") for meta in page.all("meta")}
    assert {"viewport", "color-scheme"} <= names
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))


def test_numbers_equal_those_in_the_json(page: Page, report: dict[str, Any]) -> None:
    words = page.words.replace("\N{NO-BREAK SPACE}", " ")
    for model in report["models"].values():
        assert f"{100 * model['accuracy']:.2f} % measured" in words
        assert f"{model['synapses']:,} counted" in words
        assert f"{model['parameter_bytes']:,} B counted" in words
        assert f"{round(model['synaptic_events_per_inference']):,} counted" in words
        assert f"{model['energy_joule'] * 1e9:.3g} nJ estimated" in words
    sparse = report["ratios"]["dense_ann"]["sparse_snn"]
    assert f"{sparse['operations_per_inference']:#.2g}×" in words
    for check in report["lava"].values():
        cells = (check["samples"], check["steps"], check["spikes_compared"])
        assert " ".join(f"{cell:,}" for cell in cells) in words
    assert f"is right in {100 * report['quantisation']['accuracy']:.1f} %" in words
    assert f"{report['quantisation']['pruned']:,} rounded to zero" in words
    assert report["command"] in words


def test_marks_carry_their_sources(page: Page, report: dict[str, Any]) -> None:
    marks = {tuple((span.get("class") or "").split()) for span in page.all("span")}
    assert {("mark", "counted"), ("mark", "measured"), ("mark", "estimated")} <= marks
    titles = {cell["title"] for cell in page.all("td") if "title" in cell}
    for model in report["models"].values():
        assert set(model["sources"].values()) <= titles


def test_a_difference_in_lava_stands_out(page: Page, report: dict[str, Any]) -> None:
    assert report["lava"]["fixed_pt"]["first_mismatch"]["text"] in page.words
    assert [p for p in page.all("p") if p.get("role") == "alert"] != []
    assert [div for div in page.all("div") if div.get("class") == "card bad"] != []


def test_agreement_is_green_and_quiet(
    report: dict[str, Any], figures: dict[str, ReportFigure]
) -> None:
    agreeing = {**report, "lava": {"floating_pt": report["lava"]["floating_pt"]}}
    page = Page(render_html(agreeing, figures))
    assert [p for p in page.all("p") if p.get("role") == "alert"] == []
    assert [div for div in page.all("div") if div.get("class") == "card good"] != []


def test_without_lava_it_says_so(job: MainJob) -> None:
    page = Page(render_html(report_dict(job, "x"), draw_figures(job)))
    assert "Lava was left out of this run" in page.words
    assert "not run" in page.words


def test_a_loss_that_is_not_finite_is_named(
    report: dict[str, Any], figures: dict[str, ReportFigure]
) -> None:
    broken = copy.deepcopy(report)
    broken["training"]["dense_ann"]["epochs"][-1]["loss"] = None
    assert "not finite" in Page(render_html(broken, figures)).words


def test_what_comes_from_outside_is_escaped(
    report: dict[str, Any], figures: dict[str, ReportFigure]
) -> None:
    evil = '"><script>alert(1)</script>'
    foreign = copy.deepcopy(report)
    foreign["command"] = foreign["dataset"]["name"] = foreign["host"]["cpu"] = evil
    foreign["models"]["sparse_snn"]["sources"]["accuracy"] = evil
    text = render_html(foreign, figures)
    assert "<script" not in text
    assert html.escape(evil).replace("&quot;", "&#34;") in text
    assert Page(text).all("script") == []
