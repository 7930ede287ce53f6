"""Collects the commands and turns errors into one line and an exit code.

A command module defines plain functions; `app` registers them here and imports nothing heavy
before a command runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

import sightline
from sightline.cli import config, keys, models, nodes, rules, transit
from sightline.cli.backup import backup, restore
from sightline.cli.bench import bench
from sightline.cli.convert import convert
from sightline.cli.demo import demo
from sightline.cli.detect import detect
from sightline.cli.doctor import doctor
from sightline.cli.eval_det import eval_det
from sightline.cli.eval_mtmc import eval_mtmc
from sightline.cli.eval_reid import eval_reid
from sightline.cli.evaluate import evaluate
from sightline.cli.explain import explain
from sightline.cli.export import export
from sightline.cli.packages import extra_of
from sightline.cli.plan import plan
from sightline.cli.quantize import quantize
from sightline.cli.serve import serve
from sightline.cli.track import track
from sightline.cli.train import train
from sightline.cli.train_reid import train_reid
from sightline.cli.tune import tune_preset
from sightline.errors import SightlineError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Find, follow and count people and vehicles in video.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sightline {sightline.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option(help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


app.command()(demo)
app.command()(track)
app.command()(detect)
app.command()(convert)
app.command()(doctor)
app.command("eval")(evaluate)
app.command()(eval_det)
app.command()(bench)
app.command("tune")(tune_preset)
app.command()(train)
app.command()(train_reid)
app.command()(quantize)
app.command()(eval_reid)
app.command()(eval_mtmc)
app.command()(export)
app.command()(explain)
app.command()(serve)
app.command()(plan)
app.command()(backup)
app.command()(restore)
app.add_typer(models.app, name="models")
app.add_typer(rules.app, name="rules")
app.add_typer(transit.app, name="transit")
app.add_typer(config.app, name="config")
app.add_typer(keys.app, name="keys")
app.add_typer(nodes.app, name="nodes")


def main() -> None:
    """Run the command line and exit with the code that DESIGN §1 lists."""
    debug = "--debug" in sys.argv
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "sightline"
        message = " ".join(getattr(error, "format_message", error.__str__)().split())
        print(f"sightline: {message.rstrip('.')}; see '{command} --help'", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = extra_of(error.name)
        if extra is None or debug:
            raise
        print(
            f"sightline: this command needs {error.name}: pip install 'sightline[{extra}]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except SightlineError as error:
        if debug:
            raise
        print(f"sightline: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
