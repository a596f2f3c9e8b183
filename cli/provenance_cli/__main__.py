"""Run the command as `python -m provenance_cli`."""

from __future__ import annotations

import sys

from provenance_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
