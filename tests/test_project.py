"""The project as a project: what is declared, documented and shipped fits together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import neurosparse
from benchmarks.harness import available
from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def run_python(*arguments: str) -> str:
    """Run this interpreter in the repository; return its stdout."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


# ---------------------------------------------------------------------- imports


HEAVY = ("torch", "snntorch", "lava", "matplotlib", "sklearn", "numba", "scipy", "typer", "rich")


@pytest.mark.parametrize(
    ("module", "untouched"),
    [
        ("neurosparse", HEAVY),
        ("neurosparse.simulate", ("torch", "snntorch", "lava", "matplotlib", "sklearn")),
        ("neurosparse.loihi", ("torch", "snntorch", "lava", "matplotlib")),
        ("neurosparse.data", ("torch", "snntorch", "lava", "matplotlib")),
        ("neurosparse.train", ("lava", "matplotlib")),
    ],
)
def test_imports_leave_optional_parts_alone(module: str, untouched: tuple[str, ...]) -> None:
    if module == "neurosparse.train":
        pytest.importorskip("torch")
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    loaded = {name.partition(".")[0] for name in run_python("-c", code).splitlines()}
    assert "neurosparse" in loaded
    assert not loaded & set(untouched)


# ---------------------------------------------------------------------- declarations


def test_installed_version_is_the_packages() -> None:
    assert Version(neurosparse.__version__) > Version("0")
    name = "import importlib.metadata; print(importlib.metadata.version('neurosparse'))"
    assert run_python("-c", name).strip() == neurosparse.__version__


def _constraints() -> dict[str, list[Requirement]]:
    lines = (ROOT / "requirements" / "constraints.txt").read_text().splitlines()
    pins: dict[str, list[Requirement]] = {}
    for line in lines:
        text = line.partition("#")[0].strip()
        if text:
            pin = Requirement(text)
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def _declared(pyproject: dict[str, Any]) -> list[Requirement]:
    project = pyproject["project"]
    texts = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        texts += extra
    for group in pyproject["dependency-groups"].values():
        texts += [entry for entry in group if isinstance(entry, str)]
    declared = [Requirement(text) for text in texts]
    return [requirement for requirement in declared if requirement.name != "neurosparse"]


def test_every_declared_requirement_is_locked_within_its_range(pyproject: dict[str, Any]) -> None:
    pins = _constraints()
    for requirement in _declared(pyproject):
        locked = pins[canonicalize_name(requirement.name)]
        for pin in locked:
            (specifier,) = pin.specifier
            assert specifier.operator == "==", pin
            assert requirement.specifier.contains(specifier.version), (requirement, pin)


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_no_package_is_locked_twice_for_one_python(python: str) -> None:
    for name, pins in _constraints().items():
        valid = [
            pin
            for pin in pins
            if pin.marker is None or pin.marker.evaluate({"python_version": python})
        ]
        assert len(valid) <= 1, (name, python)


def test_the_lock_has_the_versions_that_were_decided_and_no_cuda() -> None:
    pins = _constraints()
    assert [str(pin.specifier) for pin in pins["torch"]] == ["==2.13.0"]
    assert [str(pin.specifier) for pin in pins["lava-nc"]] == ["==0.10.0"]
    assert not [name for name in pins if name.startswith(("nvidia", "cuda", "triton"))]


# ---------------------------------------------------------------------- what documents promise


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _code(document: Path) -> str:
    """Return what stands in code blocks and between backticks."""
    text = document.read_text()
    blocks = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL)
    return "\n".join(blocks + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text))


def test_make_has_the_agreed_targets() -> None:
    assert {"demo", "test", "lint", "bench", "clean", "help"} <= _make_targets()


def test_ci_runs_lint_and_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
    assert "make lint test" in script.read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documented_commands_and_files_exist(document: Path) -> None:
    code = _code(document)
    for line in re.findall(r"^\s*\$?\s*make ((?:[a-z-]+ ?)+)$", code, re.MULTILINE):
        assert set(line.split()) <= _make_targets(), line
    for name in re.findall(r"python -m benchmarks ([a-z_]+)", code):
        assert name in available()
    for path in re.findall(r"\b((?:examples|docs|hardware|benchmarks|tests)/[\w./-]+)", code):
        assert (ROOT / path).exists(), path


def test_benchmarks_are_listed_by_the_command() -> None:
    listed = run_python("-m", "benchmarks", "--list").splitlines()
    assert tuple(line.split()[0] for line in listed) == available()


# ---------------------------------------------------------------------- what is shipped


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    run_python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_wheel_holds_the_package_its_types_and_the_chips(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    source = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "neurosparse").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert source <= names
    assert "neurosparse/py.typed" in names
    hardware = ROOT / "hardware"
    described = {path.relative_to(hardware).as_posix() for path in hardware.rglob("*.toml")}
    assert {"loihi1.toml", "boards/nahuku-32.toml"} <= described
    assert {f"neurosparse/_hardware/{name}" for name in described} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"neurosparse", f"neurosparse-{neurosparse.__version__}.dist-info"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name]


def test_wheel_metadata(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    metadata = wheel.read(name).decode()
    assert f"Version: {neurosparse.__version__}\n" in metadata
    assert "License-Expression: BSD-3-Clause\n" in metadata
    assert "Requires-Python: <3.14,>=3.10\n" in metadata


def test_the_package_works_from_the_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = (
        "import neurosparse, neurosparse.hardware as hardware, sys; "
        "print(neurosparse.__file__); print(hardware.load_chip('loihi1').name)"
    )
    done = subprocess.run(  # -c looks in the working directory first
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(tmp_path / "neurosparse" / "__init__.py")
