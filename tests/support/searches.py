"""Small searches, and lines of their logs. No test of its own."""

from collections.abc import Mapping
from typing import Any

from mnistnet.runs.store.store import Store
from mnistnet.search import folder as folders
from mnistnet.search.choices import Choice, RecipeRange, Value, Width
from mnistnet.search.folder import SearchFolder
from mnistnet.search.log import Ended, Line, Proposed, Reported, Submitted
from mnistnet.search.search import Search, strict_search
from tests.support.samples import TINY, recipe

WIDTHS: tuple[Choice, ...] = (Width(layer=0, low=4, high=16), Width(layer=2, low=4, high=16))
RATE = RecipeRange(field="learning_rate", low=0.01, high=0.4, log=True)


def a_search(**fields: Any) -> Search:
    """Widths of TINY on the digits, one epoch, six trials by a sampler that needs nothing, unless `fields` differ."""
    start = {"name": "widths", "design": TINY, "recipe": recipe(epochs=1), "space": WIDTHS, "sampler": "random"}
    return strict_search({**start, "trials": 6, "finalists": 2, "finalist_seeds": 2, **fields})


def with_rate(**fields: Any) -> Search:
    """Two epochs of TINY's widths and rate, under a budget that some trials exceed, unless `fields` differ."""
    start = {"recipe": recipe(epochs=2), "space": (*WIDTHS, RATE), "budget": {"params": 950}, "finalists": 1}
    return a_search(**{**start, "name": "widths of tiny", **fields})


def paused(store: Store, trials: int = 12) -> SearchFolder:
    """A paused search with so many trials of figures that nobody measured, and a refused one."""
    found = folders.create(store, with_rate(recipe=recipe(epochs=1), trials=40))
    writer = found.writer()
    for number in range(trials):
        writer.append(*trained(number, 0.9 + (number * 7 % 11) / 200, params=800 + number))
    values: dict[str, Value] = {"width of layer 1": 12, "width of layer 3": 12, "peak learning rate": 0.3}
    writer.append(Proposed(number=trials, values=values, params=1_786, macs=10, why_not="1,786 parameters"))
    found.want(state="paused")
    return found


def trained(
    number: int,
    accuracy: float,
    params: int = 1_000,
    seconds: float = 3.0,
    values: Mapping[str, Value] | None = None,
) -> list[Line]:
    """The lines of a trial of one epoch that was trained with this accuracy, which nobody measured."""
    chosen = values or {"width of layer 1": 4 + number % 9, "width of layer 3": 4 + number % 7}
    return [
        Proposed(number=number, values={"peak learning rate": 0.05, **chosen}, params=params, macs=10_000),
        Submitted(number=number, part=0, seed=1),
        Reported(number=number, part=0, epoch=1, accuracy=accuracy),
        Ended(number=number, part=0, state="done", accuracy=accuracy, seconds=seconds),
    ]
