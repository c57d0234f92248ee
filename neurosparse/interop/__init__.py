"""Other people's formats: in and out of a Network, or of a SpikingClassifier.

Importing this room touches no optional package; each file loads what it needs when one of its
functions is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosparse.interop.netx import from_netx
    from neurosparse.interop.nir_in import from_nir
    from neurosparse.interop.nir_out import to_nir
    from neurosparse.interop.snntorch_in import from_snntorch, network_from_snntorch
    from neurosparse.interop.snntorch_out import to_snntorch

__all__ = [
    "from_netx",
    "from_nir",
    "from_snntorch",
    "network_from_snntorch",
    "to_nir",
    "to_snntorch",
]

_HOMES = {
    "from_netx": "neurosparse.interop.netx",
    "from_nir": "neurosparse.interop.nir_in",
    "from_snntorch": "neurosparse.interop.snntorch_in",
    "network_from_snntorch": "neurosparse.interop.snntorch_in",
    "to_nir": "neurosparse.interop.nir_out",
    "to_snntorch": "neurosparse.interop.snntorch_out",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
