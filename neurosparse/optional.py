"""Packages that only an extra installs."""

from __future__ import annotations

import importlib
from typing import Any

from neurosparse.errors import BackendMissingError

__all__ = ["load_optional"]


def load_optional(name: str, user: str, extra: str) -> Any:
    """Import a package that not everybody has.

    Parameters
    ----------
    name : str
        Of the module, as in an import statement.
    user : str
        Who needs it, in the plural: "NetX files".
    extra : str
        Of neurosparse, that installs it.

    Returns
    -------
    module

    Raises
    ------
    BackendMissingError
        If it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendMissingError(
            f"{user} need {name.partition('.')[0]}, which is not installed; "
            f"pip install 'neurosparse[{extra}]'"
        ) from error
