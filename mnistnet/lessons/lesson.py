"""Lesson: where to start, what to do, which controls are held; as a frozen value and as a file.

Knows no address and no session. What a held control refuses, `holding` says.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mnistnet import links, strict_json
from mnistnet.errors import BadInput
from mnistnet.lessons.checks import CHECKS, Check
from mnistnet.lessons.controls import CONTROLS
from mnistnet.links import LinkError
from mnistnet.nets.architecture import Architecture, DesignError, strict_architecture
from mnistnet.nets.rules import COURSE, Profile
from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import Recipe, RecipeError

VERSION = 1
MAX_TITLE, MAX_TEXT, MAX_TASKS = 60, 600, 6


class LessonError(BadInput):
    """A lesson that cannot be read; the message names the place."""


def _version(value: int) -> int:
    if value != VERSION:
        raise ValueError(f"this mnistnet reads version {VERSION}; update it")
    return value


def _printable(title: str) -> str:
    if not title.isprintable() or not title.strip():
        raise ValueError("only printable characters are allowed; retype the title")
    return title.strip()


def _lines(text: str) -> str:
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    if not all(line.isprintable() for line in lines):
        raise ValueError("only printable characters and line breaks are allowed; retype the text")
    return "\n".join(lines).strip()


def _known_profile(text: str) -> str:
    try:
        return links.encode_profile(links.decode_profile(text))
    except LinkError as error:
        raise ValueError(str(error)) from None


def _known_controls(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in CONTROLS]
    if unknown:
        raise ValueError(f"{strict_json.shown(unknown[0])} is no control; choose from {', '.join(CONTROLS)}")
    return tuple(name for name in CONTROLS if name in names)


Controls = Annotated[tuple[str, ...], Field(max_length=len(CONTROLS), strict=False), AfterValidator(_known_controls)]


class Lesson(BaseModel):
    """A starting point for students.

    `text` is plain: no markup in it is interpreted. `profile` is the text of the rules in links: the name of a built-in
    profile, or all of an own one. Without a `recipe` the default one is the start. A control that is `locked` is shown
    and cannot be used; one that is `hidden` is not shown, and held as
    well. `tasks` are the checks that see it done.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Annotated[int, AfterValidator(_version)] = VERSION
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE), AfterValidator(_printable)]
    text: Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_lines)] = ""
    design: Architecture
    recipe: Recipe | None = None
    profile: Annotated[str, Field(max_length=400), AfterValidator(_known_profile)] = COURSE.name
    locked: Controls = ()
    hidden: Controls = ()
    tasks: Annotated[
        tuple[Annotated[Check, Field(discriminator="check")], ...],
        Field(max_length=MAX_TASKS, strict=False, fail_fast=True),
    ] = ()

    @property
    def held(self) -> frozenset[str]:
        """The controls that cannot be used: the locked and the hidden ones."""
        return frozenset((*self.locked, *self.hidden))

    @property
    def start(self) -> Recipe:
        """The recipe that it starts with."""
        return self.recipe or Recipe()

    @property
    def rules(self) -> Profile:
        """The rules that it chooses."""
        return links.decode_profile(self.profile)

    def changed(self, **fields: Any) -> "Lesson":
        """The same lesson with other fields; LessonError names the first wrong one."""
        return strict_lesson({**{name: getattr(self, name) for name in type(self).model_fields}, **fields})

    def to_json(self) -> str:
        """The text of the lesson's file: every field written out, two spaces of indent, a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"


def strict_lesson(value: dict[str, Any]) -> Lesson:
    """A lesson from plain fields; LessonError names the first wrong one."""
    try:
        return strict_json.validated(Lesson, {**value, **_parts(value)}, types=CHECKS)
    except ValueError as error:
        raise LessonError(str(error)) from None


def _parts(value: dict[str, Any]) -> dict[str, Any]:
    """Design and recipe, read by their own strict readers, whose messages know their fields."""
    parts: dict[str, Any] = {}
    try:
        if "design" in value and not isinstance(value["design"], Architecture):
            parts["design"] = strict_architecture(value["design"])
        if value.get("recipe") is not None and not isinstance(value["recipe"], Recipe):
            parts["recipe"] = recipes.recipe(value["recipe"])
    except (DesignError, RecipeError) as error:
        part = "recipe" if isinstance(error, RecipeError) else "design"
        raise LessonError(f"{part}, {error}") from None
    return parts


def parse(text: str | bytes) -> Lesson:
    """The lesson in a file's text; LessonError names the place of the first problem."""
    what = "a lesson is one JSON object with version, title, design ..."
    try:
        value = strict_json.versioned(text, what, VERSION, "lesson, ")
    except ValueError as error:
        raise LessonError(str(error)) from None
    try:
        return strict_lesson(value)
    except LessonError as error:
        raise LessonError(f"lesson, {error}") from None


def load(path: Path) -> Lesson:
    """The lesson in the file at `path`, of which at most one byte more than allowed is read. Raises LessonError."""
    try:
        text = strict_json.contents(path)
    except OSError as error:
        raise LessonError(f"lesson {strict_json.shown(str(path))}: {error.strerror}; give a readable file") from None
    return parse(text)
