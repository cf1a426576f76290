"""The result of checking a hand-in: one line for each check, and the figures that were found. Frozen values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was checked: whether it holds, and the figures or the reason in one line."""

    check: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Checked:
    """A hand-in after its check.

    `name`: its file's. `accuracy` (share of 1), `errors` out of `total` images are computed anew on the test images of
    `data` (a title); `parameters` are counted, `epochs` those of the log and before. None where it could not be
    found out.
    `is_handin` is False where the file could not be read as one; its only check says why.
    """

    name: str
    checks: tuple[Check, ...]
    author: str = ""
    design: str = ""
    data: str = ""
    errors: int | None = None
    total: int | None = None
    parameters: int | None = None
    epochs: int | None = None
    is_handin: bool = True

    @property
    def accuracy(self) -> float | None:
        """The share of test images that the weights get right."""
        if self.errors is None or not self.total:
            return None
        return (self.total - self.errors) / self.total

    @property
    def passed(self) -> bool:
        """True where every check holds."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def verdict(self) -> str:
        """The verdict in one line, without the name."""
        if not self.is_handin:
            return "no hand-in"
        if self.passed:
            return f"passed: all {len(self.checks)} checks"
        names = ", ".join(check.check for check in self.failed)
        return f"not passed: {len(self.failed)} of {len(self.checks)} checks fail: {names}"


def refused(name: str, reason: str) -> Checked:
    """The result for a file that is no hand-in."""
    return Checked(name, (Check("hand-in", False, reason),), is_handin=False)
