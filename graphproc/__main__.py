"""The program `graphproc`, and `python -m graphproc`: the command line, which Ctrl-C may end while it is still being loaded."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended."""


def main() -> None:
    """Run the command line of this process and exit."""
    try:
        from graphproc.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
