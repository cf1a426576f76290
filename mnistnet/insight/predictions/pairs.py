"""Predictions of two or more networks on the same images: fixed, newly wrong, wrong in all. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIGNIFICANT = 0.05  # a p-value below it is called significant

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pair:
    """The images that one of two networks, or both, predict wrong, by index."""

    fixed: Indices  # wrong before, right after
    newly_wrong: Indices  # right before, wrong after
    wrong_twice: Indices
    total: int

    @property
    def p_value(self) -> float:
        """The p-value of McNemar's exact test of fixed against broken, two-sided; 1 where there are neither.

        By the binomial distribution (McNemar, Psychometrika 12, 1947).
        """
        from scipy.stats import binomtest  # takes half a second, and no other page needs it

        discordant = len(self.fixed) + len(self.newly_wrong)
        return float(binomtest(len(self.fixed), discordant).pvalue) if discordant else 1.0


def pair(before: npt.NDArray[np.integer], after: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]) -> Pair:
    """Predicted classes (n,) before and after, compared with labels (n,). Raises ValueError where lengths differ."""
    if not len(before) == len(after) == len(labels):
        raise ValueError(f"{len(before)}, {len(after)} and {len(labels)}: give as many guesses as labels")
    wrong_before, wrong_after = before != labels, after != labels
    return Pair(
        fixed=np.flatnonzero(wrong_before & ~wrong_after),
        newly_wrong=np.flatnonzero(~wrong_before & wrong_after),
        wrong_twice=np.flatnonzero(wrong_before & wrong_after),
        total=len(labels),
    )


@dataclass(frozen=True, eq=False)
class Agreement:
    """The agreement of several networks on the same images."""

    networks: int
    unanimous: int  # number of images with one predicted class in all networks, right or wrong
    wrong_in_all: Indices  # images that are wrong in all networks
    wrong_by: npt.NDArray[np.int64]  # the number of networks that are wrong on each image, (n,)
    total: int


def agreement(guesses: Sequence[npt.NDArray[np.integer]], labels: npt.NDArray[np.integer]) -> Agreement:
    """The agreement of several networks, by their predicted classes (n,).

    Raises ValueError without a network, or where lengths differ.
    """
    if not guesses or any(len(one) != len(labels) for one in guesses):
        raise ValueError(
            f"{[len(one) for one in guesses]} guesses for {len(labels)} labels: give as many, at least once"
        )
    table = np.stack(guesses)
    wrong_by: npt.NDArray[np.int64] = (table != labels).sum(0)
    return Agreement(
        networks=len(table),
        unanimous=int((table == table[0]).all(0).sum()),
        wrong_in_all=np.flatnonzero(wrong_by == len(table)),
        wrong_by=wrong_by,
        total=len(labels),
    )
