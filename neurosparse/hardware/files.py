"""Where the descriptions lie, and reading one as TOML.

They are in ``hardware/`` at the top of a checkout and in ``neurosparse/_hardware`` of an installed
package; ``hardware/README.md`` explains their format.
"""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from typing import Any

from neurosparse.errors import ParameterError, StorageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["available_boards", "available_chips", "find_file", "read_toml", "refuse"]


def available_chips() -> tuple[str, ...]:
    """Return the names of the chips that come with neurosparse."""
    return _names(_folder())


def available_boards() -> tuple[str, ...]:
    """Return the names of the boards that come with neurosparse."""
    return _names(_folder() / "boards")


def find_file(kind: str, name_or_path: str | PathLike[str]) -> Path:
    """Return the file of a chip or board.

    Parameters
    ----------
    kind : {"chip", "board"}
        What it describes.
    name_or_path : str or path
        One that comes with neurosparse, or a file.

    Raises
    ------
    ParameterError
        If there is no such description or file.
    """
    folder = _folder() / "boards" if kind == "board" else _folder()
    names = _names(folder)
    if str(name_or_path) in names:
        return folder / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if not path.is_file():
        raise ParameterError(
            f"{kind}: got {str(name_or_path)!r}; allowed is {', '.join(names)}, or the path of a "
            ".toml file"
        )
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file as TOML.

    Raises
    ------
    StorageError
        If it cannot be read, or is none.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StorageError(f"{path}: not a readable TOML file: {error}") from error


def refuse(path: Path, problems: list[str]) -> None:
    """Raise all problems of a file as one error, if there are any.

    Raises
    ------
    StorageError
        With every one of ``problems``.
    """
    if problems:
        head = f"{path}: {len(problems)} problem{'s' if len(problems) != 1 else ''}"
        raise StorageError("\n  - ".join([head, *problems]))


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def _folder() -> Path:
    package = Path(__file__).resolve().parents[1]
    installed = package / "_hardware"
    return installed if installed.is_dir() else package.parent / "hardware"
