"""The command that serves the dashboard."""

import click

from mnistnet.cli import serving
from mnistnet.cli.commands.group import cli


@cli.command()
@click.option("--port", type=int, default=serving.PORT, show_default=True, help="Port to serve on.")
@click.option("--share", metavar="HOST", help="Serve other machines under this name; needs Streamlit's login.")
def dashboard(port: int, share: str | None) -> None:
    """Serve the dashboard until Ctrl-C. Only this machine can use it unless --share is given."""
    serving.serve(port, share)
