"""What the pages ask of a network, each answer through one bounded cache keyed by its weights.

torch is imported by the first question, never by drawing a page.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.insight.network.results import EffectiveField, Floats, Occlusion, TopActivation, UnitAttribution
from mnistnet.insight.network.steps import Steps, finish
from mnistnet.insight.predictions import label_errors
from mnistnet.nets.architecture import Architecture
from mnistnet.runs import limits
from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import default_root
from mnistnet.ui import cache, computations

if TYPE_CHECKING:
    from mnistnet.insight.network.probe import Probe

SAMPLE = 64  # images that an effective field is averaged over
SEARCHED = 5_000  # training images, about, that are searched for similar ones unless all are asked for
DRIVEN_BY = 2_000  # images that are searched for those which drive a channel

# A trained network, or a design with the random weights that training would begin with.
Subject: TypeAlias = Run | Architecture


def architecture(subject: Subject) -> Architecture:
    """The design of it."""
    return subject if isinstance(subject, Architecture) else subject.architecture


def _layers(subject: Subject) -> list[int]:
    return [row.layer for _, row in cache.named_layers(architecture(subject))]


def probe(subject: Subject, dataset: str) -> "Probe":
    """The network to look at.

    Raises weights.NoWeights or gallery.Damaged where its weights cannot be had, OverLimit where looking into it takes
    more memory than is allowed here.
    """
    limits.require_allowed_to_look(architecture(subject))
    computations.prepare()
    if isinstance(subject, Architecture):
        return _untrained(subject, dataset)
    return _trained(*_weights(subject), subject)


def _weights(subject: Subject) -> tuple[str, str]:
    """What tells one set of weights from any other: where it lies, and its hash or how far its training is."""
    if isinstance(subject, Architecture):
        return "", subject.to_json()
    return str(default_root()), subject.weights_sha256 or f"{subject.id}/{subject.attempt}/{subject.epochs_done}"


@st.cache_resource(max_entries=8, show_spinner="Loading the network…")
def _trained(root: str, weights: str, _run: Run) -> "Probe":
    from mnistnet.insight.network.probe import Probe
    from mnistnet.insight.network.weights import network_of

    return Probe(network_of(cache.store(), _run), datasets.source(_run.recipe.dataset))


@st.cache_resource(max_entries=8, show_spinner="Building the network…")
def _untrained(architecture: Architecture, dataset: str) -> "Probe":
    from mnistnet.insight.network.probe import Probe
    from mnistnet.nets.network import build

    return Probe(build(architecture), datasets.source(dataset))


def probabilities(run: Run, images: Bytes) -> Floats:
    """Of images (n, 28, 28) uint8: (n, 10). Not cached: it takes milliseconds."""
    found = probe(run, run.recipe.dataset)
    with computations.turn():
        return found.probabilities(images)


def occlusion(run: Run, image: Bytes, shade: int) -> Occlusion:
    """The answers to an image with a patch of `shade` around each pixel in turn."""

    def start() -> Steps[Occlusion]:
        from mnistnet.insight.network import saliency

        return saliency.occlusion(probe(run, run.recipe.dataset), image, shade)

    return computations.result(
        ("covered", *_weights(run), image.tobytes(), shade), start, "Covering the digit, place by place"
    )


def gradient(run: Run, image: Bytes, towards: int, against: int) -> Floats:
    """(28, 28): how the lead of one class over another hangs on each pixel."""

    def start() -> Steps[Floats]:
        from mnistnet.insight.network import saliency

        yield 0.0
        return saliency.gradient(probe(run, run.recipe.dataset), image, towards, against)

    key = ("gradient", *_weights(run), image.tobytes(), towards, against)
    return computations.result(key, start, "Computing the gradient")


def unit_attributions(run: Run, image: Bytes, towards: int) -> dict[int, UnitAttribution]:
    """For each layer that looks at something new, the unit that added most to a class's logit."""

    def start() -> Steps[dict[int, UnitAttribution]]:
        from mnistnet.insight.network import receptive_fields

        return receptive_fields.unit_attributions(probe(run, run.recipe.dataset), _layers(run), image, towards)

    key = ("speakers", *_weights(run), image.tobytes(), towards)
    return computations.result(key, start, "Computing what each layer adds")


def maps(run: Run, image: Bytes) -> dict[int, Floats]:
    """What leaves each layer that looks at something new, for one image: (channels, h, w)."""

    def start() -> Steps[dict[int, Floats]]:
        yield 0.0
        found = probe(run, run.recipe.dataset).shown(image)
        return {layer: found[layer] for layer in _layers(run)}

    return computations.result(("maps", *_weights(run), image.tobytes()), start, "Computing the feature maps")


def effective_fields(subject: Subject, images: Bytes, dataset: str) -> dict[int, EffectiveField]:
    """The effective field of each layer that looks at something new, over the first of these images."""
    sample = images[:SAMPLE]

    def start() -> Steps[dict[int, EffectiveField]]:
        from mnistnet.insight.network import receptive_fields

        return receptive_fields.effective_fields(probe(subject, dataset), _layers(subject), sample)

    key = ("effective", *_weights(subject), dataset, _digest(sample))
    return computations.result(key, start, "Measuring the effective receptive field of each layer")


def top_activations(
    subject: Subject, dataset: str, layer: int, channel: int, images: Bytes, count: int
) -> list[TopActivation]:
    """The images, of the first of these, that drive a channel hardest."""
    sample = images[:DRIVEN_BY]

    def start() -> Steps[list[TopActivation]]:
        from mnistnet.insight.network import receptive_fields

        return receptive_fields.top_activations(probe(subject, dataset), layer, channel, sample, count)

    key = ("drivers", *_weights(subject), dataset, layer, channel, _digest(sample), count)
    return computations.result(key, start, "Searching the images that activate this channel most")


def training_images(run: Run) -> tuple[Bytes, Bytes]:
    """The images that the run was trained on, (n, 28, 28) uint8, and their labels. Raises DataError without them."""
    return _training_images(run.recipe.dataset, run.recipe.protocol)


@st.cache_resource(max_entries=2, show_spinner="Reading the training digits…")
def _training_images(dataset: str, protocol: str) -> tuple[Bytes, Bytes]:
    from mnistnet.data import splits

    part = splits.split(datasets.load(dataset, fetch=False), protocol).train  # type: ignore[arg-type]
    return part.images, part.labels


@dataclass(frozen=True, eq=False)
class SimilarDigit:
    """A training image (28, 28) uint8, its class's name, and how like a given one it is (cosine)."""

    image: Bytes
    name: str
    likeness: float


def searched(run: Run, *, everything: bool) -> tuple[Bytes, Bytes]:
    """The training images that are searched for similar ones, with their labels: about 5,000 at equal distances."""
    images, labels = training_images(run)
    step = 1 if everything else max(1, len(labels) // SEARCHED)
    return images[::step], labels[::step]


def similar_digits(
    run: Run, image: Bytes, count: int, of_class: int | None = None, *, everything: bool = False
) -> list[SimilarDigit]:
    """The training images, of one class or of any, most like one to this network."""
    from mnistnet.insight.network.neighbours import nearest

    images, labels = searched(run, everything=everything)
    places = np.arange(len(labels)) if of_class is None else np.flatnonzero(labels == of_class)
    with computations.turn():
        (wanted,) = finish(probe(run, run.recipe.dataset).features(image[None]))
    classes = datasets.source(run.recipe.dataset).classes
    found = nearest(_features(run, everything)[places], wanted, count)
    return [SimilarDigit(images[places[at]], classes[int(labels[places[at]])], likeness) for at, likeness in found]


def _features(run: Run, everything: bool) -> Floats:
    images, _ = searched(run, everything=everything)

    def start() -> Steps[Floats]:
        return probe(run, run.recipe.dataset).features(images)

    doing = f"Computing the features of {len(images):,} training digits, once"
    return computations.result(("features", *_weights(run), len(images)), start, doing)


def _digest(images: Bytes) -> bytes:
    return hashlib.blake2b(images.tobytes()).digest()


@st.cache_resource(max_entries=1, show_spinner=False)
def agreed_mistakes() -> dict[int, int]:
    """MNIST test images that all networks of the gallery answer alike and wrong, with that answer."""
    known = [found for run in GALLERY.runs() if (found := GALLERY.predictions(run, "test"))]
    if len(known) < 2:
        return {}
    return label_errors.candidates([one.probabilities.argmax(1) for one in known], known[0].labels)
