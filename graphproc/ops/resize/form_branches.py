"""Make the bands of both axes, in the product form that their sizes decide.

The form of an axis of known size is chosen here, while the graph is made. For other sizes the graph
chooses, in an `If` with a branch for each form.
"""

from __future__ import annotations

from collections.abc import Callable

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.enlarging import float32_weights
from graphproc.numerics.filters import NEAREST, PRECISION_BITS
from graphproc.ops.resize.bands import Axis, Band, Bands, known_bands, picked_rows
from graphproc.ops.resize.forms import (
    BLOCK_LENGTH,
    ENLARGING,
    INT8_2,
    PAIRED,
    PAIRED_BLOCK_LENGTH,
    SINGLE_BLOCK_LENGTH,
    FormChoice,
    ProductForm,
    choice_of_any_size,
    choose_form,
    int8_block_length,
    own_unit,
)
from graphproc.ops.resize.products import packed
from graphproc.ops.resize.traced_bands import Sampling, TracedBands, traced_bands
from graphproc.sizes import num


def with_bands(g: Builder, axes: tuple[Axis, Axis], filter: str, arithmetic: str, steps: Callable[[Bands], Value]) -> Value:
    """Emit the weights of both axes, and what `steps` emits from their bands.

    If the form of the products depends on the image, `steps` is called once for each form, inside
    the branches of an `If`. One decision serves both axes, on the larger reduction: a second `If`
    costs more than the better form would save. The choice of the block length comes before the
    weights, so that the length is a number in each branch.
    """
    if filter == NEAREST or all(axis.known for axis in axes):
        named = zip(axes, ("vertical axis", "horizontal axis"), strict=True)
        vertical, horizontal = (_known_band(g, axis, name, filter, arithmetic) for axis, name in named)
        return steps((vertical, horizontal))
    sides = [axis.n_out for axis in axes] if all(axis.whole for axis in axes) else []
    choice = choice_of_any_size(g.target, filter, arithmetic, sides)
    with g.scope("weights"):
        sampling = Sampling.of(g, axes, filter)

    def in_form(form: ProductForm, bands: TracedBands, when: str) -> Value:
        g.note(when, str(form), "exact, and fastest")
        with g.scope("weights"):
            weights = packed(g, bands.weights, bands.unit, form)
            both = bands.band(g, 0, weights, form), bands.band(g, 1, weights, form)
        return steps(both)

    def decided(choice: ProductForm | FormChoice, length: int, when: str = "", bands: TracedBands | None = None) -> Value:
        """Emit the axis steps in a form, or in the forms of a choice.

        `when` says in words for which sizes they are taken. If no bands are given, weights are
        emitted in blocks of `length`.
        """
        if isinstance(choice, FormChoice) and choice.of == "outputs":
            enlarges = sampling.enlarges(g, choice.most)
            return _either(g, choice, when, enlarges, lambda part, when: decided(part, BLOCK_LENGTH, when))
        if isinstance(choice, FormChoice) and choice.of == "reduction":
            few = g.LessOrEqual(sampling.reduction, g.constant([choice.most], "f64"))
            floats = PAIRED_BLOCK_LENGTH if choice.within == PAIRED else SINGLE_BLOCK_LENGTH
            lengths = {choice.within: floats, choice.above: int8_block_length(filter)}
            return _either(g, choice, when, few, lambda part, when: decided(part, lengths[part], when))
        if bands is None:
            with g.scope("weights"):
                bands = traced_bands(g, axes, sampling, arithmetic, length, choice == ENLARGING)
        if isinstance(choice, ProductForm):
            return in_form(choice, bands, when)
        found = bands
        return _either(g, choice, when, bands.within(g, choice), lambda part, when: decided(part, length, when, found))

    return decided(choice, BLOCK_LENGTH)


def _either(
    g: Builder, choice: FormChoice, when: str, within: Value, emit: Callable[[ProductForm | FormChoice, str], Value]
) -> Value:
    """Emit both branches of a choice, each with the words for when it is taken."""
    within_when = f"{when}, {choice}" if when else str(choice)
    above_when = when if when.endswith("otherwise") else f"{when}, otherwise" if when else "otherwise"
    names = _name(choice.within), _name(choice.above)
    return g.cond(within, lambda: emit(choice.within, within_when), lambda: emit(choice.above, above_when), names)


def _name(part: ProductForm | FormChoice) -> str:
    """Return the name of a branch, which is that of its nodes' scope."""
    return part.name if isinstance(part, ProductForm) else f"few_{part.of}"


def _known_band(g: Builder, axis: Axis, name: str, filter: str, arithmetic: str) -> Band:
    """Emit the band of an axis of known size, or of one that only picks pixels; `name` is for the note."""
    if g.target == "portable" and not axis.known:
        choice_of_any_size(g.target, filter, arithmetic)
    picked = picked_rows(g, axis, filter)
    if picked is not None:
        stays = axis.n_in == axis.n_out
        g.note(name, *("none", f"the side stays at {axis.n_in} pixels") if stays else ("pick pixels", "nearest has no weights"))
        return picked
    rows, weights, taps = known_bands(axis, filter, arithmetic)
    begin, end = int(rows.min()), int(rows.max()) + 1
    n_out = num.known(axis.n_out) if axis.whole else 0
    form, reason = choose_form(g.target, weights, taps, axis.reduction, n_out, filter, arithmetic)
    g.note(name, str(form), f"{axis.n_in} to {axis.n_out} pixels, {reason}")
    unit = 1 << PRECISION_BITS
    if form == INT8_2:
        weights, unit = weights // own_unit(weights), unit // own_unit(weights)
    if form == ENLARGING:
        weights = float32_weights(weights, n_out)
    multiplied = packed(g, g.constant(weights[None], "f32"), None, form)
    blocks = len(rows) // num.known(axis.strips)
    return Band(axis, g.constant(rows[None] - begin, "i64"), begin, end - begin, blocks, weights.shape[1], multiplied, form, unit)
