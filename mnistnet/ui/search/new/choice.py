"""One choice of a space, checked when it is made, with a sentence about what is wrong with it."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mnistnet.search.search import SearchError

C = TypeVar("C", bound=BaseModel)


def choice(kind: type[C], title: str, **fields: Any) -> C:
    """A choice of this kind. Raises SearchError, which names it by `title`."""
    try:
        return kind(**fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        if problem["type"] == "too_short":
            raise SearchError(f"{title}: choose at least two values, or let it not vary") from None
        message = problem["msg"].removeprefix("Value error, ")
        where = "".join(f" {part}" for part in problem["loc"] if isinstance(part, str))
        raise SearchError(f"{title}:{where and f'{where}:'} {message}") from None
