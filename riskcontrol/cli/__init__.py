"""The command line: `riskcontrol COMMAND`; each command is a module of this folder, imported when it runs."""

from __future__ import annotations

import importlib
import signal
import sys
from importlib.metadata import version

import click

from riskcontrol.cli import standard_output
from riskcontrol.errors import RiskControlError
from riskcontrol.heap import roomy
from riskcontrol.nearest import likest

COMMANDS = {
    "demo": "Start everything on this machine and replay a trading day.",
    "up": "Start the local servers: Kafka, Cassandra, S3.",
    "down": "Stop the local servers.",
    "status": "Tell what runs, where, and how far the stream is.",
    "simulate": "Write a simulated trading day as a Daily TAQ gzip file.",
    "upload": "Put trade files into a bucket.",
    "ingest": "Send trade files to the tape, at any speed.",
    "users": "Open strategies of many generated users.",
    "stream": "Run the Spark job that advances every strategy by the tape.",
    "snapshots": "List the snapshots that the stream can go on from.",
    "dashboard": "Serve the pages.",
    "accounts": "Make accounts, set passwords and roles.",
    "alerts": "Tell owners what their strategies do, by webhook and e-mail.",
    "leaders": "List who leads, and how all returns are spread.",
    "strategy": "Check strategy files, open them in the stream; words, templates.",
    "backtest": "Run strategies on trade files or bars: statistics, verdict, sweeps.",
    "tickers": "List the tickers of trade files.",
    "bars": "Print OHLCV+VWAP bars of trade files.",
    "indicators": "Compute indicators of a file of bars.",
    "stats": "Print the statistics of an equity curve.",
    "database": "Create the tables.",
    "jars": "Fetch the pinned JVM parts.",
    "bench": "Measure; each benchmark has --json.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command runs, so that --help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; the file of settings may have a table for it."""
        if cmd_name not in COMMANDS:
            return None
        from riskcontrol.cli.tables import with_tables

        module = importlib.import_module(f"riskcontrol.cli.{cmd_name}")
        command: click.Command = module.command
        return with_tables(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named, or tell which one may have been meant."""
        close = likest(args[0], COMMANDS)
        if args[0] not in COMMANDS and close:
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {close!r}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "RISKCONTROL"},
    epilog="Settings: a flag beats the environment (RISKCONTROL_...), which beats riskcontrol.toml. "
    "Start with: riskcontrol demo",
)
@click.version_option(version("riskcontrol"), prog_name="riskcontrol")
def cli() -> None:
    """Paper-trade strategies on the real tape, beside a hundred thousand others."""


def main() -> None:
    """Run the command line; an error raised on purpose is one line, exit status 1, and 2 if it is in the command."""
    roomy()
    # Asked to end (by the system, a supervisor, `kill`), a command ends as it does on Ctrl-C: cleanly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with standard_output.told():
            cli.main(standalone_mode=False, prog_name="riskcontrol")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        from riskcontrol.cli.usage import usage_text

        click.echo(f"riskcontrol: error: {usage_text(error)}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except RiskControlError as error:
        click.echo(f"riskcontrol: error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
