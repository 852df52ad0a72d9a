"""What the tests of size rules share: sizes to try, the sizes that transformers' methods ask for, and the comparison."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import tiers
from support.graphs import run_expressions

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.sizes import num

Size = tuple[int, int]
Rule = Callable[[Any, Any], Sequence[Any]]
Oracle = Callable[[int, int], "Sequence[Any] | None"]

EDGES = (1, 2, 3, 7, 14, 15, 16, 17, 27, 28, 29, 31, 32, 33, 47, 48, 64, 224, 256, 288, 384, 448, 500, 512, 800, 1024, 1333)
H, W = num.symbol("height"), num.symbol("width")


def random_sizes(count: int, seed: int = 0) -> Iterator[Size]:
    """Yield sizes of every magnitude; half have an ordinary aspect ratio, many sides are multiples of 8."""
    rng = random.Random(seed)
    for _ in range(count):
        height = max(1, int(2 ** rng.uniform(0, 13.2)))
        width = max(1, int(2 ** rng.uniform(0, 13.2)) if rng.random() < 0.5 else int(height * rng.uniform(0.3, 3.0)))
        if rng.random() < 0.3:
            height, width = (height + 7) // 8 * 8, (width + 7) // 8 * 8
        yield height, width


def all_sizes(count: int = 3000) -> list[Size]:
    """Return every pair of boundary sides, extreme shapes, exact ratios, small sizes, and `count` random sizes."""
    pairs = [(h, w) for h in EDGES for w in EDGES]
    rng = random.Random(2)
    ratios = [(a * s, b * s) for a, b in ((1, 1), (1, 4), (2, 1), (9, 4)) for s in rng.sample(range(1, 2000), 150)]
    small = [(rng.randint(1, 100), rng.randint(1, 100)) for _ in range(600)]
    extreme = [(1, 500), (500, 1), (1, 9000), (9000, 1), (10, 2000), (10, 2001), (3000, 15), (3001, 15), (31, 17), (8192, 8192)]
    tokens = [(49, 256), (256, 49), (64, 196), (196, 64)]  # as many pixels as 16 tokens of 28 x 28
    step = 1 if tiers.everything() else 8
    return [*extreme, *tokens, *[*pairs, *ratios, *small, *random_sizes(count)][::step]]


def compare(rule: Rule, oracle: Oracle, count: int = 3000, graph: int = 120, nodes: int = 100) -> int:
    """Compare a rule with its oracle on ints everywhere, and traced through ONNX Runtime on some of the sizes.

    Args:
        rule: gives the results; the last one is its condition if it has one (see `guard`).
        oracle: gives the expected results; None where the source raises.
        count: the number of random sizes to try as ints.
        graph: the number of sizes to try in ONNX Runtime.
        nodes: the graph must have fewer nodes than this.

    Returns:
        How many of the sizes the source accepts.
    """
    sizes = all_sizes(count)
    expected = {size: oracle(*size) for size in sizes}
    for size, wanted in expected.items():
        found = list(rule(*size))
        if wanted is None:
            assert found[-1] is False, (size, found)
        else:
            assert [type(v) for v in found] == [type(v) for v in wanted], (size, found, wanted)
            assert found == list(wanted), (size, found, wanted)
    traced = list(rule(H, W))
    run = run_expressions(traced, ("height", "width"))
    for size in [*random.Random(1).sample(sizes, graph), (1, 1), (1, 500), (500, 1), (31, 17), (49, 256), (8192, 8192)]:
        height, width = size
        found, wanted = run(height=height, width=width), expected[size]
        if wanted is None:
            assert found[-1] is False, (size, found)
        else:
            assert found == list(wanted), (size, found, wanted)
            memo: dict[Any, Any] = {}
            assert [num.evaluate(x, {"height": height, "width": width}, memo) for x in traced] == list(wanted), size
    assert node_count(traced) < nodes
    return sum(wanted is not None for wanted in expected.values())


def node_count(expressions: Sequence[Any]) -> int:
    """Return the nodes that the expressions take in a graph."""
    import onnx_ir as ir

    g = GraphBuilder("cpu", 18, 0)
    for name in ("height", "width"):
        g.symbol(name, ir.Value(name=name, shape=ir.Shape([1]), type=ir.TensorType(ir.DataType.INT64)))
    for x in expressions:
        g.num(x)
    return len(g.nodes)


def pil_module(model: str) -> Any:
    """Return the module of transformers' numpy processor of a model."""
    pytest.importorskip("transformers", reason="transformers is the oracle")
    return importlib.import_module(f"transformers.models.{model}.image_processing_pil_{model}")


def torchvision_module(model: str) -> Any:
    """Return the module of transformers' torchvision processor of a model."""
    return importlib.import_module(f"transformers.models.{model}.image_processing_{model}")


def virtual(height: int, width: int) -> Any:
    """Return an image of any size, channels first, that takes no memory."""
    return np.broadcast_to(np.uint8(0), (3, height, width))


class AskedForError(Exception):
    """Ends a method at its resize.

    Attributes:
        size: height and width that it asked for.
    """

    def __init__(self, size: Any) -> None:
        self.size = (int(size.height), int(size.width)) if hasattr(size, "height") else (int(size[0]), int(size[1]))


def asked_size(monkeypatch: pytest.MonkeyPatch, module: Any, call: Callable[[Any], Any]) -> Oracle:
    """Return the size that a module's method asks the standard resize for, or the image's own if it does not call it."""
    from transformers import image_processing_backends as backends

    def stop(image: Any, size: Any = None, *args: Any, **kwargs: Any) -> Any:
        raise AskedForError(size)

    monkeypatch.setattr(backends.PilBackend, "resize", lambda self, image, size, *args, **kwargs: stop(image, size))
    for name in ("np_resize", "resize"):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, stop)

    def oracle(height: int, width: int) -> Sequence[Any]:
        try:
            result = call(virtual(height, width))
        except AskedForError as asked:
            return asked.size
        return tuple(result.shape[-2:])

    return oracle


def raising(function: Callable[[int, int], Sequence[Any]]) -> Oracle:
    """Make an oracle with True as the last result, and None where the function raises a ValueError."""

    def oracle(height: int, width: int) -> Sequence[Any] | None:
        try:
            return (*function(height, width), True)
        except ValueError:
            return None

    return oracle
