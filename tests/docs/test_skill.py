"""The skill says what is there: its front matter is what agents want, and each of its commands runs."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest
from tests.factory import make_origin, payload, report
from tests.processes import ROOT
from tests.sourcemaps.kits import Kit

from provenance_cli.main import main
from provenance_server.settings import KEPT, environment_variable
from provenance_storage.store import Store
