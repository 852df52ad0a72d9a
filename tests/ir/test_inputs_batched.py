"""Programs of models' outputs: sizes that are inputs, and inputs that come in batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.graphs import ort

from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import EmitError, ImageError, ProgramError
from graphproc.executors import reference
from graphproc.ir.program import Input, Parity, Program, ProgramBuilder
from graphproc.ir.types import TensorType
from graphproc.ir.verify import verify
from graphproc.joins import Pad
from graphproc.ops import Binary, Reduce
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.sizes import num

SIZE = TensorType("i64", (2,))
NAMES = ("target_height", "target_width")
TARGET = (num.symbol("target_height"), num.symbol("target_width"))
ROWS, COLUMNS = num.symbol("rows"), num.symbol("columns")


@pytest.fixture
def program() -> Program:
    """Return maps at a size that is an input, and their number of elements."""
    b = ProgramBuilder("Example", Parity("nothing"), inputs_batched=True)
    scores = b.input("logits", TensorType("f32", (3, ROWS, COLUMNS), "CHW"))
    b.input("target_size", SIZE, NAMES)
    b.require(TARGET[0] * TARGET[1] <= 1000, "too large.")
    b.output("maps", b.add(Reduce("argmax", -3), b.add(Resample(*TARGET, "bilinear", False, TORCH_UNFUSED), scores)), Pad(-1))
    return b.finish()


# ---- the verifier and the text ---------------------------------------------------------------------------------


def test_a_good_program(program: Program) -> None:
    assert verify(program) is program
    assert program.inputs_batched
    assert program.inputs == (
        Input("logits", TensorType("f32", (3, ROWS, COLUMNS), "CHW")),
        Input("target_size", SIZE, NAMES),
    )
    assert program.symbols == ["columns", "rows", "target_height", "target_width"]
    assert not program.data_dependent_sizes  # inputs are known before any step


def test_text(program: Program) -> None:
    assert str(program) == (
        "program Example inputs_batched\n"
        '  parity<compared_with="nothing">\n'
        "  input logits: f32[3, rows, columns] CHW\n"
        "  input target_size: i64[2] size_names target_height, target_width\n"
        '  require target_height * target_width <= 1000: "too large."\n'
        '  resample = resample<height=target_height, width=target_width, filter="bilinear", antialias=False, '
        'arithmetic="torch_unfused">(logits): '
        "f32[3, target_height, target_width] CHW\n"
        '  reduce = reduce<kind="argmax", axis=-3>(resample): i64[target_height, target_width] HW\n'
        "  output maps = reduce: pad<fill=-1>\n"
    )


def test_sizes_that_no_input_has(program: Program) -> None:
    with pytest.raises(ProgramError, match=r"resample depends on unknown sizes \['target_height'\]"):
        verify(replace(program, inputs=program.inputs[:1]))


def test_sizes_of_several_axes() -> None:
    b = ProgramBuilder("Pairs", Parity("nothing"), inputs_batched=True)
    x = b.input("points", TensorType("f32", (num.symbol("n"), 4)))
    b.input("target_size", TensorType("i64", (2, 2)), ("height", "width", "second_height", "second_width"))
    numbers = tuple(num.symbol(name) for name in ("width", "height", "second_width", "second_height"))
    b.output("y", b.add(Binary("multiply", numbers), x))
    program = b.finish()
    points, sizes = np.ones((2, 5, 4), np.float32), np.array([[[3, 4], [5, 6]], [[7, 8], [9, 10]]])
    expected = np.float32([[4, 3, 6, 5], [8, 7, 10, 9]])[:, None].repeat(5, axis=1)
    for index in range(2):
        found = reference.run(program, {"points": points[index], "target_size": sizes[index]})["y"]
        np.testing.assert_array_equal(found, expected[index])
    found = ort(emit(program, EmitOptions(input="sequence")))({"points": points, "target_sizes": sizes})["y"]
    np.testing.assert_array_equal(found, expected)
    found = ort(emit(program, EmitOptions()))({"points": points, "target_size": sizes[0]})["y"]
    np.testing.assert_array_equal(found, expected[[0, 0]])


# ---- running ---------------------------------------------------------------------------------------------------


def test_the_reference_takes_sizes_from_inputs(program: Program, rng: np.random.Generator) -> None:
    logits = rng.random((3, 4, 5), dtype=np.float32)
    for height, width in ((4, 5), (9, 2), (1, 1)):
        run = reference.run(program, {"logits": logits, "target_size": np.array([height, width])})
        assert run["maps"].shape == (height, width)
    bound = program.bind(rows=4, columns=5, target_height=9, target_width=2)
    assert bound.value("reduce").type.shape == (9, 2)
    with pytest.raises(ProgramError, match="too large"):
        reference.run(program, {"logits": logits, "target_size": np.array([50, 50])})
    with pytest.raises(ProgramError, match="expected values for columns, rows, target_height, target_width, no target_width"):
        program.bind(rows=4, columns=5, target_height=9)
    for wrong in (np.array([3]), np.array([3, 4], np.int32), np.array([[3, 4]])):
        with pytest.raises(ImageError, match=r"target_size: expected i64\[2\]"):
            reference.run(program, {"logits": logits, "target_size": wrong})


def test_graphs_take_one_size_or_one_each(program: Program, rng: np.random.Generator) -> None:
    logits = rng.random((2, 3, 4, 5), dtype=np.float32)
    sizes = np.array([[9, 2], [3, 7]])
    runs = [reference.run(program, {"logits": x, "target_size": size}) for x, size in zip(logits, sizes, strict=True)]
    several = emit(program, EmitOptions(input="sequence"))
    found = ort(several)({"logits": logits, "target_sizes": sizes})["maps"]
    np.testing.assert_array_equal(found, reference.batch(program.outputs, runs)["maps"])
    assert (found == -1).sum() == 2 * 9 * 7 - 9 * 2 - 3 * 7
    for input in ("batch", "image"):
        one = ort(emit(program, EmitOptions(input=input)))  # type: ignore[arg-type]
        found = one({"logits": logits[1:], "target_size": sizes[1]})["maps"]
        np.testing.assert_array_equal(found[0], runs[1]["maps"])


def test_names_of_graph_inputs(program: Program) -> None:
    assert [program.graph_input_name(v.name, plural=plural) for plural in (False, True) for v in program.inputs] == [
        "logits",
        "target_size",
        "logits",
        "target_sizes",
    ]
    same = replace(program, outputs=(replace(program.outputs[0], name="logits"),))
    assert same.graph_input_name("logits") == "input_logits"
    images = replace(program, inputs_batched=False)
    assert images.graph_input_name("logits") == "logitses"
    assert images.graph_input_name("target_size") == "target_sizes"


def test_what_stacked_programs_have_no_use_for(program: Program) -> None:
    with pytest.raises(EmitError, match=r"image_size: Example reads a model's outputs, not images. Leave it out"):
        emit(program, EmitOptions(image_size=(3, 4)))
    with pytest.raises(EmitError, match="target 'portable' has no float64"):
        emit(program, EmitOptions("portable"))
