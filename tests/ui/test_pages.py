"""What holds on every page, driven through Streamlit's own test runner."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mnistnet import links
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import recipe
from mnistnet.ui import cache
from tests.support.pages import PAGES, opened, texts
from tests.support.situations import DIGITS, done, queued

pytestmark = pytest.mark.usefixtures("still")


@pytest.mark.bar("E1")
@pytest.mark.parametrize("page", ["train", "compare"])
def test_an_empty_page_says_one_thing_and_offers_one(page: str) -> None:
    app = opened(page)
    assert [link.label for link in app.page_link] == ["Design a network"]


def test_an_unreadable_store_is_a_sentence_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "newer")
    monkeypatch.setenv("MNISTNET_STORE", str(store.root))
    store.enqueue(FIRST.architecture, recipe({}))
    with closing(sqlite3.connect(store.database.path)) as connection:
        connection.execute("PRAGMA user_version = 99")  # a newer mnistnet's
    app = opened("train")
    assert not app.exception
    assert "The runs cannot be read" in texts(app)


def test_a_layer_has_one_name_on_every_page(store: Store) -> None:
    design = PRESETS["course-18738"].architecture
    named = [name for name, _ in cache.named_layers(design)]
    app = opened(design=links.encode_design(design))
    headlines = [element.value for element in app.markdown if element.value.startswith("**")]
    for name in named:
        number, kind = name.split(" ", 1)
        assert any(one.startswith(f"**{number} · {kind}") for one in headlines), name


@pytest.mark.bar("S8")
def test_looking_changes_no_run(store: Store) -> None:
    done(store)
    before = store.runs()
    for page in PAGES:
        opened(page)
    assert store.runs() == before


@pytest.mark.bar("F11")
def test_names_are_shown_as_text_not_as_markup(store: Store) -> None:
    store.enqueue(FIRST.architecture.renamed("[x](javascript:alert(1)) <img src=x onerror=alert(1)>"), DIGITS)
    for page in PAGES:
        app = opened(page)
        assert not app.exception
        assert not any("[x](javascript" in element.value for element in [*app.markdown, *app.caption])


@pytest.mark.parametrize("page", PAGES)
def test_a_widget_drawn_afresh_would_report_nothing_but_the_state(page: str, store: Store) -> None:
    """A browser that draws a widget anew begins from its default and reports that as a choice."""
    queued(store)
    app = opened(
        page, recipe=links.encode_recipe(recipe({"epochs": 7, "averaging": 0.5, "dataset": "digits"})), digit="3"
    )
    assert [list(widget.proto.default) for widget in app.slider] == [
        list(widget.value) if isinstance(widget.value, tuple) else [widget.value] for widget in app.slider
    ]
    assert [widget.proto.default for widget in app.number_input] == [widget.value for widget in app.number_input]
    boxes = [widget for widget in app.selectbox if widget.key != "begin-with"]
    assert [widget.proto.default for widget in boxes] == [widget.index for widget in boxes]
