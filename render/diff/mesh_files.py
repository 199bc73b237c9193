"""Writes OBJ files, and reads and writes meshes by their file's kind, with PyTorch3D's names."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.core.errors import ArgumentError
from engine.core.safe_io import read_bytes, write_text, write_with
from render.diff.meshes import Meshes
from render.diff.obj import MAX_BYTES, load_objs_as_meshes
from render.diff.textures import TexturesVertex
from render.diff.textures_uv import TexturesUV

__all__ = ["IO", "load_ply", "save_obj", "save_ply"]


def save_obj(
    f, verts: torch.Tensor, faces: torch.Tensor, decimal_places: int | None = None, *,
    normals: torch.Tensor | None = None, faces_normals_idx: torch.Tensor | None = None,
    verts_uvs: torch.Tensor | None = None, faces_uvs: torch.Tensor | None = None,
    texture_map: torch.Tensor | None = None,
) -> None:  # fmt: skip
    """Writes an OBJ file; with a texture also an MTL and a PNG file beside it, of the same name.

    Args:
        f: path, or an open text file (then without a texture).
        verts: [vertex, 3].
        faces: [face, 3].
        decimal_places: digits behind the point; None writes 6.
        normals, faces_normals_idx: [normal, 3], and the corners' indices into them, [face, 3].
        verts_uvs, faces_uvs, texture_map: [coordinate, 2], the corners' indices into them, [face, 3], and the image,
            [height, width, 3] from 0 to 1; all or none.

    Raises:
        ArgumentError: ``obj.shape``.
    """
    if (normals is None) != (faces_normals_idx is None):
        raise ArgumentError("obj.shape", "normals and faces_normals_idx: one is missing", "give both or none")
    for name, value, width in (("verts", verts, 3), ("faces", faces, 3), ("normals", normals, 3), ("verts_uvs",
        verts_uvs, 2), ("faces_uvs", faces_uvs, 3), ("faces_normals_idx", faces_normals_idx, 3)):  # fmt: skip
        if value is not None and (len(value) or name.startswith("faces_")) and value.shape[1:] != (width,):
            raise ArgumentError("obj.shape", f"{name} are {tuple(value.shape)}", f"they are [n, {width}]")
    if texture_map is not None and (texture_map.ndim != 3 or texture_map.shape[2] != 3):
        raise ArgumentError("obj.shape", f"texture_map is {tuple(texture_map.shape)}", "it is [height, width, 3]")
    if not len(verts) and not len(faces):
        warnings.warn("Empty 'verts' and 'faces' arguments provided", stacklevel=2)
    if len(faces) and ((faces < 0) | (faces >= len(verts))).any():
        warnings.warn(f"Faces have invalid indices: there are {len(verts)} vertices", stacklevel=2)
    textured = all(value is not None for value in (faces_uvs, verts_uvs, texture_map))
    stem = Path(f).stem if textured else ""
    lines = ["", f"mtllib {stem}.mtl", "usemtl mesh", ""] if textured else []
    digits = 6 if decimal_places is None else decimal_places
    for word, rows in (("v", verts), ("vn", normals), ("vt", verts_uvs if textured else None)):
        if rows is not None and len(rows):
            lines += [f"{word} " + " ".join(f"{x:.{digits}f}" for x in row) for row in rows.tolist()]
    if len(faces):
        lines += _face_lines(faces, faces_uvs if textured else None, faces_normals_idx)
    text = "\n".join(lines or ["# no vertices, no faces"])
    if hasattr(f, "write"):
        f.write(text)
        return
    write_text(f, text)
    if textured:
        pixels = (texture_map.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        write_with(Path(f).with_suffix(".png"), lambda stream: Image.fromarray(pixels).save(stream, "PNG"))
        write_text(Path(f).with_suffix(".mtl"), f"newmtl mesh\nmap_Kd {stem}.png\n")


def _face_lines(faces: torch.Tensor, uvs: torch.Tensor | None, normals: torch.Tensor | None) -> list[str]:
    nothing = [[""] * 3] * len(faces)
    columns = [nothing if index is None else (index + 1).tolist() for index in (faces, uvs, normals)]
    rows = zip(*columns, strict=True)
    return ["f " + " ".join("/".join(map(str, c)).rstrip("/") for c in zip(*row, strict=True)) for row in rows]


def _scene_file(path, what: str):
    """What trimesh reads from a file, vertices as they stand."""
    import trimesh

    p = Path(path)
    try:
        return trimesh.load(
            io.BytesIO(read_bytes(p, limit=MAX_BYTES, what=what)), file_type=p.suffix[1:].lower(), force="mesh",
            process=False,
        )  # fmt: skip
    except ArgumentError:
        raise
    except Exception as error:  # readers of damaged files raise whatever they stumble over
        raise ArgumentError("mesh.file", f"{p}: is no {what} that can be read: {error}", "export it again") from None


def load_ply(f) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices [vertex, 3] and faces [face, 3] of a PLY file."""
    found = _scene_file(f, "PLY file")
    return torch.tensor(np.array(found.vertices, np.float32)), torch.tensor(np.array(found.faces, np.int64))


def save_ply(f, verts: torch.Tensor, faces: torch.Tensor | None = None) -> None:
    """Writes a binary PLY file of vertices [vertex, 3] and faces [face, 3]."""
    _write_scene(f, verts, faces if faces is not None else verts.new_zeros(0, 3).long(), None)


def _write_scene(path, verts: torch.Tensor, faces: torch.Tensor, colors: torch.Tensor | None) -> None:
    import trimesh

    paint = None if colors is None else (colors.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    found = trimesh.Trimesh(verts.detach().cpu().numpy(), faces.cpu().numpy(), vertex_colors=paint, process=False)
    write_with(path, lambda stream: stream.write(found.export(file_type=Path(path).suffix[1:].lower())))


class IO:
    """Meshes from and to files of one mesh: OBJ with materials; PLY, OFF, STL and GLB with colours of vertices."""

    def load_mesh(self, path, include_textures: bool = True, device="cpu", **of_obj) -> Meshes:
        """One mesh; ``of_obj``: arguments of :func:`render.diff.load_obj` for its texture atlas."""
        if Path(path).suffix.lower() == ".obj":
            return load_objs_as_meshes([path], device, include_textures, **of_obj)
        found = _scene_file(path, "mesh file")
        verts = torch.tensor(np.array(found.vertices, np.float32))
        textures = None
        if include_textures and found.visual.kind == "vertex":
            textures = TexturesVertex([torch.tensor(np.array(found.visual.vertex_colors[:, :3], np.float32) / 255)])
        return Meshes([verts], [torch.tensor(np.array(found.faces, np.int64))], textures).to(device)

    def save_mesh(
        self, data: Meshes, path, *, include_textures: bool = True, decimal_places: int | None = None
    ) -> None:
        """Writes the first of the meshes; ``decimal_places`` as of :func:`save_obj`."""
        verts, faces = data.get_mesh_verts_faces(0)
        textures = data.textures if include_textures else None
        if Path(path).suffix.lower() == ".obj":
            image = {}
            if isinstance(textures, TexturesUV) and textures.maps_ids_list() is None:
                image = {"verts_uvs": textures.verts_uvs_list()[0], "faces_uvs": textures.faces_uvs_list()[0],
                         "texture_map": textures.maps_list()[0]}  # fmt: skip
            save_obj(path, verts, faces, decimal_places, **image)
            return
        colors = textures.verts_features_list()[0] if isinstance(textures, TexturesVertex) else None
        _write_scene(path, verts, faces, colors)
