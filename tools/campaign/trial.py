"""A case of preprocessing: everything that decides its outcome, and the program that repeats it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cases.parity as parity_cases
import numpy as np
import transformers

import graphproc as gp
from campaign import values
from campaign.pictures import Picture, joined
from campaign.values import literal
from graphproc.configs import timm
from graphproc.ir.types import DTYPES
from graphproc.processors.registry import lookup, specs

LARGEST = 100_000_000
"""Images with a step of more elements take minutes in numpy: a strip in Donut's defaults has 400 million."""
PRELUDE = "import numpy as np, torch, transformers, graphproc as gp\nfrom PIL import Image"


@dataclass(frozen=True)
class Graph:
    """How a graph is made.

    Attributes:
        input: `batch`, `image` or `sequence`.
        target: `cpu`, `cuda` or `portable`.
        opset: the version of the default domain.
        color: the colour order of the image.
        fixed: empty for any size, `image_size` for a fixed one, or `overrides` for free dimensions that
            ONNX Runtime fixes.
    """

    input: str = "batch"
    target: str = "cpu"
    opset: int = 18
    color: str = "rgb"
    fixed: str = ""


@dataclass(frozen=True)
class Trial:
    """One case.

    Attributes:
        name: the class's name.
        backend: the backend.
        settings: the settings in the constructor, or the file.
        call: the settings in the call.
        pictures: the images, in order.
        nesting: the form in which they are given (`pictures.joined`).
        extra_inputs: the extra inputs of the call, an expression for each keyword.
        given: how settings are given: `constructor`, `file`, or a file `saved by transformers` or
            `saved by graphproc`.
        tensors: `return_tensors`.
        engine: the engine that runs the call.
        graph: how to make the graph that runs instead of a call; None for a call.
    """

    name: str
    backend: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    nesting: str = "one"
    extra_inputs: Mapping[str, str] = field(default_factory=dict)
    given: str = "constructor"
    tensors: str | None = "np"
    engine: str = "numpy"
    graph: Graph | None = None

    @property
    def kind(self) -> str:
        """Return the kind of case, for counts."""
        if self.graph is not None:
            return f"graph of {self.graph.input}"
        return f"call, {self.engine}"

    @property
    def reference(self) -> str:
        """Return the name of transformers' class."""
        pil = self.backend == "pil" and hasattr(transformers, f"{self.name}Pil")
        return f"transformers.{self.name}{'Pil' if pil else ''}"

    def load(self) -> None:
        """Import both classes."""
        getattr(transformers, self.reference.removeprefix("transformers."))
        getattr(gp, self.name)

    @property
    def folder(self) -> str:
        """Return the statement that writes the file of settings; empty if they are given to the constructor."""
        if self.given == "file":
            content = literal({**self.settings, "image_processor_type": self.name})
            return f"(folder / {self._file!r}).write_text(__import__('json').dumps({content}))"
        if self.given == "saved by transformers":
            return f"{self.reference}({', '.join(self._settings())}).save_pretrained(folder)"
        if self.given == "saved by graphproc":
            return f"{self.ours}.save_pretrained(folder)"
        return ""

    @property
    def _file(self) -> str:
        """Return the name of the file of settings; timm's are in the model's file."""
        return "config.json" if self.name == timm.CLASS else "preprocessor_config.json"

    @property
    def ours(self) -> str:
        """Return the expression that makes our processor."""
        if self.given in ("file", "saved by transformers"):
            return f'gp.{self.name}.from_pretrained(folder, backend="{self.backend}")'
        return f"gp.{self.name}({', '.join([f'backend={self.backend!r}', *self._settings()])})"

    @property
    def theirs(self) -> str:
        """Return the expression that makes transformers' processor."""
        if self.given != "constructor":  # whoever saved a file, transformers' reading of it is what counts
            return f"{self.reference}.from_pretrained(folder)"
        return f"{self.reference}({', '.join(self._settings())})"

    def _settings(self) -> list[str]:
        return [f"{key}={literal(value)}" for key, value in self.settings.items()]

    @property
    def images(self) -> str:
        """Return the expression of the images."""
        return joined([picture.source for picture in self.pictures], self.nesting)

    def keywords(self) -> str:
        """Return the keywords of both calls."""
        extra_inputs = "".join(f", {key}={text}" for key, text in self.extra_inputs.items())
        settings = "".join(f", {key}={literal(value)}" for key, value in self.call.items())
        return f"return_tensors={self.tensors!r}{extra_inputs}{settings}"

    def script(self) -> str:
        """Return a program of about ten lines that shows the difference."""
        lines = [PRELUDE]
        body = self._body()
        lines += values.helpers_in("\n".join(body))
        return "\n".join([*lines, *body])

    def _body(self) -> list[str]:
        lines = []
        if self.folder:
            lines += ["folder = __import__('pathlib').Path(__import__('tempfile').mkdtemp())", self.folder]
        lines.append(f"images = lambda: {self.images}")
        theirs = f"theirs = {self.theirs}(images(), {self.keywords()})"
        if self.graph is None:
            lines.append(f"ours = {self.ours}(images(), {self.keywords()}, engine={self.engine!r})")
            lines.append(theirs)
        else:
            lines += self.graph_lines()
        lines.append("for key in theirs:\n    print(key, ours[key], theirs[key], sep='\\n')")
        return lines

    def graph_lines(self) -> list[str]:
        """Return the statements that make the graph and run it, and our call that it should equal."""
        assert self.graph is not None
        options = self.graph_options()
        run = [f"graph = {self.ours}.to_onnx({options})"]
        feeds = self.feeds()
        if self.graph.fixed == "overrides":
            run += [
                "options = ort.SessionOptions()",
                f"for name in (sizes := {self.overrides()!r}):",
                "    options.add_free_dimension_override_by_name(name, sizes[name])",
                "session = ort.InferenceSession(graph.SerializeToString(), options, providers=['CPUExecutionProvider'])",
                f"ours = dict(zip((o.name for o in session.get_outputs()), session.run(None, {feeds})))",
            ]
            run.insert(0, "import onnxruntime as ort")
        else:
            run.append(f"ours = gp.Session(graph, threads=1).run({feeds})")
        return [*run, f"theirs = {self.ours}(images(), {self.keywords()}, engine='numpy')"]

    def graph_options(self) -> str:
        """Return the keywords of `to_onnx`."""
        assert self.graph is not None
        graph = self.graph
        found = f"input={graph.input!r}, target={graph.target!r}, opset={graph.opset}, color={graph.color!r}"
        if names := [name for name, extra in lookup(self.name).extra_inputs.items() if extra.keyword in self.extra_inputs]:
            found += f", inputs={names!r}"
        if graph.fixed == "image_size":
            found += f", image_size={(self.pictures[0].height, self.pictures[0].width)}"
        return found

    def overrides(self) -> dict[str, int]:
        """Return the lengths to fix free dimensions to, by name."""
        assert self.graph is not None
        sides = {"height": self.pictures[0].height, "width": self.pictures[0].width}
        return sides if self.graph.input == "image" else {"batch": len(self.pictures), **sides}

    def feeds(self) -> str:
        """Return the expression of the graph's inputs."""
        assert self.graph is not None
        arrays = [f"np.array({picture.source})" for picture in self.pictures]
        if self.graph.color == "bgr":
            arrays = [f"{array}[..., ::-1].copy()" for array in arrays]
        if self.graph.color == "gray":
            arrays = [f"{array}[..., None]" for array in arrays]
        each = {"image": f"[{', '.join(arrays)}]"}
        for name, extra in lookup(self.name).extra_inputs.items():
            if extra.keyword in self.extra_inputs:
                dtype, given = np.dtype(DTYPES[extra.dtype]).name, self.extra_inputs[extra.keyword]
                each[name] = f"[np.asarray(one, {dtype!r}) for one in {given}]"
        form = {"image": "{}[0]", "batch": "np.stack({})", "sequence": "{}"}[self.graph.input]
        return "{" + ", ".join(f"{self._input(name)!r}: {form.format(specs)}" for name, specs in each.items()) + "}"

    def _input(self, name: str) -> str:
        """Return the graph's name for an input of the program."""
        assert self.graph is not None
        if self.graph.input != "image":
            name = f"{name}es" if name.endswith(("s", "x")) else f"{name}s"
        return f"input_{name}" if name in lookup(self.name).outputs else name


def reference_exists(name: str, backend: str) -> bool:
    """Tell whether transformers' class can be imported here with the backend."""
    return backend in specs()[name].backends


def skipped(trial: Trial) -> bool:
    """Tell whether neither side is tried with one of the images' sizes: the tests' case says so, or it takes minutes."""
    case = parity_cases.CASES[trial.name]
    settings = {**trial.settings, **trial.call, "backend": trial.backend}
    sizes = [(p.height, p.width) for p in trial.pictures]
    if any(case.skip(size, settings) for size in sizes):
        return True
    try:
        program = parity_cases.compiled(trial.name, settings)
        return any(parity_cases.too_large(program, size, LARGEST) for size in sizes)
    except Exception:  # which is for the case to find
        return False


def refused_on_purpose(trial: Trial) -> bool:
    """Tell whether the tests' case says that this package refuses one of the images' sizes with the settings."""
    case = parity_cases.CASES[trial.name]
    settings: dict[str, Any] = {**trial.settings, **trial.call, "backend": trial.backend}
    sizes: Sequence[tuple[int, int]] = [(p.height, p.width) for p in trial.pictures]
    return any(case.refuses(size, settings) for size in sizes)
