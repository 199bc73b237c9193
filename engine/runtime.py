"""What surrounds a run: progress bars, timings, versions, a clean stdout, the manifest."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from engine import __version__
from engine.config import Config
from engine.core.safe_io import read_json, write_json

__all__ = ["Progress", "Run", "code_version", "only_json_on_stdout"]

Progress = Callable[[float, str], None]
PACKAGES = (
    "numpy",
    "scipy",
    "torch",
    "taichi",
    "mediapipe",
    "opencv-contrib-python",
    "open3d",
    "moderngl",
    "pygltflib",
)


@functools.cache
def code_version() -> str:
    """Version plus a hash of Toile's own sources: a changed line of code makes a changed cache key."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for package in ("engine", "avatars", "garments", "sim"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".yaml", ".npz") and "__pycache__" not in path.parts:
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@contextlib.contextmanager
def only_json_on_stdout(active: bool) -> Iterator[Callable[[str], None]]:
    """While active, everything that libraries print on stdout goes to stderr; yields a printer to the true stdout."""
    if not active:
        yield print
        return
    sys.stdout.flush()
    true_stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield lambda line: os.write(true_stdout, (line + "\n").encode())
    finally:
        sys.stdout.flush()
        os.dup2(true_stdout, 1)
        os.close(true_stdout)


@dataclass
class Run:
    """One run: where it writes, its settings, how long each stage took."""

    out: Path
    config: Config
    quiet: bool = False
    garments: int = 1  #: worn together
    timings: dict[str, float] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def stage(self, name: str, title: str) -> Iterator[Progress]:
        """Times a stage and shows its progress on stderr; the times of a stage that runs again add up."""
        start = time.perf_counter()
        with _bar(title, self.quiet) as progress:
            yield progress
        self.timings[name] = round(self.timings.get(name, 0.0) + time.perf_counter() - start, 3)

    def input_file(self, path: str | Path) -> None:
        """Notes an input file and its hash for the manifest."""
        self.inputs[Path(path).name] = hashlib.sha256(Path(path).read_bytes()).hexdigest()

    def write_manifest(self, **more: Any) -> Path:
        """Writes manifest.json, last: versions, config, seed, hashes of inputs and outputs, seconds per stage.

        What the folder's earlier manifest says is worn stays, where a later stage does not say it anew.
        """
        manifest = self.out / "manifest.json"
        earlier = read_json(manifest, what="manifest") if manifest.is_file() else {}
        worn = {name: earlier[name] for name in ("garments", "fabrics", "options") if name in earlier}
        outputs = {}
        for path in sorted(self.out.iterdir()):
            if path.is_file() and path.name != "manifest.json" and not path.name.startswith("."):
                outputs[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        versions = {"toile": code_version(), "python": platform.python_version()}
        for package in PACKAGES:
            with contextlib.suppress(metadata.PackageNotFoundError):
                versions[package] = metadata.version(package)
        value = {
            "versions": versions,
            "machine": {"system": platform.system(), "processor": platform.machine(), "cpus": os.cpu_count()},
            "config": asdict(self.config),
            "seed": self.config.seed,
            "inputs": self.inputs,
            "outputs": outputs,
            "timings_s": self.timings,
            "total_s": round(sum(self.timings.values()), 3),
            "from_cache": self.cached,
            "warnings": self.warnings,
            **worn,
            **more,
        }
        return write_json(manifest, value)


@contextlib.contextmanager
def _bar(title: str, quiet: bool) -> Iterator[Progress]:
    if quiet:
        yield lambda fraction, text="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(30),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=1.0, note="")

        def progress(fraction: float, text: str = "") -> None:
            bar.update(task, completed=min(max(fraction, 0.0), 1.0), note=text[:60])

        yield progress
        bar.update(task, completed=1.0, note="")
