"""Other people's formats: in and out of a Network, or of a SpikingClassifier.

Importing this room touches no optional package; each file loads what it needs when one of its
functions is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosparse.interop.netx.incoming import from_netx
    from neurosparse.interop.nir.incoming import from_nir
    from neurosparse.interop.nir.outgoing import to_nir
    from neurosparse.interop.snntorch.incoming import from_snntorch, network_from_snntorch
    from neurosparse.interop.snntorch.outgoing import to_snntorch

__all__ = [
    "from_netx",
    "from_nir",
    "from_snntorch",
    "network_from_snntorch",
    "to_nir",
    "to_snntorch",
]

_HOMES = {
    "from_netx": "neurosparse.interop.netx.incoming",
    "from_nir": "neurosparse.interop.nir.incoming",
    "from_snntorch": "neurosparse.interop.snntorch.incoming",
    "network_from_snntorch": "neurosparse.interop.snntorch.incoming",
    "to_nir": "neurosparse.interop.nir.outgoing",
    "to_snntorch": "neurosparse.interop.snntorch.outgoing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
