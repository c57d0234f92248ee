"""Lava on every Python that is found: ``nox``, or ``nox -s "lava(version='3.12')"``.

Every session makes an environment with lava-nc, and nothing of neurosparse, for one version of
Python, and runs the tests that need Lava from the environment that nox itself stands in: our side
is the same each time. What stands after ``--`` goes to pytest.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lava"]
nox.options.error_on_missing_interpreters = False

LAVA = "lava-nc==0.10.0"
# what lava-nc needs; its own limits (Python < 3.11, numpy < 2) hold on 3.10 only
NEEDED = ("numpy", "scipy>=1.11", "networkx>=2.8", "asteval>=0.9.33", "scikit-learn>=1.5")


def find_interpreter(version: str) -> Path | None:
    """Return a Python of this version: of pyenv, the newest, or the one on the path."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = {path: path.parts[-3] for path in root.glob(f"{version}.*/bin/python")}
    plain = [path for path, full in kept.items() if full.replace(".", "").isdigit()]
    if plain:
        return max(plain, key=lambda path: [int(number) for number in kept[path].split(".")])
    found = shutil.which(f"python{version}")
    return None if found is None else Path(found)


@nox.session(python=False)
@nox.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def lava(session: nox.Session, version: str) -> None:
    """Hold our engines against Lava on one version of Python."""
    interpreter = find_interpreter(version)
    if interpreter is None:
        session.skip(f"no Python {version} here, neither of pyenv nor on the path")
    environment = Path(session.create_tmp()).resolve() / "environment"
    child = environment / "bin" / "python"
    session.run(str(interpreter), "-m", "venv", "--clear", str(environment), external=True)
    install = (str(child), "-m", "pip", "install", "--quiet")
    if version == "3.10":  # as published
        session.run(*install, LAVA, external=True)
    else:
        session.run(*install, *NEEDED, external=True)
        session.run(*install, "--no-deps", "--ignore-requires-python", LAVA, external=True)
    session.run(str(child), "-m", "pip", "list", external=True)
    tests = session.posargs or ["tests/loihi", "-q"]
    session.run(
        sys.executable,
        *("-m", "pytest", "-m", "lava", *tests),
        env={"NEUROSPARSE_LAVA_PYTHONS": str(child)},
        external=True,
    )
