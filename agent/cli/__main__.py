"""Entry point of `python -m agent.cli`."""

from agent.cli.main import main

main()
