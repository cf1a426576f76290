"""Two or more sets of answers to the same images: what was fixed, what was broken, what all get wrong. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pair:
    """Images that one of two networks gets wrong, or both, by their indices."""

    fixed: Indices  # wrong before, right after
    broken: Indices  # right before, wrong after
    wrong_twice: Indices
    total: int

    @property
    def p_value(self) -> float:
        """McNemar's exact test: how likely is a split as uneven as fixed against broken, were both alike?

        Two-sided, by the binomial distribution (McNemar, Psychometrika 12, 1947). 1 where they never differ.
        """
        from scipy.stats import binomtest  # half a second that no other page needs

        discordant = len(self.fixed) + len(self.broken)
        return float(binomtest(len(self.fixed), discordant).pvalue) if discordant else 1.0


def pair(before: npt.NDArray[np.integer], after: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]) -> Pair:
    """Guesses (n,) before and after, held against labels (n,). Raises ValueError where lengths differ."""
    if not len(before) == len(after) == len(labels):
        raise ValueError(f"{len(before)}, {len(after)} and {len(labels)}: give as many guesses as labels")
    wrong_before, wrong_after = before != labels, after != labels
    return Pair(
        fixed=np.flatnonzero(wrong_before & ~wrong_after),
        broken=np.flatnonzero(~wrong_before & wrong_after),
        wrong_twice=np.flatnonzero(wrong_before & wrong_after),
        total=len(labels),
    )


@dataclass(frozen=True, eq=False)
class Agreement:
    """How several networks' answers to the same images go together."""

    networks: int
    unanimous: int  # images that all answer alike, right or wrong
    hard_core: Indices  # images that all get wrong
    wrong_by: npt.NDArray[np.int64]  # how many get each image wrong, (n,)
    total: int


def agreement(guesses: Sequence[npt.NDArray[np.integer]], labels: npt.NDArray[np.integer]) -> Agreement:
    """Of several networks' guesses, (n,) each. Raises ValueError without any, or where lengths differ."""
    if not guesses or any(len(one) != len(labels) for one in guesses):
        raise ValueError(
            f"{[len(one) for one in guesses]} guesses for {len(labels)} labels: give as many, at least once"
        )
    table = np.stack(guesses)
    wrong_by: npt.NDArray[np.int64] = (table != labels).sum(0)
    return Agreement(
        networks=len(table),
        unanimous=int((table == table[0]).all(0).sum()),
        hard_core=np.flatnonzero(wrong_by == len(table)),
        wrong_by=wrong_by,
        total=len(labels),
    )
