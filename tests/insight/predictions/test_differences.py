"""What differs between runs: only those fields, with each run's value, and layers in words."""

from dataclasses import replace
from pathlib import Path

import pytest

from mnistnet.insight.predictions.differences import NONE, described, differences
from mnistnet.nets.architecture import Architecture, Layer
from mnistnet.runs.run import Run
from mnistnet.runs.store.store import Store
from tests.support.samples import conv, design, running

POOL, HEAD = {"type": "globalavgpool"}, conv(10, 1)
NARROW = design(conv(8, padding=1), POOL, HEAD)
WIDE = design(conv(16, padding=1), POOL, HEAD)
DEEP = design(conv(8, padding=1), conv(8, padding=1), POOL, HEAD)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return running(Store(tmp_path), NARROW)


def having(run: Run, architecture: Architecture = NARROW, **recipe: object) -> Run:
    return replace(
        run, architecture_json=architecture.to_json(), recipe_json=run.recipe.changed(**recipe).model_dump_json()
    )


def found(*runs: Run) -> dict[str, tuple[str, ...]]:
    return {one.field: one.values for one in differences(runs)}


def test_the_same_design_and_recipe_differ_in_nothing(run: Run) -> None:
    assert found(run, having(run)) == {}


def test_a_width_is_the_only_difference_of_two_designs(run: Run) -> None:
    assert found(run, having(run, WIDE)) == {
        "layer 1": ("conv 3×3, 8 channels, padding 1", "conv 3×3, 16 channels, padding 1")
    }


def test_recipe_fields_stand_with_every_runs_value(run: Run) -> None:
    assert found(run, having(run, learning_rate=0.5), having(run, learning_rate=0.5, seed=4)) == {
        "peak learning rate": ("0.2", "0.5", "0.5"),
        "seed": ("1", "1", "4"),
    }


def test_recipe_fields_and_values_are_called_as_on_the_recipe_page(run: Run) -> None:
    assert found(run, having(run, bend=1.5, calm_epochs=1, optimizer="adamw", threads=0)) == {
        "optimizer": ("SGD", "AdamW"),
        "elastic distortion": ("0", "1.5"),
        "final epochs without augmentation": ("0", "1"),
        "threads": ("1", "all cores"),
    }


def test_layers_of_several_designs_go_by_number_with_a_dash_where_one_ends(run: Run) -> None:
    rows = found(run, having(run, DEEP), run)
    assert rows["layers"] == ("3", "4", "3")
    assert rows["layer 4"] == (NONE, "conv 1×1, 10 channels", NONE)
    assert "layer 1" not in rows


def test_a_new_or_removed_layer_does_not_change_those_behind_it(run: Run) -> None:
    added = found(run, having(run, DEEP))
    assert added == {"layers": ("3", "4"), "layer 1, new": (NONE, "conv 3×3, 8 channels, padding 1")}
    removed = found(having(run, DEEP), run)
    assert removed == {"layers": ("4", "3"), "layer 1, removed": ("conv 3×3, 8 channels, padding 1", NONE)}


def test_a_changed_layer_behind_a_new_one_has_both_numbers(run: Run) -> None:
    other = design(conv(8, padding=1), {"type": "maxpool", "size": 2}, POOL, conv(10, 1, bias=True))
    assert found(run, having(run, other)) == {
        "layers": ("3", "4"),
        "layer 2, new": (NONE, "max pool, 2×2"),
        "layer 3, now 4": ("conv 1×1, 10 channels", "conv 1×1, 10 channels, bias"),
    }


def test_figures_of_the_runs_themselves_come_first(run: Run) -> None:
    rows = differences([run, replace(having(run, WIDE, seed=2), params=5, epochs_done=2)])
    assert [row.field for row in rows] == ["parameters", "epochs finished", "seed", "layer 1"]


def test_no_run_differs_in_nothing() -> None:
    assert differences([]) == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (conv(16, 5, stride=2, after=["batchnorm", "relu"]), "conv 5×5, 16 channels, stride 2, BN, ReLU"),
        (conv(16, after=["dropout"], dropout=0.1, bias=True), "conv 3×3, 16 channels, bias, dropout 0.1"),
        ({"type": "depthwise", "kernel": 3}, "depthwise 3×3"),
        ({"type": "maxpool", "size": 2}, "max pool, 2×2"),
        ({"type": "dropout2d", "rate": 0.2}, "channel dropout, rate 0.2"),
        ({"type": "linear", "features": 10}, "fully connected, 10 outputs"),
        ({"type": "globalavgpool"}, "global average pool"),
    ],
)
def test_a_layer_is_told_in_words(fields: dict[str, object], text: str) -> None:
    layer: Layer = design(fields).layers[0]
    assert described(layer) == text
