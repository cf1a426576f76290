"""Who may change a run. Where nobody logs in there are no users, and everyone may change every run."""

from dataclasses import dataclass
from typing import Protocol

from mnistnet.errors import BadInput
from mnistnet.runs.run import DamagedRun, Run


class NotOwner(BadInput):
    """The run was started by someone else."""


class Owned(Protocol):
    """A run or a search. `owner`: the name of the user who started it, empty without a login."""

    @property
    def owner(self) -> str: ...


@dataclass(frozen=True)
class User:
    """Someone who logged in. An administrator may change every run and search, others those that they started."""

    name: str
    is_administrator: bool = False

    def may_change(self, one: Owned) -> bool:
        """True where they may stop, resume or delete it."""
        return self.is_administrator or (bool(one.owner) and one.owner == self.name)


def require_may_change(user: User | None, run: Run | DamagedRun) -> None:
    """NotOwner where the user may not stop, resume or delete the run. None, where nobody logs in, may."""
    if not user or user.is_administrator:
        return
    if isinstance(run, DamagedRun):
        raise NotOwner(f"run {run.id}: damaged: only an administrator may delete it")
    if not user.may_change(run):
        raise NotOwner(
            f"run {run.id}: started by {run.owner or 'someone without a name'}: only they or an administrator may "
            "stop, resume or delete it"
        )
