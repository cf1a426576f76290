"""The browser's arithmetic against Python's: every number and every fault, of 10,000 random designs in Chromium."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Page

from mnistnet.nets import widths
from mnistnet.nets.architecture import Architecture, Conv
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import LayerSummary, Summary, summarize
from mnistnet.ui.design import network_editor
from mnistnet.ui.design.network_editor.table import table
from tests.support.random_designs import careless_designs, designs

pytestmark = pytest.mark.browser

SCRIPT = Path(network_editor.__file__).with_name("arithmetic.js").read_text(encoding="utf-8")
SUMMARIES = """([table, designs]) => designs.map(layers => {
    const summary = summarize(table, layers)
    const reach = receptiveFields(summary.rows)
    const rows = summary.rows.map(row => [
        row.layer, row.type, row.channels, row.size, row.params, row.macs, row.values, row.flat,
        ...Object.values(reach.get(row)).map(String)])
    return [rows, summary.isWhole, summary.params, summary.macs, summary.fault && Object.values(summary.fault)]
})"""
SPANS = (
    "([image, table, designs]) => designs.map(layers => summarize(table, layers).rows.map(row => spans(row, image)))"
)
WIDTHS = """([table, cases]) => cases.map(([layers, layer, budget]) =>
    largestWidth(table, layers, summarize(table, layers).isWhole, layer, budget))"""


@pytest.fixture
def script(page: Page) -> Page:
    """A page that has the arithmetic."""
    page.set_content(f"<script>{SCRIPT}</script>")
    return page


def layers(design: Architecture) -> Any:
    return design.model_dump(mode="json")["layers"]


def numbers(row: LayerSummary) -> list[Any]:
    plain = [row.layer, row.type, row.channels, row.size, row.params, row.macs, row.values, row.flat]
    return [*plain, str(row.field), str(row.jump), str(row.offset)]


def told(summary: Summary) -> list[Any]:
    fault = [summary.fault.layer, summary.fault.message] if summary.fault else None
    return [[numbers(row) for row in summary.rows], summary.is_whole, summary.params, summary.macs, fault]


@cache
def some() -> list[Architecture]:
    """10,000 designs: two thirds without fault, one third of any layers in any order."""
    presets = [preset.architecture for preset in PRESETS.values()]
    return [*presets, *designs(6_700, seed=15, widest=80), *careless_designs(3_300 - len(presets), seed=16)]


@pytest.mark.bar("C8")
def test_every_number_and_every_fault_is_pythons(script: Page) -> None:
    cases = some()
    seen = script.evaluate(SUMMARIES, [table(), [layers(design) for design in cases]])
    faults = []
    for design, answer in zip(cases, seen, strict=True):
        summary = summarize(design)
        assert answer == told(summary), design.to_json()
        faults += [summary.fault.message] if summary.fault else []
    assert len(cases) == 10_000
    assert (
        len({message.split(":")[0].translate({ord(digit): None for digit in "0123456789,"}) for message in faults}) > 8
    )


def test_what_each_unit_sees_is_pythons(script: Page) -> None:
    cases = some()[::25]
    seen = script.evaluate(SPANS, [28, table(), [layers(design) for design in cases]])
    for design, answer in zip(cases, seen, strict=True):
        assert answer == [_spans(row) for row in summarize(design).rows], design.to_json()


def _spans(row: LayerSummary) -> Sequence[object]:
    return [[span.start, span.stop] if span.stop else None for span in row.receptive_fields]


def test_the_largest_width_is_pythons(script: Page) -> None:
    random = Random(17)
    cases = [
        (design, layer, random.choice((500, 4_000, 20_000, 100_000)))
        for design in some()[::20]
        for layer in range(len(design.layers))
        if isinstance(design.layers[layer], Conv)
    ]
    seen = script.evaluate(WIDTHS, [table(), [[layers(design), layer, budget] for design, layer, budget in cases]])
    assert seen == [widths.largest_width(*case) for case in cases]
    assert sum(width is not None for width in seen) > 300
