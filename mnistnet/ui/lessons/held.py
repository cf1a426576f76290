"""The locks of the running lesson, as controls show them. The session refuses a change by itself, whatever is shown."""

from collections.abc import Mapping
from typing import Any

from mnistnet.lessons import holding
from mnistnet.lessons.controls import of_field
from mnistnet.ui import notifications, session

_REASON = "Locked by the lesson."


def is_hidden(*controls: str) -> bool:
    """True where the running lesson hides each of these controls."""
    lesson = session.lesson.value
    return lesson is not None and set(controls) <= set(lesson.hidden)


def is_held(*controls: str) -> bool:
    """True where the running lesson locks or hides one of these controls."""
    lesson = session.lesson.value
    return lesson is not None and not lesson.held.isdisjoint(controls)


def hides_field(field: str) -> bool:
    """True where the control that sets this field of a layer or recipe is hidden."""
    return is_hidden(of_field(field))


def shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a layer without those whose control is hidden."""
    return {name: value for name, value in fields.items() if name == "type" or not hides_field(name)}


def holds_field(field: str) -> bool:
    """True where the control that sets this field of a layer or recipe is locked or hidden."""
    return is_held(of_field(field))


def options(*controls: str, why: str | None = None, disabled: bool = False) -> dict[str, Any]:
    """`disabled` and `help` of the widget of these controls; `why` is its help where none of them is held."""
    held = is_held(*controls)
    return {"disabled": disabled or held, "help": _REASON if held else why}


def of_setting(field: str, why: str | None = None) -> dict[str, Any]:
    """`options` of the widget that sets this field of a layer or recipe."""
    return options(of_field(field), why=why)


def refuses(control: str) -> bool:
    """True where the control is held; says so. For an action, which no compared value tells."""
    if is_held(control):
        notifications.notify(f"That change was not made: {holding.refusal(control)}.")
        return True
    return False
