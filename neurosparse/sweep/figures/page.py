"""A page with the figures of a sweep and its summary, beside the folder of figures."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from os import PathLike
from pathlib import Path

from neurosparse.sweep.cell import Row
from neurosparse.sweep.figures.by_density import task_of
from neurosparse.sweep.figures.style import SweepFigure
from neurosparse.sweep.summary import SUMMARY_COLUMNS, summary_table

__all__ = ["page_shows", "render_page"]

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{mark}
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem }}
img {{ max-width: 100%; height: auto }}
figure {{ margin: 2rem 0 }}
figcaption {{ color: #555 }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ text-align: right; padding: .15rem .7rem; border-bottom: 1px solid #e4e4e4 }}
th:first-child, td:first-child {{ text-align: left; padding-left: 0 }}
</style>
<h1>{title}</h1>
<p>{what}; all numbers are in <a href="results.csv">results.csv</a> and
<a href="epochs.csv">epochs.csv</a>.</p>
<table>
<tr>{head}</tr>
{lines}
</table>
{figures}
</html>
"""
_FIGURE = """<figure>
<img src="figures/{name}.png" alt="{title}">
<figcaption>{caption} <a href="figures/{name}.svg">SVG</a></figcaption>
</figure>"""


_MARK = '<meta name="rows" content="{digest}">'


def page_shows(rows: Sequence[Row], folder: str | PathLike[str]) -> bool:
    """Tell whether the page in a folder is that of these rows, with all its figures.

    Parameters
    ----------
    rows : sequence of dict
        Of `run_cell`.
    folder : path
        Where the page would be.
    """
    place = Path(folder)
    try:
        page = (place / "index.html").read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return False
    figures = re.findall(r'(?:src|href)="(figures/[^"]+)"', page)
    return _mark(rows) in page and all((place / figure).is_file() for figure in figures)


def _mark(rows: Sequence[Row]) -> str:
    """Return what tells the page of these rows, in whatever order, from others."""
    text = json.dumps(sorted(rows, key=lambda row: str(row["key"])), sort_keys=True)
    return _MARK.format(digest=hashlib.sha256(text.encode()).hexdigest())


def render_page(rows: Sequence[Row], figures: Sequence[SweepFigure]) -> str:
    """Return the page; everything that came from outside is escaped."""
    lines = [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>"
        for line in summary_table(rows)
    ]
    return _PAGE.format(
        title=escape(f"Sweep on {task_of(rows)}"),
        mark=_mark(rows),
        what=f"{len(rows)} cells, neurosparse {escape(str(rows[0]['version']))}",
        head="".join(f"<th>{escape(name)}</th>" for name in SUMMARY_COLUMNS),
        lines="\n".join(lines),
        figures="\n".join(
            _FIGURE.format(
                name=figure.name, title=escape(figure.title), caption=escape(figure.caption)
            )
            for figure in figures
        ),
    )
