"""The program `graphproc`: all its commands, each in a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from graphproc.cli import bench, check, config, demo, export, fuse, golden, inspect, kernels, list, plan, run, triton, verify
from graphproc.cli.errors import Group
from graphproc.version import __version__

app = typer.Typer(
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: graphproc demo",
)
app.command("export", epilog=export.EXAMPLE)(export.export)
app.command("run", epilog=run.EXAMPLE)(run.run)
app.command("verify", epilog=verify.EXAMPLE)(verify.verify)
app.command("golden", epilog=golden.EXAMPLE)(golden.golden)
app.command("check", epilog=check.EXAMPLE)(check.check)
app.command("fuse", epilog=fuse.EXAMPLE)(fuse.fuse)
app.command("triton", epilog=triton.EXAMPLE)(triton.triton)
app.command("bench", epilog=bench.EXAMPLE)(bench.bench)
app.command("inspect", epilog=inspect.EXAMPLE)(inspect.inspect)
app.command("plan", epilog=plan.EXAMPLE)(plan.plan)
app.command("config", epilog=config.EXAMPLE)(config.config)
app.command("list", epilog=list.EXAMPLE)(list.list_processors)
app.command("kernels", epilog=kernels.EXAMPLE)(kernels.show)
app.command("demo", epilog=demo.EXAMPLE)(demo.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graphproc {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Image preprocessing that is the same everywhere: preprocessor_config.json as ONNX, bit for bit."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)


def main() -> None:
    """Run the command line of this process and exit."""
    app(prog_name="graphproc")
