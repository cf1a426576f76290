"""Packages that only some formats and searches need: an extra is installed from a requirements file of its own."""

from dataclasses import dataclass
from importlib.util import find_spec

from mnistnet.errors import OperationFailed


class MissingExtra(OperationFailed):
    """Something was asked for whose extra is not installed."""


@dataclass(frozen=True)
class Extra:
    """An extra: its `name`, which is part of its requirements file's name, and the `modules` that it brings."""

    name: str
    modules: tuple[str, ...]

    @property
    def is_installed(self) -> bool:
        """True where all its modules can be found; imports none."""
        return all(find_spec(module) for module in self.modules)

    @property
    def installation(self) -> str:
        """The command that installs it."""
        return f"pip install -r requirements-{self.name}.txt"

    def require(self, what: str = "", otherwise: str = "") -> None:
        """Raise MissingExtra where it is not installed. `what` needs it; `otherwise`: what else to do."""
        if not self.is_installed:
            raise MissingExtra(f"{what or self.name}: not installed; `{self.installation}`{otherwise}")
