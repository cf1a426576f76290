"""The answers of a review: facts of presets counted by hand, every design answered, and what a run adds."""

import json
from dataclasses import replace

import pytest

from mnistnet import gallery
from mnistnet.insight.predictions.evaluation import Score
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.review import Answer, Concern, review
from mnistnet.review.regularization import difference
from mnistnet.runs.run import RunState
from mnistnet.runs.sources import GALLERY
from mnistnet.training.range_test import RateRange
from mnistnet.training.recipe import Recipe
from tests.support.random_designs import designs
from tests.support.samples import conv, design, metrics, recipe

POOLED = {"type": "globalavgpool"}
QUESTIONS = 18


def answers(architecture: Architecture | str, **given: object) -> dict[str, Answer]:
    chosen = PRESETS[architecture].architecture if isinstance(architecture, str) else architecture
    return {one.name: one for one in review(chosen, Recipe(), **given)}  # type: ignore[arg-type]


def of_gallery(name: str, **changed: object) -> dict[str, Answer]:
    run = GALLERY.find(f"gallery-{name}")
    assert run is not None
    changed_run = replace(run, **changed)  # type: ignore[arg-type]
    return {one.name: one for one in review(run.architecture, run.recipe, changed_run, GALLERY.metrics(run))}


# Facts, counted by hand in the presets' layer tables


@pytest.mark.parametrize(
    ("preset", "name", "figure", "concern"),
    [
        ("mnistnet-min", "layers", "12 layers with weights of 14: 12 convolutions, 0 fully connected", Concern.FINE),
        ("mnistnet-min", "convolutions", "6 of 12 convolutions, 5 of them depthwise", Concern.FINE),
        (
            "mnistnet-min",
            "field",  # 3, 4 after pooling, then five times 2 * 2 more
            "24 pixels (the image has 28) at layer 12, the last with a map (14×14)",
            Concern.FINE,
        ),
        ("mnistnet-min", "kernels", "16 → 10; layer 4 has 10% of the parameters", Concern.FINE),  # 256 of 2,506
        ("mnistnet-min", "pooling", "layer 2 (28→14); before the first: field 3 pixels", Concern.FINE),
        (
            "mnistnet-min",
            "pooling_distance",
            "11 layers with weights behind it (layer 2), 5 of them larger than 1×1; map 14×14, units 2 pixels apart",
            Concern.FINE,
        ),
        ("mnistnet-min", "pointwise", "5 transition layers (1×1), 0 of them with fewer channels behind", Concern.FINE),
        (
            "mnistnet-min",
            "transitions",
            "5 behind a depthwise convolution (layers 4, 6, 8, 10, 12)",
            Concern.FINE,
        ),
        ("mnistnet-min", "batch_norm", "behind 6 of 12 convolutions", Concern.FINE),
        ("mnistnet-min", "norm_distance", "1 layer with weights behind the last one (layer 12)", Concern.FINE),
        ("mnistnet-min", "dropout", "none", Concern.FINE),
        ("course-19290", "layers", "7 layers with weights of 13: 6 convolutions, 1 fully connected", Concern.LOOK),
        (
            "course-19290",
            "pooling",
            "layer 3 (26→13), layer 8 (7→3), layer 11 (3→1); before the first: field 5 pixels",
            Concern.LOOK,
        ),
        (
            "course-19290",
            "pooling_distance",
            "1 layer with weights behind it (layer 11), 0 of them larger than 1×1; map 1×1, units 16 pixels apart",
            Concern.LOOK,
        ),
        ("course-19290", "transitions", "no transition layer", Concern.FINE),
        (
            "course-19290",
            "dropout",
            "in 3 places, rate 0.25; 1 layer with weights behind the last (layer 12)",
            Concern.FINE,
        ),
        ("course-19290", "stopping", "32 maps of 3×3 at the end; field 38 at layer 10, 0 larger convolutions later",
         Concern.FINE),
        (
            "course-19122",
            "field",  # 3, 5, 6, 10, 14, 16, then 8 and 8 more
            "32 pixels (the image has 28) at layer 10, the last with a map (3×3)",
            Concern.FINE,
        ),
        (
            "course-19122",
            "pointwise",
            "2 transition layers (1×1), 2 of them with fewer channels behind: layer 4 (32→8), layer 8 (32→16)",
            Concern.FINE,
        ),
        ("course-19122", "transitions", "2 behind pooling (layers 4, 8)", Concern.FINE),
        ("course-19122", "batch_norm", "behind 4 of 8 convolutions; missing in layers 4, 8, 9", Concern.LOOK),
        ("course-19122", "norm_distance", "3 layers with weights behind the last one (layer 6)", Concern.LOOK),
        ("course-19122", "softmax", "10 logits; softmax is part of the loss", Concern.FINE),
    ],
)  # fmt: skip
def test_a_fact_of_a_preset_is_the_one_counted_by_hand(preset: str, name: str, figure: str, concern: Concern) -> None:
    found = answers(preset)[name]
    assert (found.figure, found.concern) == (figure, concern)


def test_padding_around_a_1x1_convolution_is_pointed_out() -> None:
    found = answers("course-18738")["pointwise"]
    assert found.concern is Concern.LOOK
    assert "(layers 2, 8, 11)" in found.why


@pytest.mark.parametrize(
    ("layers", "name", "place"),
    [
        ([conv(8, after=["batchnorm"]), conv(10, 1, after=["relu"]), POOLED], "softmax", "layer 2"),
        ([conv(8, bias=True, after=["batchnorm"]), conv(10, 1), POOLED], "batch_norm", "layer 1"),
        ([conv(8), conv(10, 1), POOLED], "batch_norm", "layer 1"),
        ([conv(8), conv(10, 1, after=["batchnorm"]), POOLED], "norm_distance", "layer 2"),
        ([conv(8, after=["dropout", "batchnorm"], dropout=0.1), conv(10, 1), POOLED], "dropout", "layer 1"),
        ([conv(8), conv(10, 1, after=["dropout"], dropout=0.1), POOLED], "dropout", "layer 2"),
        ([conv(64), conv(8, 5), conv(10, 1), POOLED], "convolutions", "layer 2"),
        ([conv(4), conv(64), conv(10, 1), POOLED], "kernels", "layer 2"),
        ([{"type": "maxpool", "size": 14}, conv(10, 3, padding=1), POOLED], "stopping", "layer 2"),
        ([conv(10, 3), {"type": "maxpool", "size": 14}], "pooling", "layer 2"),
    ],
)  # fmt: skip
def test_what_asks_for_attention_names_its_layer(layers: list[dict[str, object]], name: str, place: str) -> None:
    found = answers(design(*layers))[name]
    assert found.concern is Concern.LOOK, found
    assert found.place is not None
    assert found.place.title == place


def test_a_prediction_that_does_not_read_the_whole_image_is_pointed_out() -> None:
    found = answers(design(conv(10, 3), {"type": "maxpool", "size": 20}))["field"]
    assert found.concern is Concern.LOOK
    assert "pixels 0 to 21 of 0 to 27" in found.why


def test_a_dropout_rate_of_0_is_no_dropout() -> None:
    assert answers(design(conv(8, after=["dropout"]), conv(10, 1), POOLED))["dropout"].figure == "none"


# Every design


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_has_an_answer_to_each_question_with_evidence(preset: str) -> None:
    found = of_gallery(preset)
    assert len(found) == QUESTIONS
    assert all(one.figure and one.why for one in found.values())
    without = {name for name, one in found.items() if not one.evidence}
    assert without == {"normalization", "early_signs"}  # the first is no choice; the other's is its band
    for one in (one.evidence for one in found.values() if one.evidence):
        entry = gallery.entries()[one.split()[0]]
        assert entry.preset != preset  # whose figures are the answers themselves
        assert f"{entry.mean:.2%} on the test set, mean of {len(entry.outcomes)} seeds" in one


def test_200_random_designs_are_answered() -> None:
    for one in designs(200, seed=14):
        found = review(one, Recipe())
        assert len(found) in (QUESTIONS, 6)
        json.dumps([answer.document for answer in found])


@pytest.mark.parametrize(
    ("layers", "layer"),
    [
        ([conv(8, 7)] * 6 + [POOLED], "layer 5"),
        ([conv(8), POOLED], "layer 2"),
        ([conv(512, 7, padding=3)] * 6, "layer 2"),
    ],
    ids=["does not fit", "not ten outputs", "too large"],
)
def test_a_design_that_cannot_be_built_is_said_to_be_so_at_its_layer(
    layers: list[dict[str, object]], layer: str
) -> None:
    found = answers(design(*layers))
    assert (found["layers"].figure, found["layers"].concern) == ("cannot be built", Concern.LOOK)
    assert found["layers"].place is not None
    assert found["layers"].place.title == layer
    assert "field" not in found
    assert "batch_size" in found


# What a run adds


def test_without_a_run_what_needs_one_is_said_to_be_unknown() -> None:
    unknown = {one.name for one in answers("mnistnet-min").values() if one.concern is Concern.UNKNOWN}
    assert unknown == {"overfitting", "learning_rate", "early_signs"}


def test_a_run_of_the_gallery_is_within_the_band_of_its_peers() -> None:
    found = of_gallery("mnistnet-min")["early_signs"]
    assert found.figure.startswith("epoch 1: validation 83.08% (82.02% to 84.09%)")
    assert "10 comparable gallery runs (mnistnet-min) had 80.62% to 89.90%" in found.why
    assert found.concern is Concern.FINE


def test_a_first_epoch_clearly_below_the_band_asks_for_attention() -> None:
    run = GALLERY.find("gallery-mnistnet-min")
    assert run is not None
    rows = [metrics(1, validation_accuracy=0.5)]
    found = {one.name: one for one in review(run.architecture, run.recipe, run, rows)}
    assert found["early_signs"].concern is Concern.LOOK


@pytest.mark.parametrize(("training", "concern"), [(0.999, Concern.LOOK), (0.98, Concern.FINE)])
def test_overfitting_is_training_ahead_of_validation_beyond_the_interval(training: float, concern: Concern) -> None:
    run = GALLERY.find("gallery-mnistnet-min")
    assert run is not None
    rows = [metrics(1, train_accuracy=training, validation_accuracy=0.98, validation_loss=0.1)]
    found = {one.name: one for one in review(run.architecture, run.recipe, run, rows)}
    assert found["overfitting"].concern is concern


def test_a_validation_loss_that_rose_again_asks_for_attention() -> None:
    run = GALLERY.find("gallery-mnistnet-min")
    assert run is not None
    losses = [0.2, 0.1, 0.15]
    rows = [
        metrics(epoch, train_accuracy=0.9, validation_accuracy=0.98, validation_loss=loss)
        for epoch, loss in enumerate(losses, 1)
    ]
    found = {one.name: one for one in review(run.architecture, run.recipe, run, rows)}["overfitting"]
    assert found.concern is Concern.LOOK
    assert "lowest in epoch 2 and 50% higher at the end" in found.why


def test_a_run_that_diverged_had_too_high_a_rate() -> None:
    found = of_gallery("mnistnet-min", state=RunState.DIVERGED, epochs_done=2)["learning_rate"]
    assert found.concern is Concern.LOOK
    assert "diverged after 2 epochs" in found.why


@pytest.mark.parametrize(
    ("low", "high", "concern"),
    [(0.1, 0.5, Concern.FINE), (0.3, 0.5, Concern.LOOK), (0.001, 0.05, Concern.LOOK)],
)
def test_a_range_test_says_whether_the_rate_is_within(low: float, high: float, concern: Concern) -> None:
    assert answers("mnistnet-min", range_=RateRange(low, high))["learning_rate"].concern is concern


def test_too_few_steps_ask_for_attention() -> None:
    chosen = recipe(batch_size=128, epochs=3)  # 1,375 images: 11 steps an epoch
    found = {one.name: one for one in review(PRESETS["mnistnet-min"].architecture, chosen)}["batch_size"]
    assert found.figure == "128 images, 11 steps an epoch, 33 in all"
    assert found.concern is Concern.LOOK


def test_the_interval_of_a_difference_is_newcombes() -> None:
    """Newcombe 1998, Table II: 56/70 and 48/80, method 10."""
    found = difference(Score(80 - 48, 80), Score(70 - 56, 70))
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


# As text


def test_an_answer_is_one_item_of_a_markdown_list() -> None:
    text = answers("mnistnet-min")["dropout"].markdown
    assert text.startswith("- **Where is dropout?** none (fine). ")
    assert "mean of 5 seeds" in text
