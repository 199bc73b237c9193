"""Starts the kernel compiler once for the tests of this folder."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def taichi():
    """The process' only initialisation."""
    from engine.core.taichi_runtime import init

    init(device="cpu")
