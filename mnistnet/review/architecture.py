"""The questions about layers, kernels, pooling and receptive fields, from the design alone."""

from dataclasses import dataclass
from functools import cache

from mnistnet import gallery
from mnistnet.nets.architecture import Linear
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import CLASSES, IMAGE_SIZE, INPUT
from mnistnet.review.answers import LAYERS, Concern, Place
from mnistnet.review.layers import Facts, Weighted, counted, facts, first_number, numbered, pools

_MOST = 0.5  # of all parameters in one layer


@dataclass(frozen=True)
class Finding:
    """The finding of a question in a design or recipe: see `Answer`."""

    figure: str
    why: str
    concern: Concern = Concern.FINE
    place: Place | None = LAYERS


def layers(of: Facts) -> Finding:
    """The number of layers."""
    linear = [one.number for one in of.weighted if isinstance(one.layer, Linear)]
    figure = (
        f"{counted(of.weighted, 'layer')} with weights of {len(of.layers)}: "
        f"{counted(of.convolutions, 'convolution')}, {len(linear)} fully connected"
    )
    why = "Each convolution larger than 1×1 adds to the receptive field, and each layer with weights costs parameters."
    if linear:
        why = f"Fully connected: {numbered(linear)}, which the assignment does not allow. {why}"
    return Finding(figure, why, Concern.LOOK if linear else Concern.FINE, Place(linear[0]) if linear else LAYERS)


def convolutions_3x3(of: Facts) -> Finding:
    """The number of 3x3 convolutions, and what larger full ones could save."""
    three = [one for one in of.convolutions if one.kernel == 3]
    depthwise = [one for one in three if not one.is_full]
    larger = [one for one in of.convolutions if one.kernel > 3]
    figure = f"{len(three)} of {counted(of.convolutions, 'convolution')}"
    figure += f", {len(depthwise)} of them depthwise" if depthwise else ""
    why = "Two 3×3 convolutions see 5×5 pixels with 18 weights for each pair of channels, where one 5×5 takes 25."
    costly = [one for one in larger if one.is_full and _saved(one) > 0]
    if not costly:
        return Finding(figure, why, place=Place(first_number(three)))
    most = max(costly, key=_saved)
    said = (
        f"Layer {most.number} is {most.kernel}×{most.kernel} with {most.row.params:,} parameters; "
        f"{(most.kernel - 1) // 2} convolutions of 3×3 with as many channels see as much with {_saved(most):,} fewer."
    )
    return Finding(figure, f"{said} {why}", Concern.LOOK, Place(most.number))


def _saved(one: Weighted) -> int:
    """Weights that a stack of 3x3 convolutions with the same receptive field has fewer; negative where it has more."""
    inputs, outputs = one.before.channels, one.row.channels
    stack = 9 * inputs * outputs + ((one.kernel - 1) // 2 - 1) * 9 * outputs**2
    return one.kernel**2 * inputs * outputs - stack


def receptive_field(of: Facts) -> Finding:
    """The part of the image that is seen before the map becomes single values, and by the prediction."""
    last = of.last_map
    where = f"layer {last.layer + 1}" if last is not INPUT else "the image itself"
    figure = (
        f"{last.field} pixels (the image has {IMAGE_SIZE}) at {where}, the last with a map ({last.size}×{last.size})"
    )
    smallest = min(facts(PRESETS[name].architecture).last_map.field for name in _trained())
    if not of.output.covers_image:
        span = of.output.receptive_fields[0]
        why = (
            f"The prediction reads pixels {span.start} to {span.stop - 1} of 0 to {IMAGE_SIZE - 1} along each axis: "
            "what lies outside cannot change it."
        )
        return Finding(figure, why, Concern.LOOK)
    if last.field < smallest:
        why = f"Smaller than in every network of the gallery (at least {smallest}): strokes are not seen together."
        return Finding(figure, why, Concern.LOOK)
    return Finding(figure, "The prediction reads the whole image; a feature can be no larger than this field.")


def kernels(of: Facts) -> Finding:
    """The number of kernels of each layer, and which layer takes most parameters."""
    widths = [one.row.channels for one in of.weighted if one.is_full]
    widest = max(of.weighted, key=lambda one: one.row.params, default=None)
    if widest is None or not widths:
        return Finding("no convolution", "Without kernels nothing is learned from neighbouring pixels.", Concern.LOOK)
    share = widest.row.params / of.summary.params
    figure = f"{' → '.join(map(str, _steps(widths)))}; layer {widest.number} has {share:.0%} of the parameters"
    why = (
        "The weights of a convolution grow with the product of the channels before and behind it: "
        f"{widest.row.params:,} of {of.summary.params:,} here."
    )
    is_much = share > _MOST and len(of.weighted) > 2
    return Finding(figure, why, Concern.LOOK if is_much else Concern.FINE, Place(widest.number))


def _steps(widths: list[int]) -> list[int]:
    """The widths without repetitions in a row."""
    return [width for place, width in enumerate(widths) if place == 0 or width != widths[place - 1]]


def pooling(of: Facts) -> Finding:
    """The places of max-pooling, and what it drops."""
    if not of.max_pools:
        strided = [one.number for one in of.convolutions if one.layer.type != "linear" and one.layer.stride > 1]
        figure = f"none; stride 2 in {numbered(strided)}" if strided else "none"
        return Finding(figure, "Without it every layer works on the full map, and the field grows by 2 a convolution.")
    maps = [f"layer {number} ({row.before.size}→{row.size})" for number, row in of.max_pools if row.before]
    odd = [
        number
        for number, row in of.max_pools
        if row.before and row.size * (row.jump // row.before.jump) < row.before.size
    ]
    figure = f"{', '.join(maps)}; before the first: field {_before(of)} pixels"
    if odd:
        why = f"Of the map at {numbered(odd)}, the last rows and columns are not read: the sizes do not divide."
        return Finding(figure, why, Concern.LOOK, Place(odd[0]))
    why = "Each 2×2 pooling doubles the step between units and leaves a quarter of the values to compute."
    return Finding(figure, why, place=Place(of.max_pools[0][0]))


def _before(of: Facts) -> int:
    return (of.max_pools[0][1].before or INPUT).field


def pooling_distance(of: Facts) -> Finding:
    """The distance of the last max-pooling from the prediction, in layers and pixels."""
    if not of.max_pools:
        return Finding("no max-pooling", "Where there is none, no position is lost before the prediction.")
    number, row = of.max_pools[-1]
    behind, spatial = of.with_weights_after(number), of.spatial_after(number)
    figure = (
        f"{counted(behind, 'layer')} with weights behind it (layer {number}), {len(spatial)} of them larger than 1×1; "
        f"map {row.size}×{row.size}, units {row.jump} pixels apart"
    )
    if not spatial:
        why = "No convolution behind it combines neighbouring units: only the prediction reads what was pooled last."
        return Finding(figure, why, Concern.LOOK, Place(number))
    why = "Pooling forgets where in its window the maximum was; convolutions behind it combine what is left."
    return Finding(figure, why, place=Place(number))


def pointwise(of: Facts) -> Finding:
    """Which 1x1 convolutions there are, and whether they make the map narrower."""
    narrowing = [one for one in of.transitions if one.row.channels < one.before.channels]
    figure = f"{counted(of.transitions, 'transition layer')} (1×1), {len(narrowing)} of them with fewer channels behind"
    if narrowing:
        figure += ": " + ", ".join(
            f"layer {one.number} ({one.before.channels}→{one.row.channels})" for one in narrowing[:4]
        )
    padded = [one for one in of.convolutions if one.kernel == 1 and one.layer.type != "linear" and one.layer.padding]
    if padded:
        why = (
            f"Padding around a 1×1 convolution ({numbered(one.number for one in padded)}) adds a border of units that "
            "read no pixel: set it to 0."
        )
        return Finding(figure, why, Concern.LOOK, Place(padded[0].number))
    why = "A 1×1 convolution mixes channels at a ninth of the weights of a 3×3, and sees no further."
    return Finding(figure, why, place=Place(first_number(of.transitions)))


def transition_position(of: Facts) -> Finding:
    """The places of transition layers: beside pooling or behind depthwise convolutions."""
    if not of.transitions:
        return Finding("no transition layer", "Without one, only convolutions that also see further change the width.")
    places: dict[str, list[int]] = {}
    for one in of.transitions:
        places.setdefault(_where(of, one), []).append(one.number)
    said = [f"{len(numbers)} {where} ({numbered(numbers)})" for where, numbers in places.items()]
    figure = "; ".join(said)
    why = "Beside pooling it makes the block narrow again; behind a depthwise convolution it is what mixes channels."
    return Finding(figure, why, place=Place(of.transitions[0].number))


def _where(of: Facts, one: Weighted) -> str:
    if one.before.type == "depthwise":
        return "behind a depthwise convolution"
    if pools(one.before):
        return "behind pooling"
    following = of.summary.of_layer(one.number)  # which counts from 0: the layer behind
    return "before pooling" if following and pools(following[0]) else "between other layers"


def stopping(of: Facts) -> Finding:
    """When convolutions stop, and what the alternative costs there."""
    spatial = [one for one in of.convolutions if one.kernel > 1 and one.before.size > 1]
    beyond = [one.number for one in spatial if one.kernel > one.before.size]
    reached = next((one for one in spatial if one.row.field >= IMAGE_SIZE), None)
    last = of.last_map
    alternative = last.size**2 * last.channels * CLASSES
    figure = f"{last.channels} maps of {last.size}×{last.size} at the end"
    if reached:
        later = [one for one in spatial if one.number > reached.number]
        figure += f"; field {reached.row.field} at layer {reached.number}, {counted(later, 'larger convolution')} later"
    if beyond:
        why = f"{numbered(beyond).capitalize()}: the kernel is larger than its map, so part of it reads padding alone."
        return Finding(figure, why, Concern.LOOK, Place(beyond[0]))
    why = (
        f"Once the field covers the image, a kernel as large as the map would take {alternative:,} weights to ten "
        "outputs; global average pooling takes none."
    )
    return Finding(figure, why, place=Place(spatial[-1].number) if spatial else LAYERS)


def softmax(of: Facts) -> Finding:
    """The output of the network: logits, and whether anything cuts them."""
    head = of.head
    steps = head.layer.steps if head else ()
    figure = f"{CLASSES} logits; softmax is part of the loss"
    if "relu" in steps and head:
        why = f"ReLU behind layer {head.number} cuts negative logits to 0: classes that are ruled out become equal."
        return Finding(figure, why, Concern.LOOK, Place(head.number))
    why = "Cross-entropy takes logits and applies log-softmax itself, so the network needs none; the order is the same."
    return Finding(figure, why, place=Place(head.number) if head else LAYERS)


@cache
def _trained() -> tuple[str, ...]:
    """The presets that the gallery has trained."""
    return tuple(dict.fromkeys(entry.preset for entry in gallery.entries().values()))
