"""Ordinary rooms for Mitsuba: floor, walls, window, lamp and some furniture, drawn at random from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Room", "box", "random_room", "room_scene"]

WALLS = {
    "white": (0.74, 0.73, 0.70), "cream": (0.70, 0.63, 0.50), "grey": (0.46, 0.47, 0.48), "sage": (0.40, 0.46, 0.38),
    "blue": (0.36, 0.45, 0.54), "skin": (0.60, 0.44, 0.34), "pink": (0.64, 0.48, 0.46), "dark": (0.13, 0.15, 0.18),
}  # fmt: skip
FLOORS = ("oak", "walnut", "grey_tile", "terracotta", "carpet")
ACCENTS = [(0.30, 0.08, 0.06), (0.08, 0.16, 0.24), (0.42, 0.30, 0.12), (0.10, 0.20, 0.12), (0.55, 0.5, 0.42),
           (0.05, 0.05, 0.06), (0.6, 0.6, 0.6), (0.34, 0.18, 0.30)]  # fmt: skip


@dataclass(frozen=True)
class Room:
    """Sizes [m] from the person at the origin; the camera looks along -Z."""

    back: float = 1.2
    left: float = 1.7  #: wall at x = -left
    right: float = 1.9
    front: float = 4.2  #: wall behind the camera
    ceiling: float = 2.5
    wall: str = "white"
    floor: str = "oak"
    window_side: int = -1  #: -1 left wall, 1 right wall
    window_z: float = 1.2
    daylight: float = 7.0  #: radiance of the window
    lamp: float = 6.0  #: radiance of the ceiling lamp
    seed: int = 0
    pieces: tuple[str, ...] | None = None  #: furniture by name; None for a random choice


def random_room(rng: np.random.Generator, camera_distance: float) -> Room:
    """A room that holds the camera, with walls that sometimes match skin or cloth."""
    return Room(
        back=rng.uniform(0.55, 1.7), left=rng.uniform(1.35, 2.3), right=rng.uniform(1.35, 2.3),
        front=camera_distance + rng.uniform(0.5, 1.3), ceiling=rng.uniform(2.4, 2.7),
        wall=str(rng.choice(list(WALLS))), floor=str(rng.choice(FLOORS)), window_side=int(rng.choice([-1, 1])),
        window_z=rng.uniform(0.6, 1.9), daylight=rng.uniform(3.0, 11.0), lamp=rng.uniform(2.0, 14.0),
        seed=int(rng.integers(1 << 30)),
    )  # fmt: skip


def room_scene(room: Room) -> dict:
    """Shapes and emitters as entries of a Mitsuba scene dictionary."""
    import mitsuba as mi

    rng = np.random.default_rng(room.seed)
    scene: dict = {}
    x0, x1, z0, z1, h = -room.left, room.right, -room.back, room.front, room.ceiling
    wide, deep = x1 - x0, z1 - z0
    cx, cz = (x0 + x1) / 2, (z0 + z1) / 2
    T = mi.ScalarTransform4f
    wall = _rough(_bitmap(_plaster(rng, WALLS[room.wall])))
    plain = WALLS["white"] if room.wall != "dark" else (0.6, 0.6, 0.58)
    scene["floor"] = _plane(T().translate([cx, 0, cz]).rotate([1, 0, 0], -90).scale([wide / 2, deep / 2, 1]),
                            _glossy(_bitmap(_floor(rng, room.floor, wide, deep)), 0.25 if "tile" in room.floor else 0.4)
                            if room.floor != "carpet" else _rough(_bitmap(_floor(rng, room.floor, wide, deep))))
    scene["ceiling"] = _plane(T().translate([cx, h, cz]).rotate([1, 0, 0], 90).scale([wide / 2, deep / 2, 1]),
                              _rough(_rgb((0.8, 0.79, 0.77))))
    scene["back_wall"] = _plane(T().translate([cx, h / 2, z0]).scale([wide / 2, h / 2, 1]), wall)
    scene["front_wall"] = _plane(
        T().translate([cx, h / 2, z1]).rotate([0, 1, 0], 180).scale([wide / 2, h / 2, 1]), _rough(_rgb(plain)))
    scene["left_wall"] = _plane(T().translate([x0, h / 2, cz]).rotate([0, 1, 0], 90).scale([deep / 2, h / 2, 1]), wall)
    scene["right_wall"] = _plane(
        T().translate([x1, h / 2, cz]).rotate([0, 1, 0], -90).scale([deep / 2, h / 2, 1]), wall)
    skirting = _glossy(_rgb((0.7, 0.69, 0.67)), 0.35)
    scene["skirting_back"] = _box((cx, 0.045, z0 + 0.008), (wide, 0.09, 0.016), skirting)
    scene["skirting_left"] = _box((x0 + 0.008, 0.045, cz), (0.016, 0.09, deep), skirting)
    scene["skirting_right"] = _box((x1 - 0.008, 0.045, cz), (0.016, 0.09, deep), skirting)
    _window(scene, room, T)
    lamp_z = min(1.3, z1 - 0.6)
    scene["lamp"] = {
        "type": "disk", "to_world": T().translate([0.2, h - 0.06, lamp_z]).rotate([1, 0, 0], 90).scale(0.21),
        "emitter": {"type": "area", "radiance": _rgb(np.array([1.0, 0.83, 0.62]) * room.lamp)},
    }  # fmt: skip
    scene["lamp_rim"] = _box((0.2, h - 0.025, lamp_z), (0.46, 0.05, 0.46), _glossy(_rgb((0.7, 0.7, 0.7)), 0.3))
    _furnish(scene, room, rng)
    return scene


def box(centre, size, colour) -> dict:
    """A box of painted wood: ``centre`` and ``size`` [m], linear RGB ``colour``."""
    return _box(centre, size, _glossy(_rgb(colour), 0.4))


def _window(scene: dict, room: Room, T) -> None:
    side, z, y = room.window_side, room.window_z, 1.45
    x = room.right - 0.02 if side > 0 else -room.left + 0.02
    scene["window"] = {
        "type": "rectangle",
        "to_world": T().translate([x, y, z]).rotate([0, 1, 0], -90 * side).scale([0.62, 0.7, 1]),
        "emitter": {"type": "area", "radiance": _rgb(np.array([0.86, 0.95, 1.08]) * room.daylight)},
    }
    white = _glossy(_rgb((0.75, 0.75, 0.74)), 0.3)
    for name, dy, dz, sy, sz in (("a", 0.73, 0, 0.06, 1.36), ("b", -0.73, 0, 0.06, 1.36), ("c", 0, 0.65, 1.5, 0.06),
                                 ("d", 0, -0.65, 1.5, 0.06), ("e", 0, 0, 1.5, 0.045)):  # fmt: skip
        scene[f"frame_{name}"] = _box((x, y + dy, z + dz), (0.08, sy, sz), white)
    cloth = _rough(_rgb((0.66, 0.64, 0.60)))
    for k in range(8):  # curtain folds on either side
        for edge in (-1, 1):
            zz = z + edge * (0.72 + 0.028 * k)
            scene[f"curtain_{k}_{edge}"] = {
                "type": "cylinder", "p0": [x - side * 0.09, 0.25, zz], "p1": [x - side * 0.09, 2.3, zz],
                "radius": 0.022 + 0.008 * (k % 2), "bsdf": cloth,
            }  # fmt: skip


def _furnish(scene: dict, room: Room, rng: np.random.Generator) -> None:
    """A door, pictures, a shelf, a plant, a rug: whatever fits behind the person."""
    x0, x1, z0 = -room.left, room.right, -room.back
    pieces = rng.permutation(["door", "pictures", "shelf", "plant", "sofa", "rug"])[: rng.integers(2, 5)]
    if room.pieces is not None:
        pieces = room.pieces
    taken: list[tuple[float, float]] = []

    def place(width: float) -> float | None:
        for _ in range(20):
            c = rng.uniform(x0 + width / 2 + 0.05, x1 - width / 2 - 0.05)
            if all(abs(c - t) > (width + w) / 2 + 0.05 for t, w in taken):
                taken.append((c, width))
                return float(c)
        return None

    for piece in pieces:
        accent = np.array(ACCENTS[rng.integers(len(ACCENTS))])
        if piece == "door" and (c := place(0.95)) is not None:
            _door(scene, c, z0)
        elif piece == "pictures":
            for k in range(int(rng.integers(1, 4))):
                c, y = rng.uniform(x0 + 0.4, x1 - 0.4), rng.uniform(1.35, 1.85)
                w, h = rng.uniform(0.25, 0.55, 2)
                art = _bitmap(_art(rng))
                scene[f"frame{k}"] = _box((c, y, z0 + 0.012), (w + 0.05, h + 0.05, 0.024), _glossy(_rgb(accent), 0.3))
                scene[f"art{k}"] = _box((c, y, z0 + 0.02), (w, h, 0.012), _glossy(art, 0.2))
        elif piece == "shelf" and room.back > 0.8 and (c := place(0.8)) is not None:
            _shelf(scene, rng, c, z0)
        elif piece == "plant":
            _plant(scene, rng, float(rng.choice([x0 + 0.3, x1 - 0.3])), z0 + 0.3)
        elif piece == "sofa" and room.back > 1.25 and (c := place(1.5)) is not None:
            cloth = _rough(_rgb(accent))
            for name, dy, dz, sy, sz in (("seat", 0.3, 0.42, 0.26, 0.7), ("back", 0.55, 0.13, 0.5, 0.2)):
                scene[f"sofa_{name}"] = _box((c, dy, z0 + dz), (1.4, sy, sz), cloth)
            for e in (-1, 1):
                scene[f"sofa_arm{e}"] = _box((c + e * 0.72, 0.36, z0 + 0.4), (0.14, 0.5, 0.75), cloth)
        elif piece == "rug":
            import mitsuba as mi

            T = mi.ScalarTransform4f().translate([rng.uniform(-0.2, 0.2), 0.006, 0.4]).rotate([1, 0, 0], -90)
            scene["rug"] = _plane(T.scale([min(1.0, room.left - 0.1), 1.1, 1]), _rough(_bitmap(_rug(rng, accent))))


def _door(scene: dict, c: float, z0: float) -> None:
    white = _glossy(_rgb((0.66, 0.65, 0.62)), 0.3)
    scene["door"] = _box((c, 1.01, z0 + 0.015), (0.84, 2.03, 0.03), white)
    sides = (("l", -0.45, 1.02, 0.08, 2.08), ("r", 0.45, 1.02, 0.08, 2.08), ("t", 0, 2.06, 0.98, 0.08))
    for name, dx, y, sx, sy in sides:
        scene[f"door_{name}"] = _box((c + dx, y, z0 + 0.025), (sx, sy, 0.05), white)
    for k, y in enumerate((0.5, 1.4)):
        scene[f"door_panel{k}"] = _box((c, y, z0 + 0.03), (0.54, 0.62, 0.012), _glossy(_rgb((0.6, 0.59, 0.56)), 0.3))
    scene["handle"] = _box((c + 0.34, 1.02, z0 + 0.06), (0.11, 0.02, 0.02), {"type": "roughconductor", "alpha": 0.2})


def _shelf(scene: dict, rng: np.random.Generator, c: float, z0: float) -> None:
    wood = _glossy(_rgb((0.36, 0.24, 0.14)), 0.4)
    for k, y in enumerate((0.05, 0.42, 0.8, 1.18, 1.56)):
        scene[f"shelf{k}"] = _box((c, y, z0 + 0.14), (0.8, 0.025, 0.28), wood)
        x = c - 0.36
        while k < 4 and x < c + 0.3:
            w, h = rng.uniform(0.018, 0.05), rng.uniform(0.17, 0.27)
            grey = rng.uniform(0.03, 0.5)
            colour = grey * (1 + 0.45 * (rng.random(3) - 0.5) * np.array([1.6, 1.0, 1.2])) + 0.1 * grey * rng.random(3)
            scene[f"book{k}_{x:.3f}".replace(".", "_").replace("-", "m")] = _box(
                (x + w / 2, y + 0.0125 + h / 2, z0 + 0.13), (w, h, 0.19), _glossy(_rgb(colour), 0.4))  # fmt: skip
            x += w + (rng.uniform(0.05, 0.2) if rng.random() < 0.12 else 0.002)
    for e in (-1, 1):
        scene[f"shelf_side{e}"] = _box((c + e * 0.4, 0.8, z0 + 0.14), (0.025, 1.56, 0.28), wood)


def _plant(scene: dict, rng: np.random.Generator, x: float, z: float) -> None:
    """A pot and arching leaves."""
    import mitsuba as mi

    scene["pot"] = {"type": "cylinder", "p0": [x, 0, z], "p1": [x, 0.28, z], "radius": 0.13,
                    "bsdf": {"type": "twosided", "bsdf": _rough(_rgb((0.5, 0.3, 0.2)))}}  # fmt: skip
    vertices, faces = [], []
    for _ in range(34):
        angle, reach, rise = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.27), rng.uniform(0.3, 0.85)
        out, across = np.array([np.cos(angle), 0, np.sin(angle)]), np.array([-np.sin(angle), 0, np.cos(angle)])
        for k in range(7):
            t = k / 6
            p = np.array([x, 0.27, z]) + out * reach * t**1.4 + np.array([0, rise * (t - 0.45 * t**3), 0])
            w = 0.035 * np.sin(np.pi * (0.08 + 0.9 * t)) + 0.002
            vertices += [p - across * w, p + across * w]
            if k:
                b = len(vertices) - 4
                faces += [[b, b + 1, b + 3], [b, b + 3, b + 2]]
    mesh = mi.Mesh("leaves", len(vertices), len(faces), props=_props(
        {"type": "twosided", "bsdf": _glossy(_rgb((0.06, 0.16, 0.045)), 0.4)}))
    params = mi.traverse(mesh)
    params["vertex_positions"] = np.ravel(vertices).astype(np.float32)
    params["faces"] = np.ravel(faces).astype(np.uint32)
    params.update()
    scene["leaves"] = mesh


def _props(bsdf: dict):
    import mitsuba as mi

    props = mi.Properties()
    props["mesh_bsdf"] = mi.load_dict(bsdf)
    return props


def _rgb(colour) -> dict:
    return {"type": "rgb", "value": [float(c) for c in colour]}


def _bitmap(array: np.ndarray) -> dict:
    import mitsuba as mi

    return {"type": "bitmap", "bitmap": mi.Bitmap(np.ascontiguousarray(array, np.float32)), "raw": True}


def _rough(colour: dict) -> dict:
    return {"type": "diffuse", "reflectance": colour}


def _glossy(colour: dict, roughness: float) -> dict:
    return {"type": "principled", "base_color": colour, "roughness": roughness, "specular": 0.4}


def _plane(to_world, bsdf: dict) -> dict:
    return {"type": "rectangle", "to_world": to_world, "bsdf": {"type": "twosided", "bsdf": bsdf}}


def _box(centre, size, bsdf: dict) -> dict:
    import mitsuba as mi

    to_world = mi.ScalarTransform4f().translate([float(c) for c in centre]).scale([float(s) / 2 for s in size])
    return {"type": "cube", "to_world": to_world, "bsdf": bsdf}


def _noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    grid = rng.standard_normal(cells).astype(np.float32)
    return cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _plaster(rng: np.random.Generator, colour) -> np.ndarray:
    shade = 1 + 0.02 * _noise(rng, (256, 256), (5, 5)) + 0.008 * _noise(rng, (256, 256), (120, 120))
    return np.asarray(colour, np.float32) * shade[..., None]


def _floor(rng: np.random.Generator, kind: str, wide: float, deep: float) -> np.ndarray:
    """Albedo over the whole floor at 4 mm a texel."""
    h, w = int(deep / 0.004), int(wide / 0.004)
    if kind in ("oak", "walnut"):
        base = np.array((0.36, 0.235, 0.135) if kind == "oak" else (0.14, 0.075, 0.042))
        plank, length = 35, 300
        image = np.empty((h, w, 3), np.float32)
        for c in range(0, w, plank):
            start = -int(rng.integers(length))
            while start < h:
                a, b = max(start, 0), min(start + length, h)
                if b > a:
                    n = len(range(c, min(c + plank, w)))
                    grain = 0.07 * _noise(rng, (b - a, n), (max(2, (b - a) // 60), max(2, n // 3)))
                    image[a:b, c : c + plank] = base * (1 + rng.normal(0, 0.10) + grain)[..., None]
                    image[a : a + 1, c : c + plank] *= 0.45
                start += length
            image[:, c] *= 0.5
        return image
    if kind == "carpet":
        colour = np.array(ACCENTS[int(rng.integers(len(ACCENTS)))]) * 0.6 + 0.15
        return (colour * (1 + 0.18 * rng.standard_normal((h, w, 1)))).clip(0.02, 0.9)
    base = np.array((0.42, 0.42, 0.41) if kind == "grey_tile" else (0.40, 0.19, 0.115))
    tile = 110 if kind == "grey_tile" else 62
    image = base * (1 + 0.05 * _noise(rng, (h, w), (max(2, h // 25), max(2, w // 25))))[..., None]
    tone = rng.normal(1, 0.05, (h // tile + 1, w // tile + 1))
    image *= np.kron(tone, np.ones((tile, tile)))[:h, :w, None]
    lines = (np.arange(h)[:, None] % tile < 2) | (np.arange(w)[None] % tile < 2)
    image[lines] = base * 0.6
    return image


def _rug(rng: np.random.Generator, accent: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0:256, 0:256] / 256
    bands = np.sin(2 * np.pi * rng.integers(4, 9) * (np.abs(x - 0.5) + np.abs(y - 0.5))) > 0.2
    image = np.where(bands[..., None], accent, np.array([0.5, 0.46, 0.38]))
    edge = (np.minimum(x, 1 - x) < 0.05) | (np.minimum(y, 1 - y) < 0.05)
    image[edge] = accent * 0.5
    return image * (1 + 0.15 * rng.standard_normal((256, 256, 1)))


def _art(rng: np.random.Generator) -> np.ndarray:
    image = np.full((64, 64, 3), 0.7)
    image[6:-6, 6:-6] = rng.uniform(0.2, 0.8, 3)
    for _ in range(5):
        c, r = rng.integers(14, 50, 2), int(rng.integers(4, 14))
        image = image.astype(np.float32).copy()
        cv2.circle(image, tuple(int(v) for v in c), r, tuple(float(v) for v in rng.uniform(0.05, 0.8, 3)), -1)
    return image
