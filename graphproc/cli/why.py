"""What decided the shape of a graph: passes, forms of arithmetic, and what CUDA would leave to the CPU."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from graphproc.cli import output
from graphproc.sizes import num

if TYPE_CHECKING:
    import onnx

    from graphproc.ir.program import Program, Step
    from graphproc.ops import Resize
    from graphproc.ops.resize.forms import Form, Rule

MAX_LINES = 12
"""How many kinds of CPU nodes are printed; JSON has every node."""


def explain(program: Program, model: onnx.ModelProto, target: str) -> dict[str, Any]:
    """Every decision on the way from a program to its graph.

    Args:
        program: the program as it was compiled, bound where the graph is fixed to an image size.
        model: its graph.
        target: the target that the graph was emitted for.

    Returns:
        Plain data: `passes`, `byte_maps`, `resizes` and `cuda_fallbacks`, each a list.
    """
    from graphproc.emitters.onnx.checks import cuda_fallbacks
    from graphproc.ops import ByteMap, Resize
    from graphproc.passes.pipeline import PASSES

    explained = []
    for rewrite in PASSES:
        after = rewrite.run(program)
        gone, new = _changes(program, after), _changes(after, program)
        what = " ".join((rewrite.__doc__ or "").split("\n\n")[0].split())
        explained.append({"name": rewrite.name, "numerics": rewrite.numerics, "what": what, "before": gone, "after": new})
        program = after
    return {
        "passes": explained,
        "byte_maps": [
            {"step": s.output.name, "forms": [_form_text(*form) for form in op.forms]}
            for s in program.steps
            if isinstance(op := s.op.map if isinstance(s.op, Resize) else s.op, ByteMap)
        ],
        "resizes": [_resize(program, s, s.op, target) for s in program.steps if isinstance(s.op, Resize)],
        "cuda_fallbacks": [{"node": n, "operator": o, "reason": r} for n, o, r in cuda_fallbacks(model)],
    }


def show(why: dict[str, Any], nodes: int) -> None:
    """Print an explanation."""
    output.heading("Passes")
    output.fields((p["name"], _pass_text(p)) for p in why["passes"])
    for entry in why["byte_maps"]:
        output.text("")
        output.heading(f"Form of {entry['step']}")
        proof = "the cheapest form tried whose float32 results are bit-equal on all 256 bytes of every channel"
        output.fields([("x -> float32", "\n".join(entry["forms"])), ("because", proof)])
    for entry in why["resizes"]:
        output.text("")
        output.heading(f"Products of {entry['step']} ({entry['filter']})")
        output.fields([*((p["axis"], f"{p['form']}\n{p['reason']}") for p in entry["passes"]), ("order", entry["order"])])
    output.text("")
    output.heading("On CUDA")
    fallbacks = why["cuda_fallbacks"]
    if not fallbacks:
        output.fields([("nodes", f"all {nodes} have CUDA kernels")])
        return
    reasons = Counter(f["reason"] for f in fallbacks)
    lines = [f"{count} x {reason}" for reason, count in reasons.most_common(MAX_LINES)]
    if len(reasons) > MAX_LINES:
        lines.append(f"and {len(reasons) - MAX_LINES} more; see --json")
    output.fields([("nodes", f"{len(fallbacks)} of {nodes} would run on the CPU"), ("because", "\n".join(lines))])


def _changes(program: Program, other: Program) -> list[str]:
    """The ops of a program's steps that the other does not have, as the other one's steps were."""
    kept = [step.op for step in other.steps]
    return [step.op.name for step in program.steps if step.op not in kept]


def _pass_text(entry: dict[str, Any]) -> str:
    if not entry["before"] and not entry["after"]:
        return "changed nothing"
    change = f"{', '.join(entry['before']) or 'nothing'} -> {', '.join(entry['after']) or 'nothing'} ({entry['numerics']})"
    return f"{change}\n{entry['what']}"


def _form_text(operation: str, constants: tuple[float, ...]) -> str:
    if operation == "table":
        return f"look up one of {len(constants)} values"
    if operation == "split":
        return f"x * {constants[0]!r} + x * {constants[1]!r} (one constant in two parts, the first product exact)"
    sign = {"mul": "*", "div": "/", "sub": "-", "add": "+"}[operation]
    return f"x {sign} {constants[0]!r}" if len(constants) == 1 else f"x {sign} {list(constants)}"


_ANY_ORDER = "decided in the graph for each image, as Pillow does"


def _resize(program: Program, step: Step, op: Resize, target: str) -> dict[str, Any]:
    """The form of each pass of a resize: for a fixed size the forms themselves, else the rule."""
    from graphproc.numerics.filters import NEAREST, TORCH_BYTES
    from graphproc.ops.resize.pieces import row_pieces
    from graphproc.sizes.rules import vertical_first

    source = program.value(step.inputs[0]).type
    whose = "torchvision" if op.arithmetic == TORCH_BYTES else "Pillow"
    height, width = source.size("H"), source.size("W")
    top, left, rows, columns = op.window or (0, 0, op.height, op.width)
    axes = {"vertical": (height, op.height, top, rows), "horizontal": (width, op.width, left, columns)}
    sides = {name: tuple(side for side in axis if isinstance(side, int)) for name, axis in axes.items()}
    known = all(len(sides[name]) == len(axes[name]) for name in axes)
    if op.kernel == NEAREST:
        order, passes = "either: pixels are picked, not computed", [_entry("both passes", "pick rows", "nearest has no weights")]
    elif known:
        vertical = bool(vertical_first(height, width, op.height, op.width, op.arithmetic))
        order = f"{'vertical' if vertical else 'horizontal'} first, as {whose} for this size"
        pieces = {"vertical": row_pieces(rows, columns) if target == "cpu" else rows, "horizontal": columns}
        passes = [_known(name, target, op, *axis, piece=num.known(pieces[name])) for name, axis in sides.items()]
    else:
        order = "horizontal first, as torchvision always" if whose == "torchvision" else _ANY_ORDER
        passes = _rule(target, op)
    return {"step": step.output.name, "filter": op.kernel, "order": order, "passes": passes}


def _known(axis: str, target: str, op: Resize, n_in: int, n_out: int, first: int, count: int, *, piece: int) -> dict[str, str]:
    from graphproc.ops.resize.bands import Axis, known_bands
    from graphproc.ops.resize.forms import choose_form

    name = f"{axis} pass"
    if n_in == n_out:
        return _entry(name, "none", f"the side stays at {n_in} pixels")
    along = Axis(n_in, n_out, first, count, piece=piece)
    _, weights, taps = known_bands(along, op.kernel, op.arithmetic)
    form, reason = choose_form(target, weights, taps, along.reduction, 0 if op.extent else n_out, op.kernel, op.arithmetic)
    return _entry(name, _product_text(form), f"{n_in} to {n_out} pixels, {reason}")


def _rule(target: str, op: Resize) -> list[dict[str, str]]:
    """The forms that a graph for any image size holds, and when it takes each."""
    from graphproc.ops.resize.forms import Rule, rule_of_any_size

    limits = {
        "outputs": "enlarging both sides, to {:.0f} pixels at most",
        "reduction": "shrinking up to {:.2g} times",
        "rows": "up to {:.0f} rows a block",
        "bits": "weights of up to {} bits",
    }

    def entries(part: Form | Rule, when: str) -> list[dict[str, str]]:
        if not isinstance(part, Rule):
            return [_entry(when, _product_text(part), "exact, and fastest")]
        within = ", ".join(filter(None, (when, limits[part.of].format(part.most))))
        return [*entries(part.within, within), *entries(part.above, f"{when}, above" if when else "above")]

    return entries(rule_of_any_size(target, op.kernel, op.arithmetic, () if op.extent else (op.height, op.width)), "")


def _product_text(form: Form) -> str:
    if form.digits == 1:
        return form.name
    return f"{form.name}, {form.digits} digits"


def _entry(axis: str, form: str, reason: str) -> dict[str, str]:
    return {"axis": axis, "form": form, "reason": reason}
