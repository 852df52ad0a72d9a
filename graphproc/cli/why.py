"""Explain a graph: what passes did, what the emitter chose, and which nodes have no CUDA kernel."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from graphproc.cli import output

if TYPE_CHECKING:
    import onnx

    from graphproc.emitters.onnx.emit import EmitOptions
    from graphproc.ir.program import Program
    from graphproc.passes.base import Rewritten

MAX_LINES = 12
"""How many kinds of nodes on the CPU are printed; JSON has every node."""


def explain(program: Program, options: EmitOptions, model: onnx.ModelProto) -> dict[str, Any]:
    """Return every decision between a program and its graph, as passes and emitter recorded it.

    Args:
        program: the program as it was compiled, bound where the graph is fixed to an image size.
        options: how its graph was emitted.
        model: the graph.

    Returns:
        Plain data: `passes`, `byte_maps`, `choices` and `cuda_fallbacks`, each a list.
    """
    from graphproc.emitters.onnx.checks import cuda_fallbacks
    from graphproc.emitters.onnx.emit import emit
    from graphproc.ops import ByteMap, RearrangeMapped, Resize
    from graphproc.passes.pipeline import rewrites

    done = list(rewrites(program, kernels=options.kernels))
    notes: list[Any] = []
    emit(program, options, notes=notes)
    return {
        "passes": [_pass(entry) for entry in done],
        "byte_maps": [
            {"step": s.output.name, "operations": [_operation_text(*operation) for operation in op.operations]}
            for s in done[-1].program.steps
            if isinstance(op := s.op.map if isinstance(s.op, Resize | RearrangeMapped) else s.op, ByteMap)
        ],
        "choices": [{"step": n.step, "about": n.about, "choice": n.choice, "reason": n.reason} for n in notes],
        "cuda_fallbacks": [{"node": n, "operator": o, "reason": r} for n, o, r in cuda_fallbacks(model)],
    }


def show(why: dict[str, Any], nodes: int) -> None:
    """Print an explanation of `explain`."""
    output.heading("Passes")
    output.fields((p["name"], _pass_text(p)) for p in why["passes"])
    for entry in why["byte_maps"]:
        output.text("")
        output.heading(f"Form of {entry['step']}")
        proof = "the cheapest operations tried with float32 results that are bit-equal on all 256 bytes of every channel"
        output.fields([("x -> float32", "\n".join(entry["operations"])), ("because", proof)])
    for step, choices in groupby(why["choices"], key=lambda c: c["step"]):
        output.text("")
        output.heading(f"Choices in {step}")
        output.fields((c["about"], "\n".join(filter(None, (c["choice"], c["reason"])))) for c in choices)
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


def _pass(done: Rewritten) -> dict[str, Any]:
    """Return what a pass did, and what it left alone and why."""
    return {
        "name": done.by.name,
        "what": " ".join((done.by.__doc__ or "").split("\n\n")[0].split()),
        "changes": [{"before": [op.name for op in gone], "after": [op.name for op in new]} for gone, new in done.changes],
        "declined": [{"steps": steps, "reason": reason} for steps, reason in done.declined],
    }


def _pass_text(entry: dict[str, Any]) -> str:
    changes = [f"{', '.join(c['before'])} -> {', '.join(c['after']) or 'nothing'}" for c in entry["changes"]]
    declined = [f"left {d['steps']} alone: {d['reason']}" for d in entry["declined"]]
    return "\n".join([*changes, *([entry["what"]] if changes else []), *declined]) or "found nothing to change"


def _operation_text(operation: str, constants: tuple[float, ...]) -> str:
    if operation == "table":
        return f"look up one of {len(constants)} values"
    if operation == "split":
        return f"x * {constants[0]!r} + x * {constants[1]!r} (one constant in two parts, the first product exact)"
    sign = {"mul": "*", "div": "/", "sub": "-", "add": "+"}[operation]
    return f"x {sign} {constants[0]!r}" if len(constants) == 1 else f"x {sign} {list(constants)}"
