"""Serve MCP over stdin and stdout: what a host of bundles runs, in an environment made from `pyproject.toml`."""

import sys

from provenance_cli.main import main

if __name__ == "__main__":
    sys.exit(main(["mcp"]))
