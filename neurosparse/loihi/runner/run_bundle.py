"""Run an exported bundle in Lava's CPU simulation.

    python run_bundle.py BUNDLE INPUTS.npz OUTPUT.npz --tag fixed_pt

``INPUTS.npz`` holds ``n_steps`` and, per driven population, ``input:NAME`` of shape
(n_steps, size): zeros and ones (or messages) for a spike source, currents for a population of
neurons. ``OUTPUT.npz`` receives ``spikes:NAME`` (n_steps, size) for every population (-1, 0 or 1),
``u:NAME`` and ``v:NAME`` for the recorded ones, ``versions``, and the seconds ``start_s`` of the
start with the first step and ``run_s`` of all other steps. Row t of the output is what the
population did in step t, counted from 0.

Needs numpy, scipy and lava-nc 0.10.0, not neurosparse. Exit status: 0 done, 1 an error, 2 wrong
use, 3 a Lava process died (its traceback is on stderr), 4 a package is missing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

MISSING = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, run, write the result."""
    parser = argparse.ArgumentParser(description="Run an exported bundle in Lava.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--tag", choices=("floating_pt", "fixed_pt"), default="fixed_pt")
    parser.add_argument("--reset-every", type=int, default=0, help="steps per sample; 0: never")
    parser.add_argument(
        "--record", action="append", default=[], help="population whose u and v are kept"
    )
    options = parser.parse_args(arguments)
    try:
        import numpy as np
        import scipy
        from bundle_file import (  # type: ignore[import-not-found]
            BundleFileError,
            read_arrays,
            read_definition,
        )
        from lava_compat import (  # type: ignore[import-not-found]
            mend_import,
            watch_processes,
        )

        mend_import()
        from lava_network import run_network  # type: ignore[import-not-found]
    except ImportError as error:
        sys.stderr.write(f"missing in this interpreter: {error}\n")
        return MISSING
    try:
        definition = read_definition(options.bundle, options.tag)
    except BundleFileError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    unknown = set(options.record) - set(definition.populations)
    if unknown:
        parser.error(f"--record: no population {', '.join(sorted(unknown))}")
    watch_processes()
    with tempfile.TemporaryDirectory(prefix="lava-tables-") as folder:
        results = run_network(
            definition,
            read_arrays(options.inputs),
            reset_every=options.reset_every,
            record=options.record,
            folder=Path(folder),
        )
    versions = {
        "python": platform.python_version(),
        "lava": version("lava-nc"),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    np.savez_compressed(options.output, versions=np.array(json.dumps(versions)), **results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
