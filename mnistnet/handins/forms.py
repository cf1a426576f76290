"""The verdict on hand-ins as text and as documents for other programs: JSON, JUnit XML, Gradescope, CSV.

Names and other texts of strangers are made printable; XML and JSON escape them.
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from mnistnet.handins.results import Check, Checked

Document = dict[str, Any]
_GRADESCOPE = {True: "passed", False: "failed"}


def text(several: Sequence[Checked]) -> str:
    """Each hand-in with one line a check and the verdict as its last line; no line break at the end."""
    return "\n\n".join("\n".join(_lines(one)) for one in several)


def _lines(one: Checked) -> list[str]:
    width = max(len(check.check) for check in one.checks)
    lines = [
        f"{'ok  ' if check.passed else 'FAIL'}  {check.check:{width}}  {_plain(check.detail)}" for check in one.checks
    ]
    return [
        f"{_plain(one.name)}: {_plain(one.design)}".removesuffix(": "),
        *lines,
        f"{_plain(one.name)}: {one.verdict}",
    ]


def document(several: Sequence[Checked]) -> Document:
    """The JSON document of one hand-in: passed, checks. Of several: passed, and one such document each by its name."""
    if len(several) == 1:
        return _one(several[0])
    return {
        "passed": all(one.passed for one in several),
        "handins": [{"handin": one.name, **_one(one)} for one in several],
    }


def _one(one: Checked) -> Document:
    checks = [{"check": check.check, "passed": check.passed, "detail": check.detail} for check in one.checks]
    return {"passed": one.passed, "checks": checks}


def junit(several: Sequence[Checked]) -> str:
    """JUnit XML: a suite for each hand-in, a case for each check."""
    root = ElementTree.Element("testsuites", name="mnistnet check")
    for one in several:
        counts = {"tests": str(len(one.checks)), "failures": str(len(one.failed)), "errors": "0"}
        suite = ElementTree.SubElement(root, "testsuite", {"name": _plain(one.name), **counts})
        for check in one.checks:
            case = ElementTree.SubElement(suite, "testcase", classname=_plain(one.name), name=_plain(check.check))
            if check.passed:
                ElementTree.SubElement(case, "system-out").text = _plain(check.detail)
            else:
                ElementTree.SubElement(case, "failure", message=_plain(check.detail)).text = _plain(check.detail)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def gradescope(several: Sequence[Checked]) -> Document:
    """Gradescope's results.json: one point a check; for a single hand-in the leaderboard, too."""
    tests = [_test(check, one.name if len(several) > 1 else "") for one in several for check in one.checks]
    found: Document = {"output": "\n".join(f"{_plain(one.name)}: {one.verdict}" for one in several), "tests": tests}
    if len(several) == 1 and several[0].is_handin:
        found["leaderboard"] = _leaderboard(several[0])
    return found


def _test(check: Check, of: str) -> Document:
    return {
        "name": f"{_plain(of)}: {check.check}" if of else check.check,
        "score": float(check.passed),
        "max_score": 1.0,
        "status": _GRADESCOPE[check.passed],
        "output": check.detail,
    }


def _leaderboard(one: Checked) -> list[Document]:
    """The recomputed accuracy, and parameters and epochs, of which fewer are better; what is not known is left out."""
    rows: list[Document] = [
        {"name": "accuracy", "value": one.accuracy},
        {"name": "parameters", "value": one.parameters, "order": "asc"},
        {"name": "epochs", "value": one.epochs, "order": "asc"},
    ]
    return [row for row in rows if row["value"] is not None]


def table(several: Sequence[Checked]) -> str:
    """CSV with one line a hand-in: name, author, verdict, figures, and the checks that fail with their reasons."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(("hand-in", "author", "design", "passed", "accuracy", "errors", "parameters", "epochs", "failed"))
    for one in several:
        failed = "; ".join(f"{check.check}: {check.detail}" for check in one.failed)
        figures = (one.accuracy, one.errors, one.parameters, one.epochs)
        words = map(_cell, (one.name, one.author, one.design))
        writer.writerow((*words, one.passed, *figures, _cell(failed)))
    return lines.getvalue()


def as_json(value: Document) -> str:
    """The document's text, with a line break at the end."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def _plain(words: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in words)


def _cell(words: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    plain = _plain(words)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain
