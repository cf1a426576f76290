"""Profiles: the rules of one assignment as a frozen, checked value with its JSON, and those that come with mnistnet.

Knows no torch and no design; the only home of 20,000 parameters, 20 epochs and 99.4 %.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from mnistnet import strict_json
from mnistnet.errors import BadInput

VERSION = 1
MAX_PARAMS, MAX_EPOCHS, MAX_TITLE = 10_000_000, 101, 80  # both limits are exclusive
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")
_CONSISTENCY = re.compile(r"once|final|last-[1-9][0-9]{0,2}")

Technique: TypeAlias = Literal["batchnorm", "dropout", "globalavgpool"]
Counted: TypeAlias = Literal["test", "validation"]
TECHNIQUES: dict[Technique, str] = {
    "batchnorm": "batch norm",
    "dropout": "dropout",
    "globalavgpool": "global average pooling",
}


class ProfileError(BadInput):
    """A profile that cannot be read; the message names the field."""


def _version(value: int) -> int:
    if value != VERSION:
        raise ValueError(f"this mnistnet reads version {VERSION}; update it")
    return value


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("1 to 40 letters, digits, points, slashes and hyphens; choose another name")
    return name


def _printable(title: str) -> str:
    if not title.isprintable():
        raise ValueError("only printable characters are allowed; retype the title")
    return title


def _four_decimals(accuracy: float) -> float:
    if round(accuracy, 4) != accuracy:
        raise ValueError("at most four decimals, as in 0.994; round it")
    return accuracy


def _consistent(text: str) -> str:
    if not _CONSISTENCY.fullmatch(text):
        raise ValueError("choose once, final, or last-5 for each of the last 5 epochs")
    return text


def _last_epochs(consistency: str) -> int:
    return int(consistency.removeprefix("last-")) if consistency.startswith("last-") else 0


def _ordered(techniques: tuple[Technique, ...]) -> tuple[Technique, ...]:
    if len(set(techniques)) < len(techniques):
        raise ValueError("each technique at most once; remove the repeated one")
    return tuple(one for one in TECHNIQUES if one in techniques)


class Profile(BaseModel):
    """The rules of one assignment.

    A design has fewer than `params` parameters, a recipe fewer than `epochs` epochs. `accuracy` is a share of the
    images of the split that counts: `test`, with the final weights, or `validation`, after an epoch. `consistency`
    says where it has to be reached: `once`, in any epoch; `final`, by the final weights; `last-5`, by the final
    weights and in each of the last 5 epochs, by validation accuracy.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Annotated[int, AfterValidator(_version)] = VERSION
    name: Annotated[str, AfterValidator(_named)]
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE), AfterValidator(_printable)]
    params: Annotated[int, Field(ge=2, le=MAX_PARAMS)]
    epochs: Annotated[int, Field(ge=2, le=MAX_EPOCHS)]
    accuracy: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), AfterValidator(_four_decimals)]
    linear_allowed: bool = False
    techniques: Annotated[
        tuple[Technique, ...], Field(max_length=len(TECHNIQUES), strict=False), AfterValidator(_ordered)
    ] = ()
    consistency: Annotated[str, AfterValidator(_consistent)] = "final"
    split: Annotated[Counted, Field(validate_default=True)] = "test"

    @field_validator("consistency")
    @classmethod
    def _can_be_met(cls, consistency: str, info: ValidationInfo) -> str:
        if _last_epochs(consistency) >= info.data.get("epochs", MAX_EPOCHS):
            raise ValueError(f"no run with fewer than {info.data['epochs']} epochs has as many; choose fewer")
        return consistency

    @field_validator("split")
    @classmethod
    def _can_be_counted(cls, split: Counted, info: ValidationInfo) -> Counted:
        if split == "test" and info.data.get("consistency") == "once":
            raise ValueError("with once, choose validation: the test set is used with the final weights, not per epoch")
        return split

    @property
    def last_epochs(self) -> int:
        """The number of last epochs that each have to reach the accuracy; 0 where the profile asks for none."""
        return _last_epochs(self.consistency)

    @property
    def goal(self) -> str:
        """The accuracy in percent: `99.4%`, `99.45%`."""
        percent = f"{100 * self.accuracy:.2f}"
        return f"{percent.removesuffix('0')}%"

    @property
    def file_name(self) -> str:
        """The name of the profile's file."""
        return f"{self.name.replace('/', '-')}.json"

    @property
    def option(self) -> str:
        """The value of `--profile` that gives these rules: the name of a built-in profile, or the profile's file."""
        return self.name if PROFILES.get(self.name) == self else self.file_name

    def changed(self, **fields: Any) -> "Profile":
        """The same profile with other fields; ProfileError names the first wrong one."""
        return strict_profile({**self.model_dump(), **fields})

    def to_json(self) -> str:
        """The text of the profile's file: every field written out, two spaces of indent, a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"


def _built_in(name: str, title: str, params: int, epochs: int, **others: Any) -> Profile:
    return Profile(**{"name": name, "title": title, "params": params, "epochs": epochs, "accuracy": 0.994, **others})


PROFILES = {
    profile.name: profile
    for profile in (
        _built_in("20k", "The assignment: 20,000 parameters", 20_000, 20),
        _built_in("last-5", "The assignment, each of the last 5 epochs", 20_000, 20, consistency="last-5"),
        _built_in("10k", "Half the budget: 10,000 parameters", 10_000, 20),
        _built_in("10k/15", "10,000 parameters, at most 15 epochs", 10_000, 16),
        _built_in("8k/15", "Harder: 8,000 parameters, under 16 epochs", 8_000, 16),
        _built_in("4k", "Tiny: 4,000 parameters", 4_000, 20, accuracy=0.99),
        _built_in("linear-head", "The assignment, linear head allowed", 20_000, 20, linear_allowed=True),
        _built_in(
            "techniques",
            "The assignment; batch norm, dropout and global pooling required",
            20_000,
            20,
            techniques=tuple(TECHNIQUES),
        ),
    )
}
COURSE = PROFILES["20k"]
# The names of before, which stand in links: they are read, and not written any more.
ALIASES = {"course": "20k", "half": "10k", "hard": "8k/15", "tiny": "4k"}


def built_in(name: str) -> Profile | None:
    """The profile that comes with mnistnet under this name, or under its name of before; None for any other."""
    return PROFILES.get(ALIASES.get(name, name))


def strict_profile(value: object) -> Profile:
    """`value` (a plain dict) as a Profile; ProfileError names the first wrong field.

    A built-in profile's name belongs to its rules: other rules under it are an error.
    """
    try:
        found = strict_json.validated(Profile, value)
    except ValueError as error:
        raise ProfileError(f"profile, {error}") from None
    known = built_in(found.name)
    if known is None:
        return found
    if found.model_copy(update={"title": known.title, "name": known.name}) != known:
        raise ProfileError(f"profile, name={found.name!a}: these are not the rules of that name; choose another name")
    return known


def parse(text: str | bytes) -> Profile:
    """The profile in a file's text; ProfileError names the place of the first problem."""
    what = "a profile is one JSON object with version, name, title ..."
    try:
        value = strict_json.versioned(text, what, VERSION, "profile, ")
    except ValueError as error:
        raise ProfileError(str(error)) from None
    return strict_profile(value)


def profile(text: str) -> Profile:
    """The profile that a text names: a built-in one, or a profile's JSON. Raises ProfileError."""
    if known := built_in(text):
        return known
    if text.lstrip().startswith("{"):
        return parse(text)
    raise ProfileError(f"profile {strict_json.shown(text)}: choose one of {', '.join(PROFILES)}, or give a JSON file")


def load(path: Path) -> Profile:
    """The profile in the file at `path`, of which at most one byte more than allowed is read. Raises ProfileError."""
    try:
        text = strict_json.contents(path)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no file's name"
        raise ProfileError(f"profile {strict_json.shown(str(path))}: {reason}; give a readable file") from None
    return parse(text)
