"""The command that checks hand-ins."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from mnistnet.cli import arguments, completion, destination, output
from mnistnet.cli.commands.group import as_json, cli, with_profile
from mnistnet.exports.code import model_py
from mnistnet.handins import checking, forms, handin
from mnistnet.handins.archive import NotAHandIn
from mnistnet.handins.checking import Examined
from mnistnet.handins.results import Checked, refused
from mnistnet.nets.rules import Profile

_FORMS: dict[str, Callable[[Sequence[Checked]], str]] = {
    "text": lambda several: forms.text(several) + "\n",
    "json": lambda several: forms.as_json(forms.document(several)),
    "junit": forms.junit,
    "gradescope": lambda several: forms.as_json(forms.gradescope(several)),
}
_FOR_PROGRAMS = ("junit", "gradescope")  # which are told what is wrong by their document
_FAILED, _NO_HANDIN = 1, 2


@cli.command("check")
@click.argument("handin", nargs=-1, required=True, shell_complete=completion.files)
@with_profile
@click.option("--format", "form", type=click.Choice(list(_FORMS)), default="text", show_default=True, help="Output.")
@click.option(
    "--output",
    "place",
    metavar="FILE",
    shell_complete=completion.files,
    help="Write to FILE, which is replaced. Default: standard output.",
)
@as_json
def check_handins(handin: tuple[str, ...], profile: str | None, form: str, place: str | None, as_json: bool) -> None:
    """Check each HANDIN, a zip file or its folder.

    From its design and weights: counts, builds, computes the accuracy anew and
    compares it with what is claimed; runs no code of a hand-in. Several are
    compared with each other.

    \b
    Exit code: 0 where all checks pass, 1 where one does not,
    2 where a file is no hand-in.
    """
    form = "json" if as_json else form
    several = _checked(handin, arguments.profile(profile) if profile else None)
    refusals = [one.checks[0].detail for one in several if not one.is_handin]
    if len(several) == len(refusals) == 1 and form not in _FOR_PROGRAMS:
        raise NotAHandIn(refusals[0])
    written = _FORMS[form](several)
    if place and place != destination.STANDARD_OUTPUT:
        destination.write({Path(place): written.encode()}, overwrite=True)
    else:
        click.echo(written, nl=False)
    for reason in refusals:
        click.echo(f"mnistnet: {reason}", err=True)
    if refusals or not all(one.passed for one in several):
        raise click.exceptions.Exit(_NO_HANDIN if refusals else _FAILED)


def _checked(names: tuple[str, ...], profile: Profile | None) -> list[Checked]:
    """All of them in the order given, those that are no hand-ins as well."""
    found: dict[int, Examined] = {}
    unread: dict[int, Checked] = {}
    for place, name in enumerate(names):
        try:
            given = handin.from_path(Path(name), name)
        except NotAHandIn as error:
            unread[place] = refused(name, str(error))
            continue
        found[place] = output.computed(checking.examined(given, profile, model_py), f"checking {ascii(name)[1:-1]}")
    return checking.in_order(found, unread)
