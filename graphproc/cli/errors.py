"""Show errors as one line of text and an exit code: the only place that decides what a failure looks like."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from graphproc.errors import GraphprocError

CHECK_FAILED = 1
"""The exit code when a verification found a difference."""
BAD_INPUT = 2
"""The exit code for bad usage, or input that cannot be used."""
INTERRUPTED = 130
"""The exit code after Ctrl-C."""

_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
# Typer contains its own copy of click, and does not export that copy's UsageError.


class Group(TyperGroup):
    """The commands, with deliberate errors shown as one line.

    Anything that is neither a usage error nor a `GraphprocError` is a defect and keeps its traceback.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit with its code."""
        try:
            # not standalone, because Typer would print usage errors as a box of several lines
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except _USAGE_ERROR as error:
            code = _fail(_usage_text(error))
        except GraphprocError as error:
            code = _fail(self._as_typed(args, str(error)))
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)

    def _as_typed(self, args: Sequence[str] | None, text: str) -> str:
        """Replace the library's name of an option at the start of an error's text by the name that is typed for it."""
        words = sys.argv[1:] if args is None else args
        command = next((self.commands[word] for word in words if word in self.commands), None)
        name, colon, rest = text.partition(": ")
        typed = {str(p.name): p.opts[0] for p in command.params if p.param_type_name == "option"} if command else {}
        typed |= {"inputs": typed["extra_inputs"]} if "extra_inputs" in typed else {}
        return f"{typed[name]}{colon}{rest}" if colon and name in typed else text


def _usage_text(error: Any) -> str:
    message = error.format_message()
    message += "" if message.endswith((".", "?")) else "."
    return f"{message} Try `{error.ctx.command_path} --help`." if error.ctx is not None else message


def _fail(text: str) -> int:
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    print(f"graphproc: {line}", file=sys.stderr)
    return BAD_INPUT
