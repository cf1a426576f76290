"""The fields of design and recipe in which several runs differ. No torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from mnistnet.nets.architecture import Layer
from mnistnet.nets.layer_types import SHORT_TITLES
from mnistnet.runs.run import Run
from mnistnet.training import recipe

NONE = "–"
_TEXTS = {
    "channels": "{0} channels",
    "features": "{0} outputs",
    "size": "{0}×{0}",
    "stride": "stride {0}",
    "padding": "padding {0}",
    "bias": "bias",
    "rate": "rate {0}",
}


@dataclass(frozen=True)
class Difference:
    """A field that is not equal in all runs, with its value in each, in the order of the runs."""

    field: str
    values: tuple[str, ...]


def differences(runs: Sequence[Run]) -> list[Difference]:
    """The fields in which runs differ: parameters, the recipe's fields, then layers.

    Layers of two runs are aligned, so that those behind a new one do not differ; those of more runs go by number.
    """
    rows = [("parameters", [f"{run.params:,}" for run in runs])]
    rows += [("epochs finished", [str(run.epochs_done) for run in runs]), *_recipe(runs), *_layers(runs)]
    return [Difference(field, tuple(values)) for field, values in rows if len(set(values)) > 1]


def changed_layers(before: Sequence[Layer], now: Sequence[Layer]) -> list[Difference]:
    """The layers in which two designs differ: a new or removed layer does not change those behind it."""
    texts = ([described(layer) for layer in layers] for layers in (before, now))
    return [Difference(field, tuple(values)) for field, values in _changed(*texts) if len(set(values)) > 1]


def _layers(runs: Sequence[Run]) -> Iterable[tuple[str, list[str]]]:
    designs = [[described(layer) for layer in run.architecture.layers] for run in runs]
    yield "layers", [str(len(layers)) for layers in designs]
    if len(designs) == 2:
        yield from _changed(*designs)
        return
    for place in range(max(map(len, designs), default=0)):
        yield f"layer {place + 1}", [layers[place] if place < len(layers) else NONE for layers in designs]


def _changed(before: Sequence[str], now: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    for _, start, stop, new_start, new_stop in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        for old, new in zip_longest(range(start, stop), range(new_start, new_stop)):
            if old is None:
                yield f"layer {new + 1}, new", [NONE, now[new]]
            elif new is None:
                yield f"layer {old + 1}, removed", [before[old], NONE]
            else:
                moved = "" if old == new else f", now {new + 1}"
                yield f"layer {old + 1}{moved}", [before[old], now[new]]


def _recipe(runs: Sequence[Run]) -> Iterable[tuple[str, list[str]]]:
    recipes = [recipe.described(run.recipe) for run in runs]
    for title in recipes[0] if recipes else ():
        yield title, [fields[title] for fields in recipes]


def described(layer: Layer) -> str:
    """A layer in a few words, as in `conv 3×3, 16 channels, stride 2, BN, ReLU`; default settings are left out."""
    fields = layer.model_dump(exclude_defaults=True)
    kernel = " {0}×{0}".format(fields["kernel"]) if "kernel" in fields else ""
    settings = [text.format(fields[name]) for name, text in _TEXTS.items() if name in fields]
    rate = f" {fields['dropout']:g}" if fields.get("dropout") else ""
    steps = [SHORT_TITLES[step] + (rate if step.startswith("dropout") else "") for step in layer.steps]
    return ", ".join([SHORT_TITLES[layer.type] + kernel, *settings, *steps])
