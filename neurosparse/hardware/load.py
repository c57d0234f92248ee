"""Descriptions of chips and boards, from files that are checked as a whole."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from neurosparse.errors import StorageError
from neurosparse.hardware.board import Board
from neurosparse.hardware.check import (
    encoding_problems,
    heading_problems,
    limit_problems,
    quantity_problems,
    section_problems,
    table_problems,
)
from neurosparse.hardware.chip import Chip
from neurosparse.hardware.encoding import SynapseEncoding
from neurosparse.hardware.files import available_chips, find_file, read_toml, refuse
from neurosparse.hardware.quantity import Choice, Quantity
from neurosparse.hardware.tables import CostTable, Operation

__all__ = ["load_board", "load_chip"]

_CHIP_SECTIONS = ("chip", "limits", "encoding", "tables")


def load_chip(name_or_path: str | PathLike[str]) -> Chip:
    """Read a chip description and check it as a whole.

    Parameters
    ----------
    name_or_path : str or path
        One of `available_chips`, or the path of a ``.toml`` file.

    Returns
    -------
    Chip

    Raises
    ------
    ParameterError
        If there is no such chip or file.
    StorageError
        If the file is not TOML, or with every problem found in it.

    Examples
    --------
    >>> chip = load_chip("loihi1")
    >>> chip.limit("neurons_per_core").value
    1024
    >>> chip.limit_or_none("memory_bits_per_core") is None
    True
    """
    path = find_file("chip", name_or_path)
    content = read_toml(path)
    refuse(path, _chip_problems(content, path.stem))
    return Chip(
        **content["chip"],
        limits={name: Quantity(**entry) for name, entry in content.get("limits", {}).items()},
        encoding=_encoding(content.get("encoding", {})),
        tables={name: _table(name, entry) for name, entry in content.get("tables", {}).items()},
    )


def load_board(name_or_path: str | PathLike[str]) -> Board:
    """Read a board description, with its chip, and check it as a whole.

    Parameters
    ----------
    name_or_path : str or path
        One of `available_boards`, or the path of a ``.toml`` file. Its chip is one of
        `available_chips`, or a file beside it.

    Returns
    -------
    Board

    Raises
    ------
    ParameterError
        If there is no such board or file.
    StorageError
        If the file is not TOML, or with every problem found in it and in its chip.

    Examples
    --------
    >>> board = load_board("nahuku-32")
    >>> board.chip.name, board.n_cores
    ('loihi1', 4096)
    """
    path = find_file("board", name_or_path)
    content = read_toml(path)
    problems = _board_problems(content, path.stem)
    board = content.get("board")
    named = board.get("chip") if isinstance(board, dict) else None
    chip = _chip_of(named, path, problems) if isinstance(named, str) and named.strip() else None
    if isinstance(board, dict) and chip is not None and "cores_per_chip" in board:
        problems += _cores_problems(board["cores_per_chip"], chip)
    refuse(path, problems)
    return Board(**{**_as_quantities(board or {}, "n_chips", "cores_per_chip"), "chip": chip})


def _chip_of(named: str, path: Path, problems: list[str]) -> Chip | None:
    """Load the chip of a board; what is wrong with it goes to the board's problems."""
    beside = path.parent / named
    known = available_chips()
    if named not in known and not beside.is_file():
        allowed = f"{', '.join(known)}, or a file beside the board's"
        problems.append(f"[board] chip: got {named!r}; allowed is {allowed}")
        return None
    try:
        return load_chip(named if named in known else beside)
    except StorageError as error:
        problems.append(f"[board] chip: {error}")
        return None


def _as_quantities(section: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: Quantity(**entry) if key in names else entry for key, entry in section.items()}


def _encoding(section: dict[str, Any]) -> SynapseEncoding | None:
    if not section:
        return None
    numbers: dict[str, Any] = {
        name: Choice(**{**entry, "values": tuple(entry["values"])})
        if "values" in entry
        else Quantity(**entry)
        for name, entry in section.items()
    }
    return SynapseEncoding(**numbers)


def _table(name: str, content: dict[str, Any]) -> CostTable:
    prices: dict[Operation, tuple[str, ...]] = {
        operation: tuple(chosen) if isinstance(chosen, list) else (chosen,)
        for operation, chosen in content.get("prices", {}).items()
    }
    energy, time = (
        {entry: Quantity(**quantity) for entry, quantity in content.get(part, {}).items()}
        for part in ("energy", "time")
    )
    return CostTable(name, content["title"], content.get("notes", ""), energy, time, prices)


def _chip_problems(content: dict[str, Any], stem: str) -> list[str]:
    """Everything that is wrong with the file of a chip."""
    found = section_problems(content, _CHIP_SECTIONS)
    if any(not isinstance(content.get(name, {}), dict) for name in _CHIP_SECTIONS):
        return found
    chip, tables = content.get("chip", {}), content.get("tables", {})
    found += heading_problems(chip, "chip", ("name", "title"), ("notes", "default_table"))
    found += _name_problems(chip, "chip", stem)
    found += limit_problems(content.get("limits", {}))
    found += encoding_problems(content.get("encoding", {}))
    for name, table in tables.items():
        found += table_problems(name, table)
    default = chip.get("default_table")
    stated = isinstance(default, str)
    if (stated or ("default_table" not in chip and tables)) and default not in tables:
        names = ", ".join(tables) or "none"
        found.append(f"[chip] default_table: got {default!r}; there are {names}")
    return found


def _board_problems(content: dict[str, Any], stem: str) -> list[str]:
    """Everything that is wrong with the file of a board, but for its chip."""
    found = section_problems(content, ("board",))
    board = content.get("board", {})
    if not isinstance(board, dict):
        return found
    numbers = ("n_chips", "cores_per_chip")
    texts = ("name", "title", "chip")
    found += heading_problems(board, "board", texts, ("arrangement", "notes"), others=numbers)
    found += _name_problems(board, "board", stem)
    if "n_chips" not in board:
        found.append("[board.n_chips] is missing")
    for name in numbers:
        if name in board:
            problems = quantity_problems(board[name], ("1",), least=1, whole=True)
            found += [f"[board.{name}] {text}" for text in problems]
    return found


def _cores_problems(entry: Any, chip: Chip) -> list[str]:
    most = chip.limits.get("cores_on_die", chip.limits.get("cores"))
    if most is None or quantity_problems(entry, ("1",), least=1, whole=True):
        return []
    if entry["value"] <= most.value:
        return []
    return [f"[board.cores_per_chip] is {entry['value']}; {chip.name} has {most.value}"]


def _name_problems(section: dict[str, Any], where: str, stem: str) -> list[str]:
    name = section.get("name")
    if not isinstance(name, str) or name == stem:
        return []
    return [f"[{where}] name: got {name!r}; must be the file's, {stem!r}"]
