"""What stands in the address bar, under which name and how: all that a link, a bookmark or a refresh brings back."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, get_args

from mnistnet import links
from mnistnet.nets import presets
from mnistnet.nets.rules import COURSE, PROFILES
from mnistnet.runs.files.predictions import SplitName
from mnistnet.training.recipe import Recipe

DESIGN, RECIPE, RUN, SPLIT, DIGIT, PROFILE = "design", "recipe", "run", "split", "digit", "rules"
NETWORK, VIEW, QUESTION, OTHER, NETWORKS = "network", "view", "ask", "other", "nets"
VIEWS = ("digits", "compared", "trust")  # of a run's answers
QUESTIONS = ("why", "layers", "pixels", "alike")  # that one digit can be looked at with
MOST_NETWORKS = 3  # that answer a digit side by side
TABLE = "table"  # the network looked at is the current design, not a run's


@dataclass(frozen=True)
class Parameter:
    """One thing kept in session and address, and how it is written there."""

    key: str
    default: Any
    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


def _run_id(text: str) -> str:
    if not (text.replace("-", "").isalnum() and len(text) <= 32):
        raise links.LinkError(f"run {text!a}: not a run's id; copy the link again")
    return text


def _run_ids(text: str) -> tuple[str, ...]:
    ids = tuple(_run_id(one) for one in text.split(",") if one)
    if len(ids) > MOST_NETWORKS:
        raise links.LinkError(f"nets {text!a}: at most {MOST_NETWORKS}; copy the link again")
    return ids


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise links.LinkError(f"digit {text!a}: not a number; copy the link again")
    return int(text)


def _one_of(key: str, allowed: Collection[str]) -> Callable[[str], str]:
    def decode(text: str) -> str:
        if text not in allowed:
            raise links.LinkError(f"{key} {text!a}: choose one of {', '.join(allowed)}")
        return text

    return decode


FIELDS = (
    Parameter(DESIGN, presets.FIRST.architecture, links.encode_design, links.decode_design),
    Parameter(RECIPE, Recipe(), links.encode_recipe, links.decode_recipe),
    Parameter(RUN, None, str, _run_id),
    Parameter(SPLIT, "test", str, _one_of(SPLIT, get_args(SplitName))),
    Parameter(DIGIT, None, str, _index),
    Parameter(NETWORK, TABLE, str, _run_id),
    Parameter(PROFILE, COURSE.name, str, _one_of(PROFILE, PROFILES)),
    Parameter(VIEW, VIEWS[0], str, _one_of(VIEW, VIEWS)),
    Parameter(QUESTION, QUESTIONS[0], str, _one_of(QUESTION, QUESTIONS)),
    Parameter(OTHER, None, str, _run_id),
    Parameter(NETWORKS, None, ",".join, _run_ids),
)
