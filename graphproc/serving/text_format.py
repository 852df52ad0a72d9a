"""Write a protocol-buffer message as text, from plain Python values.

Source: the Text Format Language Specification of Protocol Buffers (protobuf.dev). Only what is needed
to write is here; the tests read the results with protobuf's own parser and the server's schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Scalar = str | int | bool
Field = Scalar | Mapping[str, "Field"] | Sequence["Field"]
"""A value: a text, a number, a message by the names of its fields, or several of a kind."""


class Word(str):
    """The name of a value of an enumeration, which is written without quotes."""


def message(fields: Mapping[str, Field]) -> str:
    """Return the text of a message, a field or an element of a repeated field in a line.

    A sequence of numbers is one line. Other sequences repeat the field, and empty ones leave it out;
    so a map is a sequence of messages with `key` and `value`.
    """
    return "".join(f"{line}\n" for line in _lines(fields))


def _lines(fields: Mapping[str, Field]) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            if value and all(isinstance(one, int) for one in value):
                yield f"{name}: [ {', '.join(map(_scalar, value))} ]"  # type: ignore[arg-type]
                continue
            for one in value:
                yield from _field(name, one)
        else:
            yield from _field(name, value)


def _field(name: str, value: Field) -> Iterator[str]:
    if isinstance(value, Mapping):
        inside = [f"  {line}" for line in _lines(value)]
        yield from [f"{name} {{", *inside, "}"] if inside else [f"{name} {{ }}"]
    else:
        yield f"{name}: {_scalar(value)}"  # type: ignore[arg-type]


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Word):
        return str(value)
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    """Return a text in quotes: printable ASCII as it is, every other byte of its UTF-8 in octal."""
    return f'"{"".join(map(_character, text.encode()))}"'


def _character(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
