"""The command that makes a shell complete our commands."""

import click
from click.shell_completion import get_completion_class

from mnistnet.cli import completion
from mnistnet.cli.commands.group import cli

_PROGRAM = "mnistnet"  # a shell completes what follows the name of a program, and not what follows `python -m`


@cli.command("completion")
@click.argument("shell", type=click.Choice(completion.SHELLS))
def write_completion(shell: str) -> None:
    """Print a script that makes a shell complete `mnistnet`. Tab then offers commands, options, presets,
    ids of runs, formats, recipes and fields. It works for the installed `mnistnet`, not for `python -m mnistnet`.

    \b
    bash: eval "$(mnistnet completion bash)"        in ~/.bashrc
    zsh:  eval "$(mnistnet completion zsh)"         in ~/.zshrc, after compinit
    fish: mnistnet completion fish | source         in ~/.config/fish/config.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # click has all of SHELLS
    click.echo(found(cli, {}, _PROGRAM, completion.VARIABLE).source())
