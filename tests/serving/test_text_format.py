"""Protocol-buffer text is what protobuf's own parser reads back."""

from __future__ import annotations

from google.protobuf import struct_pb2, text_format, wrappers_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from hypothesis import example, given
from hypothesis import strategies as st

from graphproc.serving.text_format import Word, message


@given(st.text(st.characters(codec="utf-8")))
@example('a "quoted" \\ text\n\tin two lines, é 🐈 \0 1')
@example("\x00" + "7")
def test_any_text(text: str) -> None:
    written = message({"value": text})
    assert written.isascii()
    assert written.count("\n") == 1
    assert text_format.Parse(written, wrappers_pb2.StringValue()).value == text


def test_numbers_words_messages_and_maps() -> None:
    fields = {
        "name": "M",
        "field": [{"name": "a", "number": -3, "label": Word("LABEL_REPEATED"), "proto3_optional": True}, {"number": 2}],
        "options": {"deprecated": False},
        "reserved_name": ["x", "y"],
        "extension": [],
        "oneof_decl": [{}],
    }
    written = message(fields)  # type: ignore[arg-type]
    found = text_format.Parse(written, DescriptorProto())
    assert [f.number for f in found.field] == [-3, 2]
    assert found.field[0].label == FieldDescriptorProto.LABEL_REPEATED
    assert found.field[0].proto3_optional
    assert found.HasField("options")
    assert found.options.HasField("deprecated")
    assert list(found.reserved_name) == ["x", "y"]
    assert len(found.oneof_decl) == 1
    assert not found.extension
    entry = {"key": "k", "value": {"string_value": "v"}}
    assert text_format.Parse(message({"fields": [entry]}), struct_pb2.Struct()).fields["k"].string_value == "v"


def test_numbers_are_one_line() -> None:
    assert message({"path": [1, -1, 3]}) == "path: [ 1, -1, 3 ]\n"
