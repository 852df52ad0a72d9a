"""Read a program from its text: `parse(str(program)) == program`.

Each statement is one line; comments start with `#`:

    program Example
      parity<compared_with="Pillow 13">
      input image: u8[height, width, 3] HWC
      require height <= 2 * width: "the image is too tall"
      size s0 = max(height // 2, 1)
      first = to_channels_first(image): u8[3, height, width] CHW
      small = resample<height=s0, width=224, filter="bicubic">(first)
      output pixel_values = small: pad

The type of a step's result need not be written; where it is written, it is checked. Fields with
their default value are left out. A text may come from strangers: nothing in it is run, and its
length, its depth of nesting and its numbers have limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import numpy as np

from graphproc.errors import GraphprocError
from graphproc.ir.delivery import TENSOR, Delivery
from graphproc.ir.fields import CONDITION, NUMBER, class_name, field_kinds, fits, kind_text
from graphproc.ir.join import Join, registered_joins
from graphproc.ir.op import registered_ops
from graphproc.ir.parse_sizes import SizeReader
from graphproc.ir.program import OWN_PARITY, Input, Output, Parity, Precondition, Program, Step, ValueInfo
from graphproc.ir.tokens import Reader, Token, nearest
from graphproc.ir.types import TensorType
from graphproc.ir.verify import verify
from graphproc.joins.stack import STACK
from graphproc.sizes import num

T = TypeVar("T")


def parse(text: str) -> Program:
    """Read the text of a program, as `str(program)` gives it or as it is written by hand.

    Args:
        text: the text; see `graphproc/AUTHORING.md` for its form.

    Returns:
        The verified program.

    Raises:
        ProgramError: the text is not a program; the message gives the line, the column, what was
            expected and what was found. Or the program breaks a rule of the IR.
    """
    with np.errstate(all="ignore"):  # arithmetic on the numbers of tables
        return verify(_Text(text).program())


def parse_type(text: str) -> TensorType:
    """Read a type, in which sizes are numbers and names: `"u8[height, width, 3] HWC"`.

    Raises:
        ProgramError: the text is not a type.
    """
    read = _Text(text)
    type = read.value_type(declares=True)
    read.end()
    return type


class _Text:
    """Read one text."""

    def __init__(self, text: str) -> None:
        self._reader = Reader(text)
        self._ops, self._joins = registered_ops(), registered_joins()
        self._sizes = SizeReader(self._reader)
        self._types: dict[str, TensorType] = {}

    # ---- statements ----------------------------------------------------------------------------------------------

    def program(self) -> Program:
        """Read the whole text as a program."""
        reader = self._reader
        reader.skip_lines()
        reader.expect("program")
        name = reader.name("the program's name")
        inputs_batched = reader.skip("inputs_batched")
        reader.end_line()
        parity = OWN_PARITY
        inputs: list[Input] = []
        steps: list[Step] = []
        outputs: list[Output] = []
        preconditions: list[Precondition] = []
        while reader.peek().kind != "end":
            statement = reader.peek().text if reader.peek(1).text != "=" else ""
            if statement == "parity":
                reader.take()
                parity = self._record(Parity)
            elif statement == "input":
                inputs.append(self._input())
            elif statement == "symbol":
                self._symbol()
            elif statement == "require":
                reader.take()
                holds = self._typed("the condition", CONDITION, self._sizes.expression)
                reader.expect(":")
                preconditions.append(Precondition(holds, reader.string("a message")))
            elif statement == "size":
                reader.take()
                token, size = reader.peek(), reader.name("a size's name")
                reader.expect("=")
                self._sizes.define(size, token, self._sizes.expression())
            elif statement == "output":
                outputs.append(self._output())
            else:
                steps.append(self._step())
            reader.end_line()
        return Program(name, tuple(inputs), tuple(steps), tuple(outputs), parity, tuple(preconditions), inputs_batched)

    def end(self) -> None:
        """Refuse more text."""
        self._reader.end_line()
        if self._reader.peek().kind != "end":
            self._reader.fail("the end of the text")

    def _symbol(self) -> None:
        """Read `symbol NAME >= LOW`: a size that each image has, and the least that it can be."""
        self._reader.expect("symbol")
        token, name = self._reader.peek(), self._reader.name("a size's name")
        self._reader.expect(">=")
        self._sizes.define(name, token, num.symbol(name, self._typed("the least size", int, self._value)))

    def _input(self) -> Input:
        """Read `input NAME: TYPE [size_names NAME, ...]`.

        A new name among its sizes becomes a symbol of this input.
        """
        self._reader.expect("input")
        name = self._new_name()
        self._reader.expect(":")
        type = self.value_type(declares=True)
        self._types[name] = type
        return Input(name, type, self._size_names())

    def _step(self) -> Step:
        """Read `NAME = OP<FIELD=VALUE, ...>(NAME, ...)[: TYPE] [size_names NAME, ...]`."""
        reader = self._reader
        if reader.peek().kind not in ("name", "string"):
            reader.fail("a statement")
        name = self._new_name()
        reader.expect("=")
        start = reader.peek()
        op = self._registered("an op", self._ops)
        reader.expect("(")
        operands = reader.listed(self._operand, ")")
        try:
            type = op.infer(*(self._types[name] for name in operands))
        except Exception as error:  # with fields and operands from strangers, a shape rule may raise anything
            problem = error if isinstance(error, GraphprocError) else f"{op.name} refuses its fields and operands ({error!r})"
            reader.refuse(problem, start)
        if reader.skip(":"):
            token = reader.peek()
            declared = self.value_type()
            if declared != type:
                reader.refuse(f"expected {type}, which {op.name} gives, found {declared}", token)
        self._types[name] = type
        return Step(op, tuple(operands), ValueInfo(name, type), self._size_names())

    def _output(self) -> Output:
        """Read `output NAME = VALUE[: JOIN][, sample JOIN][, delivery<...>]`.

        Without a join, results are stacked.
        """
        reader = self._reader
        reader.expect("output")
        name = reader.name("an output's name")
        reader.expect("=")
        value = self._operand()
        join: Join = self._registered("a join", self._joins) if reader.skip(":") else STACK
        sample, delivery = None, TENSOR
        while reader.skip(","):
            if reader.skip("sample"):
                sample = self._registered("a join", self._joins)
            else:
                delivery = self._registered("sample or delivery", {Delivery.name: Delivery})
        return Output(name, value, join, sample, delivery)

    def _new_name(self) -> str:
        token, name = self._reader.peek(), self._reader.name("a value's name")
        if name in self._types:
            self._reader.refuse(f"the value {name!r} is assigned twice", token)
        return name

    def _operand(self) -> str:
        token, name = self._reader.peek(), self._reader.name("a value's name")
        if name not in self._types:
            self._reader.refuse(f"expected the name of a value, found {name!r}.{nearest(name, self._types)}", token)
        return name

    def _size_names(self) -> tuple[str, ...]:
        """Read `size_names NAME, ...`: names for the elements of an int64 value.

        Later sizes may use these names.
        """
        names: list[str] = []
        more = self._reader.skip("size_names")
        while more:
            names.append(self._reader.name("a size's name"))
            self._sizes.declare(names[-1])
            more = self._reader.skip(",")
        return tuple(names)

    def value_type(self, declares: bool = False) -> TensorType:
        """Read `DTYPE[SIZE, ...] [LAYOUT]`."""
        reader, start = self._reader, self._reader.peek()
        dtype = reader.name("an element type")
        reader.expect("[")

        def size() -> Any:
            name = reader.peek()
            if declares and name.kind == "name" and reader.peek(1).text in (",", "]"):
                self._sizes.declare(name.text)
            return self._typed("a size", NUMBER, self._sizes.expression)

        shape = tuple(reader.listed(size, "]"))
        layout = reader.take().text if reader.peek().kind == "name" and not reader.follows("size_names") else ""
        try:
            return TensorType(dtype, shape, layout)
        except GraphprocError as error:
            reader.refuse(error, start)

    # ---- fields --------------------------------------------------------------------------------------------------

    def _registered(self, what: str, classes: Mapping[str, type[T]]) -> T:
        """Read `NAME<FIELD=VALUE, ...>`, where the name is a key of `classes`.

        Without fields the brackets may be left out.
        """
        token, name = self._reader.peek(), self._reader.name(what)
        if name not in classes:
            self._reader.refuse(f"expected {what}, found {name!r}.{nearest(name, classes)}", token)
        return self._record(classes[name], token) if self._reader.follows("<") else self._made(classes[name], {}, token)

    def _record(self, cls: type[T], start: Token | None = None) -> T:
        """Read `<FIELD=VALUE, ...>` and make an instance of a class with these fields."""
        start = start or self._reader.peek()
        given: dict[str, Any] = {}
        self._reader.expect("<")
        self._reader.listed(lambda: self._field(cls, given), ">")
        return self._made(cls, given, start)

    def _made(self, cls: type[T], given: Mapping[str, Any], token: Token) -> T:
        required = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]
        if missing := [name for name in required if name not in given]:
            self._reader.refuse(f"{class_name(cls)}: expected a field {missing[0]!r}, found {', '.join(given) or 'none'}", token)
        return cls(**given)

    def _field(self, cls: type, given: dict[str, Any]) -> None:
        """Read `FIELD=VALUE` and add it to the fields already read."""
        kinds = field_kinds(cls)
        token, name = self._reader.peek(), self._reader.name("a field")
        if name not in kinds or name in given:
            left = [field for field in kinds if field not in given]
            self._reader.refuse(f"{class_name(cls)}: expected a field of {', '.join(left) or 'none'}, found {name!r}", token)
        self._reader.expect("=")
        given[name] = self._typed(f"{class_name(cls)}: {name} to be", kinds[name], self._value)

    def _typed(self, what: str, kind: Any, read: Callable[[], Any]) -> Any:
        """Read a value and refuse it unless it is of a kind, a Python annotation."""
        token = self._reader.peek()
        value = read()
        if not fits(value, kind):
            self._reader.refuse(f"expected {what} {kind_text(kind)}, found {value!r}", token)
        return value

    def _value(self) -> Any:
        """Read a number, size, string, op, None, or a list of these."""
        reader = self._reader
        if reader.skip("["):
            return tuple(reader.listed(self._value, "]"))
        if reader.peek().kind == "string":
            return reader.string("a text")
        if reader.skip("None"):
            return None
        fields = reader.peek(2).text == ">" or (reader.peek(2).kind == "name" and reader.peek(3).text == "=")
        if reader.peek().kind == "name" and reader.peek(1).text == "<" and fields:
            return self._registered("an op", self._ops)
        return self._sizes.expression()
