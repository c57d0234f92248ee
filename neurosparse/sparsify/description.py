"""What a scheme is made of, in one line: the same for equal settings, whoever made it and when."""

from __future__ import annotations

import functools
import hashlib
import types
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["describe"]

_MOST_SHOWN = 8  # numbers of an array; of a longer one a digest stands for them


def describe(value: Any) -> str:
    """Describe a scheme, a part of one, a callable or plain data by all settings that it holds.

    Objects are described by their attributes, functions by their name and what they enclose. No
    address of memory gets in, so that descriptions of two processes can be compared.

    Examples
    --------
    >>> from neurosparse.sparsify import Langevin
    >>> describe(Langevin(l1=1e-5))
    'Langevin(l1=1e-05, temperature=0.0, l2=0.0)'
    """
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{describe(k)}: {describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(describe, value))) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(describe, value)) + ")"
    if callable(value) and not _is_instance(value):
        return _function(value)
    if is_dataclass(value):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
    else:
        held = dict(getattr(value, "__dict__", {}))
    settings = ", ".join(f"{name}={describe(each)}" for name, each in held.items())
    return f"{type(value).__qualname__}({settings})"


def _is_instance(value: Any) -> bool:
    """Say whether a callable is an object with ``__call__``, not a function, method or class."""
    plain = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)
    return not isinstance(value, (*plain, functools.partial))


def _function(value: Any) -> str:
    if isinstance(value, functools.partial):
        given = [describe(value.func), *map(describe, value.args)]
        given += [f"{name}={describe(each)}" for name, each in value.keywords.items()]
        return f"partial({', '.join(given)})"
    if isinstance(value, types.MethodType):
        return f"{describe(value.__self__)}.{value.__name__}"
    name = str(value.__qualname__)
    enclosed = [describe(cell.cell_contents) for cell in getattr(value, "__closure__", None) or ()]
    return f"{name}[{', '.join(enclosed)}]" if enclosed else name


def _array(array: np.ndarray) -> str:
    if array.size <= _MOST_SHOWN:
        return f"array({array.tolist()})"
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    return f"array({array.dtype}, {array.shape}, {digest})"
