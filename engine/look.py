"""A look: a garment, or an outfit, at rest on a body; as saved in a folder, and as named meshes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.core import codec
from engine.core.errors import InputError
from engine.core.types import Body, Drape, Garment, SceneMesh
from engine.finish import Finish

__all__ = ["BODY", "DRAPE", "GARMENT", "Look", "load_body", "load_look", "load_start", "scene"]

BODY, GARMENT, DRAPE = "body.npz", "garment.npz", "drape.npz"


@dataclass(frozen=True)
class Look:
    """A garment, or an outfit of several in one, at rest on a body."""

    body: Body
    garment: Garment
    drape: Drape
    finish: Finish | None = None  #: colour and print, where they are not the fabric's own


def load_body(path: str | Path, *, hint: str = "make one by toile avatar or toile fit") -> Body:
    """A saved body: its file, or the folder of a run that has one."""
    path = Path(path)
    path = path / BODY if path.is_dir() or not path.suffix else path
    if not path.exists():
        raise InputError("body.missing", f"{path}: no such body", hint)
    return codec.load(path, Body)


def load_look(folder: Path) -> Look:
    """A drape saved before in ``folder``."""
    parts = ((BODY, Body), (GARMENT, Garment), (DRAPE, Drape))
    missing = [name for name, _ in parts if not (folder / name).is_file()]
    if missing:
        raise InputError(
            "look.missing", f"{folder}: has no {', '.join(missing)}", "run 'toile drape --out FOLDER' first"
        )
    return Look(*(codec.load(folder / name, kind) for name, kind in parts))


def load_start(folder: Path) -> Look:
    """The saved drape from which another is to start."""
    look = load_look(folder)
    if look.drape.status == "failed":
        raise InputError("look.failed", f"{folder}: its drape has failed", "drape the garment from its panels")
    return look


def scene(look: Look) -> list[SceneMesh]:
    """The look as named meshes, one a garment: what is pictured is what is exported."""
    from engine.export.scene import body_scene_mesh, garment_scene_meshes

    meshes = [body_scene_mesh(look.body, dressed=True), *garment_scene_meshes(look.garment, look.drape)]
    return look.finish.on(meshes) if look.finish else meshes
