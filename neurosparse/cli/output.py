"""Results on stdout as tables or JSON, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["emit", "emit_json", "say", "show_table", "wants_progress"]

_PIPE_WIDTH = 1000  # a pipe has no width: tables stay as wide as they are


def say(text: str) -> None:
    """Tell the person at the terminal, on stderr."""
    typer.echo(text, err=True)


def wants_progress() -> bool:
    """Whether progress bars make sense: not in a log file."""
    return sys.stderr.isatty()


def emit(text: str) -> None:
    """Print a line of the result."""
    typer.echo(text)


def emit_json(document: Mapping[str, Any]) -> None:
    """Print the whole result as one JSON document."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows of text and numbers on stdout; columns of numbers stand right.

    Parameters
    ----------
    title : str
        Stands above; may be empty.
    columns : sequence of str
        Headings.
    rows : sequence of sequences
        Numbers get thousands separators, small floats three digits; None becomes a dash.
    """
    table = Table()
    for index, column in enumerate(columns):
        numbers = any(_is_number(row[index]) for row in rows)
        table.add_column(Text(column), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    if title:
        console.print(Text(title, style="bold"))
    console.print(table)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value[:1].isdigit()  # as "97.2 %"
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)
