"""The program: runs one command and turns its errors into an exit code.

Bad input ends with exit code 2, failed work with 1, each with one line on stderr and no traceback.
"""

import sys

import click

from mnistnet.cli import completion, output
from mnistnet.cli.commands import cli
from mnistnet.errors import BadInput, MnistnetError

NAME = "python -m mnistnet"


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code. Errors become one line: what was given, what is allowed, what to do."""
    output.spell_out(sys.stdout)
    output.spell_out(sys.stderr)
    try:
        code = cli.main(arguments, prog_name=NAME, complete_var=completion.VARIABLE, standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted before the command was finished; run it again", 1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _fail(f"{error.format_message().rstrip('.')}; see `{NAME} --help`", 2)
    except BadInput as error:
        return _fail(str(error), 2)
    except MnistnetError as error:
        return _fail(str(error), 1)
    return code if isinstance(code, int) else 0  # a command that ends early by `Exit` gives its code


def _fail(message: str, code: int) -> int:
    click.echo("mnistnet: " + " ".join(message.split()), err=True)
    return code
