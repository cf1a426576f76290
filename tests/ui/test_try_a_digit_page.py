"""The Try a digit page: where the digit comes from, and which networks predict it."""

import io

import pytest
from PIL import Image

from mnistnet.data import datasets, handwriting
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.ui import cache, network_cache
from tests.support.pages import button, opened, texts
from tests.support.situations import done, ended

pytestmark = pytest.mark.usefixtures("still")


def test_a_test_digit_is_answered_as_the_store_has_it(store: Store) -> None:
    run = done(store)
    app = opened("try_a_digit", nets=run.id)
    app.segmented_control(key="try-source").set_value("Choose a test digit").run()
    row = network_cache.probabilities(run, cache.images("digits", "course", "test")[:1])[0]
    assert not app.exception
    if not datasets.is_here("mnist"):
        assert app.metric[0].value == str(row.argmax())
    assert len(app.metric) == 1


def test_a_varied_digit_goes_back_with_one_click(store: Store) -> None:
    app = opened("try_a_digit", nets=done(store).id)
    app.segmented_control(key="try-source").set_value("Choose a test digit").run()
    app.slider(key="try-degrees").set_value(45.0).run()
    assert not app.exception
    button(app, "Reset").click().run()
    assert app.slider(key="try-degrees").value == 0


def test_an_uploaded_picture_is_decoded_once_however_often_the_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded, real = [], handwriting.picture

    def picture(data: bytes) -> datasets.Bytes:
        decoded.append(data)
        return real(data)

    monkeypatch.setattr(handwriting, "picture", picture)
    app = opened("try_a_digit", nets="gallery-mnistnet-min")
    app.segmented_control(key="try-source").set_value("Upload a picture").run()
    for content in (_png(handwriting.drawn([((0.5, 0.2), (0.5, 0.8))])), b"no picture"):
        app.file_uploader(key="try-file").set_value(("digit.png", content, "image/png")).run()
        app.slider(key="try-degrees").set_value(45.0).run()
        app.slider(key="try-degrees").set_value(10.0).run()
        assert not app.exception
        assert decoded == [content]
        decoded.clear()
    assert "cannot be read; give one of PNG" in texts(app)


def _png(pixels: datasets.Bytes) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_digit_is_tried_on_the_newest_finished_run_first(store: Store) -> None:
    gallery = ["gallery-mnistnet-16k", "gallery-mnistnet-min"]
    assert opened("try_a_digit").multiselect(key="try-networks").value == gallery
    best = PRESETS["mnistnet-16k"].architecture
    finished = done(store, best)
    ended(RunState.STOPPED)(store)
    cache.forget()
    app = opened("try_a_digit")
    assert app.multiselect(key="try-networks").value == [finished.id, *gallery]
    assert "nets" not in app.query_params
    app.segmented_control(key="try-source").set_value("Choose a test digit").run()
    labels = [metric.label.replace("\\", "") for metric in app.metric]
    assert labels == [f"{finished.id} · {best.name}", f"gallery · {best.name}", "mnistnet-min"]


def test_networks_that_a_link_or_a_person_names_stay_as_they_are(store: Store) -> None:
    done(store)
    named = "gallery-mnistnet-16k,gallery-mnistnet-min"  # also what the page begins with where nothing was trained
    app = opened("try_a_digit", nets=named)
    assert app.multiselect(key="try-networks").value == named.split(",")
    assert app.query_params["nets"] == named
    app.multiselect(key="try-networks").set_value([]).run()
    assert app.multiselect(key="try-networks").value == []
