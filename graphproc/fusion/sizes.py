"""Give two graphs one set of dimension names: equal where values are joined, different everywhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion.match import Joint
from graphproc.fusion.sources import Side, describe, dims

Dimension = int | str | None
_NAME = re.compile(r"[A-Za-z_]\w*")


def fix_image(preprocessing: Side, image_size: tuple[int, int]) -> None:
    """Fix the height and width of the preprocessing's images.

    Raises:
        FusionError: they are fixed to others, or the images are a sequence of different sizes.
    """
    if len(image_size) != 2 or min(image_size) < 1:
        raise FusionError(f"image_size: expected (height, width) of at least 1 pixel each, got {image_size!r}")
    wanted = dict(zip(("height", "width"), image_size, strict=True))
    first = preprocessing.graph.inputs[0]
    found = dims(first) if isinstance(first.type, ir.TensorType) else None
    if found is None or len(found) < 3:
        raise FusionError(
            f"image_size: {preprocessing.where} takes {describe(first)}, images of any sizes. Leave image_size out."
        )
    sides = found[-3:-1]  # of [batch, height, width, channels], or of one image without a batch axis
    if any(isinstance(have, int) and have != want for have, want in zip(sides, image_size, strict=True)):
        raise FusionError(f"image_size: expected {image_size}, but {preprocessing.where} takes {describe(first)}")
    named = {have: want for have, want in zip(sides, image_size, strict=True) if isinstance(have, str)}
    _rewrite(preprocessing, {**wanted, **named}.get)
    first.shape = ir.Shape([*found[:-3], *image_size, found[-1]])


def unify(preprocessing: Side, model: Side, joints: Sequence[Joint]) -> dict[Joint, dict[int, int]]:
    """Give dimensions that are equal at the joints one name or number on both sides, and others different names.

    Returns:
        For each joint, the sizes to check, by axis: those fixed in the model that depend on the images.

    Raises:
        FusionError: a name would have to stand for two numbers.
    """
    ours: dict[str, int] = {}
    theirs: dict[str, Dimension] = {}
    checked: dict[Joint, dict[int, int]] = {}
    given = {d for v in preprocessing.graph.inputs for d in dims(v) or () if isinstance(d, str)}
    for joint in joints:
        taken = dims(joint.target) or []
        for axis, (a, b) in enumerate(zip(joint.sides or [None] * len(taken), taken, strict=True)):
            both = f"{preprocessing.label} output {describe(joint.source)} and {model.label} input {describe(joint.target)}"
            where = f"axis {axis} of {both}"
            if not isinstance(a, int) and isinstance(b, int):
                if a not in given:
                    checked.setdefault(joint, {})[axis] = b
                elif a is not None and ours.setdefault(a, b) != b:
                    hint = "Export the model for any batch size."
                    raise FusionError(f"{where}: {a} would have to be both {ours[a]} and {b}. {hint}")
            elif isinstance(b, str) and a is not None:
                have = theirs.setdefault(b, a)
                if isinstance(have, int) and isinstance(a, int) and have != a:
                    raise FusionError(f"{where}: the model's {b} would have to be both {have} and {a}")
                if isinstance(a, int):
                    theirs[b] = a
    _rewrite(preprocessing, ours.get)
    used = {d for v in _values(preprocessing) for d in dims(v) or () if isinstance(d, str)}
    used -= set(ours)
    final = {b: ours.get(a, a) if isinstance(a, str) else a for b, a in theirs.items()}

    def renamed(name: str) -> Dimension:
        if name in final:
            return final[name]
        return f"{model.label}_{name}" if name in used else None

    _rewrite(model, renamed)
    return checked


def _values(side: Side) -> Iterator[ir.Value]:
    for graph in (side.graph, *side.graph.subgraphs()):
        yield from graph.inputs
        yield from graph.initializers.values()
        for node in graph:
            yield from node.outputs


def _rewrite(side: Side, new: Callable[[str], Dimension]) -> None:
    """Replace dimension names; `new` gives None for those that stay."""
    for value in _values(side):
        if value.shape is None or not isinstance(value.type, ir.TensorType):
            continue
        found = dims(value) or []
        changed = [_replaced(d, new) if isinstance(d, str) else d for d in found]
        if changed != found:
            value.shape = ir.Shape(changed)


def _replaced(dim: str, new: Callable[[str], Dimension]) -> Dimension:
    """Replace the names in a dimension. An expression with a name that became a number becomes unknown; it is not computed."""
    if _NAME.fullmatch(dim) or new(dim) is not None:
        found = new(dim)
        return dim if found is None else found
    names = {name: new(name) for name in _NAME.findall(dim)}
    if any(isinstance(found, int) for found in names.values()):
        return None
    return _NAME.sub(lambda match: str(names[match[0]] or match[0]), dim)
