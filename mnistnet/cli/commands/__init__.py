"""The commands and their options. Each calls the package and prints its result; none decides anything."""

from mnistnet.cli.commands import clusters, dashboards, designs, experiments, handins, results, runs, shells, stores
from mnistnet.cli.commands.group import cli

__all__ = ["cli", "clusters", "dashboards", "designs", "experiments", "handins", "results", "runs", "shells", "stores"]
