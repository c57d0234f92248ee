"""The commands by name, and what happens to errors."""

from __future__ import annotations

import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neurosparse.cli import compare, convert, demo, export, info, run_lava, simulate, sweep, train
from neurosparse.cli import map as map_command
from neurosparse.cli.output import say
from neurosparse.errors import NeurosparseError

__all__ = ["COMMANDS", "app"]

WRONG_USE = 2
INTERRUPTED = 130  # what a shell reports of a process that ctrl-C ended

# (name, function, a command line that runs), in the order of the main job; the examples run one
# after the other in one folder
COMMANDS = (
    ("demo", demo.demo, "neurosparse demo --out demo-out"),
    ("train", train.train, "neurosparse train --out network.npz --epochs 5"),
    ("simulate", simulate.simulate, "neurosparse simulate network.npz"),
    ("compare", compare.compare, "neurosparse compare network.npz --ann-epochs 5"),
    (
        "sweep",
        sweep.sweep,
        "neurosparse sweep --densities 0.05,0.1 --seeds 0 --epochs 2 --out sweep-out",
    ),
    ("export", export.export, "neurosparse export network.npz --out bundle"),
    ("run-lava", run_lava.run_lava, "neurosparse run-lava bundle --samples 10"),
    ("map", map_command.map_to_cores, "neurosparse map network.npz --chip loihi2 --samples 10"),
    ("convert", convert.convert, "neurosparse convert network.npz network.nir"),
    ("info", info.info, "neurosparse info network.npz"),
)


class Commands(TyperGroup):
    """Turns the user's own mistakes into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # whoever read our output has gone; typer ends quietly
            raise
        except (NeurosparseError, OSError) as error:
            if ctx.params.get("debug"):
                say(traceback.format_exc().rstrip())
            else:
                say(f"error: {_describe(error)}")
            raise typer.Exit(WRONG_USE) from None


def _describe(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _print_version(wanted: bool) -> None:
    if wanted:
        from neurosparse import __version__

        typer.echo(f"neurosparse {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,  # plain help, as readable in a pipe as in a terminal
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(
    epilog="Progress goes to stderr, results to stdout (--json: one JSON document). Exit codes: "
    "0 done, 1 a check failed, 2 wrong use or input, 130 interrupted."
)
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and stop.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Sparse spiking networks: train, simulate, export to Lava, compare."""


for _name, _function, _example in COMMANDS:
    app.command(_name, epilog=f"Example: {_example}")(_function)
