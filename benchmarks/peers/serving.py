"""The worker's end of the line: JSON in, JSON out, one line each.

The first line that comes in holds the options of the model, the answer says what was built. Every
further line asks for one trial. The end of the input ends the worker.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["PREFIX", "serve"]

PREFIX = "@"  # of every answer; anything else on the line is some library's chatter

Answer = dict[str, Any]
Trial = Callable[..., Answer]


def serve(build: Callable[..., tuple[Answer, Trial]]) -> None:
    """Build once and run trials until the input ends.

    Parameters
    ----------
    build : callable
        Takes the options; returns what it built, as JSON, and a function that runs one trial.
    """
    # compilers and simulators write to file 1 at will: keep the channel to ourselves
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)

        def answer(content: Answer) -> None:
            channel.write(PREFIX + json.dumps(content) + "\n")
            channel.flush()

        lines = iter(sys.stdin.readline, "")
        built, trial = build(**json.loads(next(lines)))
        answer(built)
        for line in lines:
            answer(trial(**json.loads(line)))
