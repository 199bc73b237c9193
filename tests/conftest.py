"""Shared fixtures: where reference data lies, and a cache folder that no test shares with the user's."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _shared() -> Path:
    return Path(os.environ.get("TOILE_SHARED") or ROOT.parent / "shared")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of reference data beside the checkout (or TOILE_SHARED); skips where it is not there."""
    folder = _shared() / "data"
    if not folder.is_dir():
        pytest.skip("the reference data folder is not there (set TOILE_SHARED)")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _own_result_cache(tmp_path_factory):
    os.environ["TOILE_RESULTS"] = str(tmp_path_factory.mktemp("results"))
    yield
