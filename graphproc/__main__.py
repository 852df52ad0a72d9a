"""`python -m graphproc` is the command line."""

from graphproc.cli.main import main

if __name__ == "__main__":
    main()
