"""The house keeps its three floors, and its sources keep their rules."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "avatars", "garments", "sim", "render", "recsys")


def test_import_contracts():
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("import-linter is not installed (pip install .[dev])")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def sources():
    return [p for package in PACKAGES for p in (ROOT / package).rglob("*.py")]


def test_taichi_and_pickle_stay_in_their_place():
    for path in sources():
        name, text = path.relative_to(ROOT).as_posix(), path.read_text()
        if name != "engine/core/taichi_runtime.py":
            assert "import taichi" not in text, f"{name}: Taichi is imported only through engine.core.taichi_runtime"
        if name != "avatars/convert_pickle.py":
            assert "import pickle" not in text and "allow_pickle=True" not in text, name


def test_engine_core_does_not_pull_in_the_top_floor():
    code = (
        "import sys, engine.core.types, engine.core.codec;"
        "tops = ('torch', 'taichi', 'avatars', 'sim');"
        "bad = [m for m in sys.modules if m.split('.')[0] in tops or m == 'engine.pipeline'];"
        "print(bad); sys.exit(bool(bad))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
