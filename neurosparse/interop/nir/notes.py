"""What a NIR graph of ours says beside the nodes: names, order, delays, inputs and outputs.

A file of NIR keeps nodes by the alphabet, and knows no populations or projections. These notes
stand as JSON in the metadata of the graph. They say nothing that nodes say: whoever ignores them
gets the same dynamics. Where a graph was changed since, notes on what is gone are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from neurosparse.errors import StorageError

__all__ = ["GraphNotes", "ProjectionNote"]

_KEY = "neurosparse"
_VERSION = 1


@dataclass(frozen=True)
class ProjectionNote:
    """A projection: its name, its own delay, and the linear nodes that make it up.

    There are several where synapses have delays of their own: one for each delay.
    """

    name: str
    delay: int
    own_delays: bool
    nodes: Sequence[str]


@dataclass(frozen=True)
class GraphNotes:
    """Notes on a whole graph.

    Parameters
    ----------
    dt : float [s]
        Length of a step.
    populations : mapping of str to str
        Node by name of population, in their order.
    projections : sequence of ProjectionNote
        In their order.
    inputs, outputs : sequence of str
        Names of populations.
    """

    dt: float
    populations: Mapping[str, str]
    projections: Sequence[ProjectionNote]
    inputs: Sequence[str]
    outputs: Sequence[str]

    def pack(self) -> dict[str, str]:
        """Return the metadata of a graph."""
        # as a list of pairs: order is what they are for
        noted = asdict(self) | {"populations": list(self.populations.items())}
        return {_KEY: json.dumps({"version": _VERSION} | noted)}

    @classmethod
    def unpack(cls, metadata: Mapping[str, Any]) -> GraphNotes | None:
        """Return the notes in a graph's metadata; None if there are none.

        Raises
        ------
        StorageError
            If they are not readable, or of another version.
        """
        if _KEY not in metadata:
            return None
        try:
            noted = json.loads(metadata[_KEY])
            version = noted.pop("version")
            if version == _VERSION:
                populations = {str(name): str(node) for name, node in noted.pop("populations")}
                projections = [ProjectionNote(**each) for each in noted.pop("projections")]
                dt = float(noted.pop("dt"))
                return cls(dt, populations, projections, **noted)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise StorageError(
                f"graph: its metadata {_KEY!r} is not readable: {error}; remove it to read the "
                "graph without"
            ) from error
        raise StorageError(
            f"graph: its metadata {_KEY!r} has version {version}; this neurosparse reads {_VERSION}"
        )
