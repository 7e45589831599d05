"""`python -m dimscope`."""

from dimscope.cli.main import main

if __name__ == "__main__":
    main()
