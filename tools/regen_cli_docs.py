"""Rewrite ``docs/cli.md`` from ``--help``: ``python -m tools.regen_cli_docs``, from the top folder.

A test holds the file against what this renders.
"""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from neurosparse.cli.app import COMMANDS, app
from neurosparse.network.atomic import atomic_write

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 80
HEAD = """# The command line

`neurosparse COMMAND --help` prints what stands here. This page is made from it by
`python -m tools.regen_cli_docs`; do not edit it by hand.

`pip install 'neurosparse[cli]'` brings the command line; each command names the part it needs if
that is missing. The examples run one after the other in one folder.
"""


def help_text(*command: str) -> str:
    """Return what ``--help`` prints."""
    result = CliRunner().invoke(
        app, [*command, "--help"], prog_name="neurosparse", terminal_width=WIDTH
    )
    return result.stdout.rstrip()


def render() -> str:
    """Return the text of the page."""
    sections = [HEAD, f"```text\n{help_text()}\n```\n"]
    for name, _, example in COMMANDS:
        sections.append(f"## {name}\n\n```sh\n{example}\n```\n\n```text\n{help_text(name)}\n```\n")
    return "\n".join(sections)


def main() -> None:
    """Write the page."""
    with atomic_write(DOCUMENT) as file:
        file.write(render().encode())


if __name__ == "__main__":
    main()
