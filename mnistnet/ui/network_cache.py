"""Results that need a network, each computed once for the same weights and arguments and shared by all sessions.

torch is imported by the first computation, never by drawing a page.
"""

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeAlias, TypeVar

import numpy as np
import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes, Floats
from mnistnet.insight.network import receptive_fields, saliency
from mnistnet.insight.network.neighbours import nearest
from mnistnet.insight.network.receptive_fields import EffectiveField, TopActivation, UnitAttribution
from mnistnet.insight.network.saliency import Occlusion
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

P = ParamSpec("P")
T = TypeVar("T")

FIELD_IMAGES = 64  # images that an effective receptive field is averaged over
ACTIVATION_IMAGES = 2_000  # images that are searched for those that activate a channel most
SEARCHED = 5_000  # training images, about, that are searched for similar ones unless all are asked for

# A trained network, or a design with the random weights that training begins with.
Subject: TypeAlias = Run | Architecture


def architecture(subject: Subject) -> Architecture:
    """The design of the network."""
    return subject if isinstance(subject, Architecture) else subject.architecture


def _layers(subject: Subject) -> list[int]:
    return [row.layer for _, row in cache.named_layers(architecture(subject))]


def _identity(argument: object) -> Hashable:
    """A value that is equal for equal arguments: of a run its weights, of images a hash of their pixels."""
    if isinstance(argument, Run):
        weights = argument.weights_sha256 or f"{argument.id}/{argument.attempt}/{argument.epochs_done}"
        return str(default_root()), weights
    if isinstance(argument, np.ndarray):
        return hashlib.blake2b(argument.tobytes()).digest()
    return argument


def _computed(doing: str) -> Callable[[Callable[P, Steps[T]]], Callable[P, T]]:
    """Makes a function of a computation in steps: it returns the result, computed once for the same arguments.

    The page shows `doing` meanwhile. The function raises as `computations.result`, and as `probe`.
    """

    def decorated(steps: Callable[P, Steps[T]]) -> Callable[P, T]:
        @wraps(steps)
        def result(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (steps.__name__, *map(_identity, (*args, *kwargs.values())))
            return computations.result(key, lambda: steps(*args, **kwargs), doing)

        return result

    return decorated


def probe(subject: Subject, dataset: str) -> "Probe":
    """The probe of a network. `dataset` says how its images are normalised.

    Raises sources.NoWeights or gallery.DamagedEntry where its weights are not available, OverLimit where the
    computations take more memory than is allowed here.
    """
    limits.require_memory_for_probe(architecture(subject))
    computations.prepare()
    if isinstance(subject, Architecture):
        return _untrained(subject, dataset)
    return _trained(_identity(subject), subject)


@st.cache_resource(max_entries=8, show_spinner="Loading the network…")
def _trained(identity: Hashable, _run: Run) -> "Probe":
    from mnistnet.insight.network.probe import Probe
    from mnistnet.insight.network.weights import network_of

    return Probe(network_of(cache.store(), _run), datasets.source(_run.recipe.dataset))


@st.cache_resource(max_entries=8, show_spinner="Building the network…")
def _untrained(architecture: Architecture, dataset: str) -> "Probe":
    from mnistnet.insight.network.probe import Probe
    from mnistnet.nets.network import build

    return Probe(build(architecture), datasets.source(dataset))


def probabilities(run: Run, images: Bytes) -> Floats:
    """The probabilities of images (n, 28, 28) uint8: (n, 10). Not cached: it takes milliseconds."""
    found = probe(run, run.recipe.dataset)
    with computations.turn():
        return found.probabilities(images)


@_computed("Covering the digit, place by place")
def occlusion(run: Run, image: Bytes, shade: int) -> Steps[Occlusion]:
    """The logits of an image (28, 28) uint8 with a patch of brightness `shade` around each pixel in turn."""
    return (yield from saliency.occlusion(probe(run, run.recipe.dataset), image, shade))


@_computed("Computing the gradient")
def gradient(run: Run, image: Bytes, towards: int, against: int) -> Steps[Floats]:
    """(28, 28): the derivative of the lead of class `towards` over `against` by each pixel of an image."""
    yield 0.0
    return saliency.gradient(probe(run, run.recipe.dataset), image, towards, against)


@_computed("Computing what each layer adds")
def unit_attributions(run: Run, image: Bytes, towards: int) -> Steps[dict[int, UnitAttribution]]:
    """For each layer with a receptive field of its own, the unit that adds most to the logit of class `towards`."""
    network = probe(run, run.recipe.dataset)
    return (yield from receptive_fields.unit_attributions(network, _layers(run), image, towards))


@_computed("Computing the feature maps")
def feature_maps(run: Run, image: Bytes) -> Steps[dict[int, Floats]]:
    """The maps (channels, h, w) of each layer with a receptive field of its own, for one image (28, 28) uint8."""
    yield 0.0
    found = probe(run, run.recipe.dataset).shown(image)
    return {layer: found[layer] for layer in _layers(run)}


@_computed("Measuring the effective receptive field of each layer")
def effective_fields(subject: Subject, images: Bytes, dataset: str) -> Steps[dict[int, EffectiveField]]:
    """The effective receptive field of each layer with a receptive field of its own, averaged over the images."""
    return (yield from receptive_fields.effective_fields(probe(subject, dataset), _layers(subject), images))


@_computed("Searching the images that activate this channel most")
def top_activations(
    subject: Subject, dataset: str, layer: int, channel: int, images: Bytes, count: int
) -> Steps[list[TopActivation]]:
    """The `count` images that activate a channel of a layer most."""
    return (yield from receptive_fields.top_activations(probe(subject, dataset), layer, channel, images, count))


def training_images(run: Run) -> tuple[Bytes, Bytes]:
    """The images (n, 28, 28) uint8 that the run was trained on, and their labels. Raises DataError without them."""
    return _training_images(run.recipe.dataset, run.recipe.protocol)


@st.cache_resource(max_entries=2, show_spinner="Reading the training digits…")
def _training_images(dataset: str, protocol: str) -> tuple[Bytes, Bytes]:
    from mnistnet.data import splits

    part = splits.split(datasets.load(dataset, fetch=False), protocol).train  # type: ignore[arg-type]
    return part.images, part.labels


@dataclass(frozen=True, eq=False)
class SimilarDigit:
    """A training image (28, 28) uint8, the name of its class, and the cosine of its features with those of another."""

    image: Bytes
    name: str
    similarity: float


def searched_digits(run: Run, *, everything: bool) -> tuple[Bytes, Bytes]:
    """The training images that are searched for similar ones, and their labels: all, or about 5,000, evenly spaced."""
    images, labels = training_images(run)
    step = 1 if everything else max(1, len(labels) // SEARCHED)
    return images[::step], labels[::step]


def similar_digits(
    run: Run, image: Bytes, count: int, of_class: int | None = None, *, everything: bool = False
) -> list[SimilarDigit]:
    """The `count` training images, of one class or of any, whose features are most similar to those of `image`."""
    images, labels = searched_digits(run, everything=everything)
    places = np.arange(len(labels)) if of_class is None else np.flatnonzero(labels == of_class)
    with computations.turn():
        (wanted,) = finish(probe(run, run.recipe.dataset).features(image[None]))
    classes = datasets.source(run.recipe.dataset).classes
    found = nearest(_features(run, images)[places], wanted, count)
    return [SimilarDigit(images[places[at]], classes[int(labels[places[at]])], cosine) for at, cosine in found]


def _features(run: Run, images: Bytes) -> Floats:
    """The features (n, channels) of the training images searched; their number tells which these are."""
    doing = f"Computing the features of {len(images):,} training digits, once"
    key = ("features", _identity(run), len(images))
    return computations.result(key, lambda: probe(run, run.recipe.dataset).features(images), doing)


@st.cache_resource(max_entries=1, show_spinner=False)
def agreed_mistakes() -> dict[int, int]:
    """The MNIST test images that all networks of the gallery predict alike and wrong: index to predicted class."""
    known = [found for run in GALLERY.runs() if (found := GALLERY.predictions(run, "test"))]
    if len(known) < 2:
        return {}
    return label_errors.candidates([one.probabilities.argmax(1) for one in known], known[0].labels)
