"""Chips and boards, as tables and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosparse.cli.output import emit, show_table

if TYPE_CHECKING:
    from neurosparse.hardware import Board, Chip, Choice, CostTable, Quantity

__all__ = ["board_dict", "chip_dict", "show_board", "show_chip"]


def chip_dict(chip: Chip) -> dict[str, Any]:
    """Return all that is known of a chip, for JSON."""
    return {
        "name": chip.name,
        "title": chip.title,
        "notes": _flowing(chip.notes),
        "limits": {name: _entry(quantity) for name, quantity in chip.limits.items()},
        "encoding": {name: _entry(constant) for name, constant in _encoding(chip).items()},
        "default_table": chip.default_table,
        "tables": {name: _table_dict(table) for name, table in chip.tables.items()},
    }


def board_dict(board: Board) -> dict[str, Any]:
    """Return all that is known of a board, for JSON; its chip by name."""
    cores = board.cores_per_chip
    return {
        "name": board.name,
        "title": board.title,
        "chip": board.chip.name,
        "n_chips": _entry(board.n_chips),
        "cores_per_chip": None if cores is None else _entry(cores),
        "n_cores": board.n_cores,
        "arrangement": board.arrangement,
        "notes": _flowing(board.notes),
    }


def show_chip(chip: Chip) -> None:
    """Print all that is known of a chip, with sources."""
    from neurosparse.hardware import LIMITS

    emit(f"{chip.name}: {chip.title}")
    _note(chip.notes)
    if chip.limits:
        _show(
            "Limits",
            ("limit", "meaning"),
            {(name, LIMITS[name].meaning): quantity for name, quantity in chip.limits.items()},
        )
    encoding = _encoding(chip)
    if encoding:
        _show("Synapse encoding", ("constant",), {(name,): it for name, it in encoding.items()})
    for table in chip.tables.values():
        default = " (default)" if table.name == chip.default_table else ""
        rows = {
            (name, kind, _answers(table, name)): quantity
            for kind, entries in (("energy", table.energy), ("time", table.time))
            for name, quantity in entries.items()
        }
        title = f"Table {table.name}{default}: {table.title}"
        _show(title, ("entry", "kind", "prices"), rows)
        _note(table.notes)


def show_board(board: Board) -> None:
    """Print all that is known of a board, with sources."""
    emit(f"{board.name}: {board.title}, {board.n_cores:,} cores of {board.chip.title}")
    _note(board.arrangement)
    _note(board.notes)
    numbers = {("n_chips",): board.n_chips}
    if board.cores_per_chip is not None:
        numbers["cores_per_chip",] = board.cores_per_chip
    _show("", ("number",), numbers)


def _show(
    title: str, columns: tuple[str, ...], rows: dict[Any, Quantity] | dict[Any, Quantity | Choice]
) -> None:
    values = [
        (*names, _value(entry), entry.unit, entry.confidence, entry.source)
        for names, entry in rows.items()
    ]
    show_table(title, (*columns, "value", "unit", "confidence", "source"), values)


def _note(text: str) -> None:
    if text.strip():
        emit(_flowing(text))


def _flowing(text: str) -> str:
    """Without the line breaks of the file."""
    return " ".join(text.split())


def _value(entry: Quantity | Choice) -> Any:
    from neurosparse.hardware import Choice

    return ", ".join(map(str, entry.values)) if isinstance(entry, Choice) else entry.value


def _answers(table: CostTable, entry: str) -> str:
    """Name the operations that an entry prices."""
    return ", ".join(operation for operation, names in table.prices.items() if entry in names)


def _encoding(chip: Chip) -> dict[str, Quantity | Choice]:
    return {} if chip.encoding is None else dict(vars(chip.encoding))


def _entry(entry: Quantity | Choice) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(entry).items()
    }


def _table_dict(table: CostTable) -> dict[str, Any]:
    return {
        "title": table.title,
        "notes": _flowing(table.notes),
        "prices": {operation: list(names) for operation, names in table.prices.items()},
        "energy": {name: _entry(quantity) for name, quantity in table.energy.items()},
        "time": {name: _entry(quantity) for name, quantity in table.time.items()},
    }
