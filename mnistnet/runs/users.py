"""Who may change a run. Where nobody logs in there are no users, and everyone may change every run."""

from dataclasses import dataclass

from mnistnet.errors import BadInput
from mnistnet.runs.run import DamagedRun, Run


class NotOwner(BadInput):
    """The run was started by someone else."""


@dataclass(frozen=True)
class User:
    """Someone who logged in. An administrator may change every run, others those that they started."""

    name: str
    is_administrator: bool = False

    def may_change(self, run: Run) -> bool:
        """True where they may stop, resume or delete the run."""
        return self.is_administrator or (bool(run.owner) and run.owner == self.name)


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
