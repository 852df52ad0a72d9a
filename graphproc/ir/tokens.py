"""Split a program's text into words, and read them with errors that give the place."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, NoReturn, TypeVar

from graphproc.errors import ProgramError

MOST_CHARACTERS = 1 << 18
"""The most characters a text may have; the longest text of a processor has some ten thousand."""
MOST_NESTED = 50
"""How deep brackets and operands may be nested."""
MOST_SAID = 500
"""The most characters of an error's message, because fields may be long."""

T = TypeVar("T")
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*)
      |(?P<line>\n)
      |(?P<float>\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
      |(?P<int>\d+)
      |(?P<name>[A-Za-z_][A-Za-z0-9_.]*)
      |(?P<string>"(?:[^"\\\n]|\\.)*")
      |(?P<sign><=|>=|==|//|[-+*/%<>=()\[\],:])""",
    re.VERBOSE,
)
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class Token(NamedTuple):
    """Hold one word of a text.

    Attributes:
        kind: `name`, `int`, `float`, `string`, `sign`, `line` (the end of a line) or `end` (the end
            of the text).
        text: as it is written.
        line, column: where it starts, counted from 1.
    """

    kind: str
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        return {"line": "the end of the line", "end": "the end of the text"}.get(self.kind, self.text)


class Reader:
    """Read tokens one after another.

    Raises:
        ProgramError: the text is too long, or has a character that starts no token.
    """

    def __init__(self, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            raise ProgramError(f"text of a program: expected at most {MOST_CHARACTERS:,} characters, got {len(text):,}")
        self._tokens: list[Token] = []
        self._next = 0
        self._depth = 0
        line, start, place = 1, 0, 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                self.fail("a word, number, string or sign", Token("", repr(text[place]), line, place - start + 1))
            if match.lastgroup != "space":
                self._tokens.append(Token(str(match.lastgroup), match.group(), line, place - start + 1))
            place = match.end()
            if match.lastgroup == "line":
                line, start = line + 1, place
        self._tokens.append(Token("end", "", line, place - start + 1))

    def fail(self, expected: str, found: Token | None = None) -> NoReturn:
        """Raise a ProgramError that gives the place, what was expected and what was found."""
        token = self.peek() if found is None else found
        self.refuse(f"expected {expected}, found {token}", token)

    def refuse(self, problem: object, token: Token) -> NoReturn:
        """Raise a ProgramError that gives the place and what is wrong."""
        said = str(problem)
        said = said if len(said) <= MOST_SAID else f"{said[:MOST_SAID]} ..."
        raise ProgramError(f"text of a program: line {token.line}, column {token.column}: {said}")

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or one further on, without taking it."""
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def follows(self, *texts: str) -> bool:
        """Return whether the next tokens are these names or signs."""
        ahead = [self.peek(i) for i in range(len(texts))]
        return all(t.kind in ("name", "sign") and t.text == text for t, text in zip(ahead, texts, strict=True))

    def take(self) -> Token:
        """Return the next token and move past it."""
        token = self.peek()
        self._next += 1
        return token

    def skip(self, text: str) -> bool:
        """Take a name or sign if it is next; return whether it was."""
        found = self.follows(text)
        self._next += found
        return found

    def expect(self, text: str) -> Token:
        """Take a name or sign that must be next."""
        if not self.follows(text):
            self.fail(repr(text))
        return self.take()

    def name(self, what: str) -> str:
        """Take a name. A name with other characters than an identifier's stands in quotes."""
        if self.peek().kind == "string":
            return self.string(what)
        if self.peek().kind != "name":
            self.fail(what)
        return self.take().text

    def string(self, what: str) -> str:
        """Take a string in quotes."""
        token = self.peek()
        if token.kind != "string":
            self.fail(f"{what} in quotes")
        try:
            value: str = json.loads(token.text)
        except ValueError:
            self.fail(f"{what} in quotes, with JSON's escapes")
        self.take()
        return value

    def listed(self, item: Callable[[], T], end: str) -> list[T]:
        """Take items with commas between them, up to a closing sign."""
        items: list[T] = []
        while not self.follows(end):
            if items:
                self.expect(",")
            items.append(self.nested(item))
        self.expect(end)
        return items

    def nested(self, read: Callable[[], T]) -> T:
        """Take an item that may contain further items; refuse it if they are nested too deep."""
        if self._depth == MOST_NESTED:
            self.refuse(f"brackets and operands lie more than {MOST_NESTED} deep in one another", self.peek())
        self._depth += 1
        value = read()
        self._depth -= 1
        return value

    def end_line(self) -> None:
        """Take the end of a line, and empty lines after it."""
        if self.peek().kind not in ("line", "end"):
            self.fail("the end of the line")
        self.skip_lines()

    def skip_lines(self) -> None:
        """Take ends of lines."""
        while self.peek().kind == "line":
            self.take()


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is most similar, or an empty text if none is similar."""
    found = difflib.get_close_matches(name, list(known), 1)
    return f" Nearest: {found[0]}." if found else ""
