"""A contestant: the same graph, resized by ONNX's own `Resize`.

It is not exact, because ONNX Runtime computes its weights in float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from graphproc.bench.task import Contestant, LeftOutError, Task
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.ops import Resample, Resize
from graphproc.passes.lower_resample import LowerResample
from graphproc.runtime.session import Session

RUNTIME_RESIZE = "graph with ONNX's Resize"
MODES = {"bilinear": "linear", "bicubic": "cubic"}


@dataclass(frozen=True, slots=True)
class RuntimeResize(Resize):
    """The resize op, emitted as one `Resize` node with antialiasing."""

    def onnx(self, g: Any, x: Any) -> Any:
        """Emit `Resize` on channels first, then the window and the map."""
        rank = g.type_of(x).rank + g.leading
        if self.layout == "HWC":
            x = g.Transpose(x, perm=[*range(rank - 3), rank - 1, rank - 3, rank - 2])
        # sizes for all axes, because ONNX Runtime's transpose optimizer handles `axes` wrongly
        size = g.vector(g.Shape(x, start=0, end=rank - 2), self.height, self.width)
        options = {"mode": MODES[self.filter], "antialias": 1, "exclude_outside": 1, "cubic_coeff_a": -0.5}
        y = g.Resize(x, None, None, size, coordinate_transformation_mode="half_pixel", **options)
        if self.window:
            top, left, height, width = self.window
            y = g.Slice(y, g.vector(top, left), g.vector(top + height, left + width), g.vector(-2, -1))
        return y if self.map is None else self.map.apply(g, y)


def runtime_resize(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    """Yield the contestant, for images of any size."""
    filters = {step.op.filter for step in task.program.steps if isinstance(step.op, Resample)}
    if task.resize is None or not filters <= MODES.keys():
        raise LeftOutError(f"ONNX's Resize does not do what {task.processor.spec.name} does")
    program = LowerResample().run(task.program).program
    steps = tuple(replace(step, op=_other(step.op)) for step in program.steps)
    model = emit(replace(program, steps=steps), EmitOptions()).SerializeToString()
    for number in threads:
        session = Session(model, threads=number, kernels=False, specialise_after=None)
        yield Contestant(
            RUNTIME_RESIZE,
            lambda s=session: s.run(task.feeds),  # type: ignore[misc]
            number,
            task.batch,
            task.compare,
            note="not exact: float32 weights",
        )


def _other(op: Any) -> Any:
    if not isinstance(op, Resize):
        return op
    return RuntimeResize(**{field.name: getattr(op, field.name) for field in fields(op)})
