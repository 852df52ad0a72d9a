"""Cases of post-processing: a method on random outputs of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import random_outputs
import torch

from campaign.run import Outcome, attempt, judged
from graphproc.postprocessing.method import Method
from graphproc.postprocessing.registry import methods

LONGEST = 300
"""How many numbers a reproduction writes out; it draws more of them again."""


@dataclass(frozen=True)
class OutputsTrial:
    """One call of a post-processing method.

    Attributes:
        drawn: the numbers that outputs are drawn from: the campaign's seed, the group's and the case's number.
        case: the call.
        engine: the engine that runs it.
    """

    drawn: tuple[int, int, int]
    case: random_outputs.OutputCase
    engine: str

    @property
    def name(self) -> str:
        """Return the class's name."""
        return self.case.name

    @property
    def backend(self) -> str:
        """Return the backend."""
        return self.case.backend

    @property
    def kind(self) -> str:
        """Return the kind of case, for counts."""
        return f"post-processing, {self.engine}"

    def run(self) -> Outcome:
        """Run the case."""
        expected = attempt(lambda: random_outputs.run_theirs(self.case))
        found = attempt(lambda: random_outputs.run_ours(self.case, self.engine))
        return judged(self, found, expected, lambda: self.difference(found, expected))

    def difference(self, found: Any, expected: Any) -> str:
        """Return in words how two results differ, apart from near ties."""
        return random_outputs.settled(self.case, self.engine, found, expected)

    def script(self) -> str:
        """Return a program that shows the difference."""
        case = self.case
        lines = ["import sys; sys.path.insert(0, 'tools')", "import numpy as np, torch", "import random_outputs"]
        numbers = sum(value.numel() for value in case.outputs.values() if isinstance(value, torch.Tensor))
        if numbers <= LONGEST:
            outputs = "{" + ", ".join(f"{key!r}: {_literal(value)}" for key, value in case.outputs.items()) + "}"
            call = "{" + ", ".join(f"{key!r}: {_literal(value)}" for key, value in case.call.items()) + "}"
            head = f"{case.name!r}, {case.method!r}, {case.backend!r}, {case.dtype!r}"
            lines.append(f"case = random_outputs.OutputCase({head}, {outputs}, {call})")
        else:
            drawn = f"np.random.default_rng({self.drawn}), {case.name!r}, {case.method!r}"
            lines += [f"case = random_outputs.draw({drawn})", f"case.backend = {case.backend!r}"]
        return "\n".join(
            [*lines, "print(random_outputs.run_theirs(case))", f"print(random_outputs.run_ours(case, {self.engine!r}))"]
        )

    def simpler(self) -> Iterator[OutputsTrial]:
        """Yield cases that are simpler."""
        case = self.case
        method = methods(case.name)[case.method]
        images = min((len(value) for value in case.outputs.values() if value is not None), default=1)
        if images > 1:
            yield self._cut(method, None, 1)
        for key in case.call:
            yield self._changed(call={name: value for name, value in case.call.items() if name != key})
        if self.engine != "numpy":
            yield replace(self, engine="numpy")
        if case.dtype != "float32":
            yield self._changed(
                dtype="float32",
                outputs={k: v.float() if v is not None and v.is_floating_point() else v for k, v in case.outputs.items()},
            )
        lengths = {
            axis: case.outputs[key].shape[place + 1]
            for key, field in method.inputs.items()
            if case.outputs.get(key) is not None
            for place, axis in enumerate(field.shape)
            if isinstance(axis, str) and case.outputs[key].ndim > place + 1
        }
        for axis, have in lengths.items():
            for want in dict.fromkeys((0, 1, 2, have // 2, have - 1)):
                if 0 <= want < have:
                    yield self._cut(method, axis, want)

    def _changed(self, **changes: Any) -> OutputsTrial:
        return replace(self, case=replace(self.case, **changes))

    def _cut(self, method: Method, axis: str | None, length: int) -> OutputsTrial:
        """Return the case with only the first elements of every output along an axis; without an axis, the first images."""
        outputs = {}
        for key, value in self.case.outputs.items():
            shape = method.inputs[key].shape
            for place, name in enumerate(shape) if value is not None and axis is not None else ():
                value = value.narrow(place + 1, 0, length) if name == axis else value
            outputs[key] = value[:length] if value is not None and axis is None else value
        call = {key: _first(value, length) if axis is None else value for key, value in self.case.call.items()}
        return self._changed(outputs=outputs, call=call)


def _first(value: Any, length: int) -> Any:
    return value[:length] if isinstance(value, (list, tuple, torch.Tensor, np.ndarray)) else value


def _literal(value: Any) -> str:
    """Return a value as Python text."""
    if isinstance(value, torch.Tensor):
        text = str(value.tolist()).replace("nan", "float('nan')").replace("inf", "float('inf')")
        made = f"torch.tensor({text}, dtype={value.dtype})"
        return made if value.numel() else f"torch.zeros({list(value.shape)}, dtype={value.dtype})"
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()}, {value.dtype.name!r})"
    if isinstance(value, (list, tuple)):
        inner = "".join(f"{_literal(item)}, " for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, Mapping) or hasattr(value, "__dict__"):
        fields = value if isinstance(value, Mapping) else vars(value)
        return f"__import__('types').SimpleNamespace(**{{{', '.join(f'{k!r}: {_literal(v)}' for k, v in fields.items())}}})"
    return repr(value)


def trials(seed: int, index: int, name: str, backend: str, count: int = 4) -> list[OutputsTrial]:
    """Draw cases of a class's methods; none if transformers has none of them."""
    known = random_outputs.compared(name)
    found = []
    for place in range(count if known else 0):
        drawn = (seed, index, place)
        method = known[(index + place) % len(known)].name
        case = random_outputs.draw(np.random.default_rng(drawn), name, method)
        found.append(OutputsTrial(drawn, replace(case, backend=backend), ("numpy", "onnxruntime")[(index + place) % 3 == 0]))
    return found
