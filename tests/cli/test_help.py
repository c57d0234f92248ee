"""What the command line says of itself, and how little it loads to say it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from neurosparse.cli.app import COMMANDS, app
from tests.cli.conftest import Invoke
from tools.regen_cli_docs import DOCUMENT, render

NAMES = [name for name, _, _ in COMMANDS]


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_commands_are_the_agreed_ones() -> None:
    agreed = "demo train simulate compare sweep export run-lava map convert info"
    assert agreed.split() == NAMES


def test_overview_names_every_command_untruncated(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for name, function, _ in COMMANDS:
        summary = (function.__doc__ or "").strip()
        assert f"{name} " in result.stdout
        assert summary in result.stdout
        assert "\n" not in summary


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_and_an_example(invoke: Invoke, name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert f"Example: neurosparse {name} " in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_help(name: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    for parameter in command.params:
        assert getattr(parameter, "help", None), (name, parameter.name)


@pytest.mark.parametrize(("name", "example"), [(name, line) for name, _, line in COMMANDS])
def test_examples_are_understood(name: str, example: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    context = command.make_context(name, shlex.split(example)[2:])
    assert context.params


def test_randomness_has_a_seed() -> None:
    group = get_command(app)
    for name in ("demo", "train", "simulate", "compare", "run-lava"):
        options = {o for p in group.commands[name].params for o in p.opts}  # type: ignore[attr-defined]
        assert "--seed" in options


def test_the_page_is_current() -> None:
    told = "docs/cli.md is out of date: run python -m tools.regen_cli_docs"
    assert DOCUMENT.read_text(encoding="utf-8") == render(), told


def test_without_arguments_help_is_shown(invoke: Invoke) -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Usage: neurosparse" in result.stdout + result.stderr


def test_version(invoke: Invoke) -> None:
    from neurosparse import __version__

    result = invoke("--version")
    assert (result.exit_code, result.stdout) == (0, f"neurosparse {__version__}\n")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom neurosparse.cli import main\n"
        "try:\n    main(['train', '--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert "Usage: neurosparse train" in done.stdout
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {"torch", "numba", "scipy", "sklearn", "matplotlib", "lava", "jinja2"}


def test_simulating_needs_no_torch(network_file: Path) -> None:
    pytest.importorskip("sklearn")
    arguments = ["simulate", str(network_file), "--samples", "3", "--json"]
    code = (
        "import sys\nfrom neurosparse.cli import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'torch', 'matplotlib', 'lava'} & set(sys.modules)"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_without_typer_or_rich_one_line_says_what_to_install(package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from neurosparse.cli import main\nmain(['info'])"
    )
    done = python(code)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"error: the command line needs {package}, which is not installed; "
        "run: pip install 'neurosparse[cli]'\n"
    )


def test_console_script_is_declared() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="neurosparse")
    assert script.value == "neurosparse.cli:main"
