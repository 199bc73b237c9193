"""What one stage hands to the next: frozen dataclasses over NumPy arrays, in SI units.

World: metres, right-handed, +Y up, +Z the front of the body, floor at y = 0.
Left and right are the wearer's (left is +X). Float arrays are float32, index arrays int32.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = [
    "Body",
    "BodyMotion",
    "Camera",
    "DragLine",
    "Drape",
    "Fabric",
    "FitReport",
    "Garment",
    "ImageBuffers",
    "Material",
    "Measurement",
    "OutfitPart",
    "PhotoView",
    "SceneMesh",
    "SeamFit",
    "ZoneFit",
]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in OpenCV's axes (x right, y down, z into the scene).

    A world point X projects to ``K @ (R @ X + t)`` with ``world_to_camera = [R | t; 0 1]``.
    Pixel centres are at half-integers: the top left pixel's centre is (0.5, 0.5).
    """

    K: np.ndarray  #: intrinsics [px], shape [3, 3]
    world_to_camera: np.ndarray  #: [m], shape [4, 4]
    size: tuple[int, int]  #: (width, height) [px]


@dataclass(frozen=True)
class PhotoView:
    """How a fitted body stands in one photo. Arrays of a picture are at the working size."""

    name: str  #: front or side
    path: str
    camera: Camera  #: in the body's axes (+Y up, +Z front) with the pelvis joint at the origin
    global_orient: np.ndarray  #: axis-angle of the body in that world [rad], shape [3]
    body_pose: np.ndarray  #: axis-angle [rad], shape [21, 3]
    picture: np.ndarray  #: the photo, sRGB uint8, shape [H, W, 3]
    person: np.ndarray  #: share of each pixel that is the person, hair and clothes too, uint8 0..255, shape [H, W]
    contour: np.ndarray  #: outline found in the photo [px], shape [N, 2]
    silhouette: np.ndarray  #: mask of the fitted body, uint8 0/1, shape [H, W]
    edge_blur: float  #: sigma of the photo's edges along the outline [px]
    landmarks: np.ndarray  #: MediaPipe's [px], shape [33, 2]
    focal_source: str  #: exif_35mm, exif or prior
    contour_rms: float  #: distance of contour and fitted outline [m]
    contour_matched: float  #: share of the contour that the fitted outline answers
    landmark_rms: float  #: [m]


@dataclass(frozen=True)
class Measurement:
    """A body measurement [m] (kg, rad for the two that are) with its standard error."""

    value: float
    stderr: float = 0.0
    source: str = "measured"  #: measured, typed or fitted


@dataclass(frozen=True)
class Body:
    """A posed body. ``measurements`` are those of the shape, taken in its standing measuring pose."""

    vertices: np.ndarray  #: [m], shape [V, 3]
    faces: np.ndarray  #: shape [F, 3]
    joints: np.ndarray  #: SMPL-X joint positions [m], shape [55, 3]
    skinning_weights: np.ndarray  #: shape [V, 55]
    contact_vertices: np.ndarray  #: closed outer surface for cloth [m], shape [C, 3]
    contact_faces: np.ndarray  #: shape [D, 3]
    contact_segment: np.ndarray  #: dominant joint of each contact vertex, shape [C]
    betas: np.ndarray  #: shape [n_betas]
    betas_std: np.ndarray  #: standard error of betas, shape [n_betas]; zeros when exact
    global_orient: np.ndarray  #: axis-angle [rad], shape [3]
    body_pose: np.ndarray  #: axis-angle [rad], shape [21, 3]
    left_hand_pose: np.ndarray  #: shape [15, 3]
    right_hand_pose: np.ndarray  #: shape [15, 3]
    transl: np.ndarray  #: [m], shape [3]
    landmarks: dict[str, np.ndarray]  #: name of core.measurements.LANDMARKS -> [m], shape [3]
    measurements: dict[str, Measurement]
    uv: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))  #: texture coordinates, shape [U, 2]
    uv_faces: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int32))  #: into uv, shape [F, 3]
    sex: str = "neutral"  #: female, male or neutral
    model: str = "open_body"  #: open_body or smplx


@dataclass(frozen=True)
class BodyMotion:
    """A body in motion, frame by frame; the first frame is the pose in which it was dressed.

    Skinned vertices are ``sum_j weights[v, j] (turns[f, j] (rest_vertices[v] - rest_joints[j]) + joints[f, j])``.
    """

    name: str
    rest_vertices: np.ndarray  #: in the T-pose [m], shape [V, 3]
    rest_joints: np.ndarray  #: [m], shape [55, 3]
    turns: np.ndarray  #: rotations of the joints from the T-pose to the world, shape [F, 55, 3, 3]
    joints: np.ndarray  #: [m], shape [F, 55, 3]
    vertices: np.ndarray  #: [m], shape [F, V, 3]
    contact_vertices: np.ndarray  #: the surface for cloth [m], shape [F, C, 3]
    fps: float = 30.0  #: frames a second
    lead_in: int = 0  #: frames before the motion proper, on the way out of the dressing pose
    warnings: tuple[str, ...] = ()


# ---------------------------------------------------------------- cloth


@dataclass(frozen=True)
class Fabric:
    """Mechanical and visual properties of a cloth in SI units."""

    name: str
    label: str
    areal_density: float  #: [kg/m2]
    thickness: float  #: [m]
    stretch_warp: float  #: tensile stiffness, force per width per strain [N/m]
    stretch_weft: float  #: [N/m]
    stretch_bias: float  #: [N/m]
    shear: float  #: shear stiffness [N/m]
    bend_warp: float  #: bending rigidity per width [N*m]
    bend_weft: float  #: [N*m]
    bend_bias: float  #: [N*m]
    friction_static: float  #: cloth-body and cloth-cloth Coulomb coefficient [-]
    friction_dynamic: float
    damping: float  #: fraction of critical, internal [-]
    poisson: float = 0.0
    seam_slippage: float = 0.0  #: load at which its yarns slip at a seam [N/m] (as ISO 13936 tests it); 0 if unknown
    stretch_curves: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    #: {warp|weft: ((strain, N/m), ...)} where measured
    base_color: tuple[float, float, float] = (0.8, 0.8, 0.8)  #: linear RGB
    roughness: float = 0.9
    sheen: float = 0.3
    opacity: float = 1.0
    weave: str = "plain"  #: plain, twill, satin, knit
    sources: dict[str, str] = field(default_factory=dict)  #: figure -> where it is from


@dataclass(frozen=True)
class OutfitPart:
    """One garment of an outfit: what holds for it as a whole."""

    name: str  #: its own within the outfit; the names of its panels begin with it and a dot
    kind: str
    panels: int  #: number of its panels, which follow those of the garments beneath it
    intended_ease: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Garment:
    """Meshed, placed panels, not yet sewn; or several garments of an outfit in one, see :mod:`engine.core.outfit`.

    ``coarser`` is the same garment one level up: this level's vertices are its vertices followed by the midpoints of
    its edges in the order of ``core.mesh.unique_edges``, and this level's faces are ``core.mesh.subdivide`` of its.
    """

    rest_uv: np.ndarray  #: warp/weft plane per panel [m], shape [N, 2]; y is the panel's own y, see grain
    faces: np.ndarray  #: shape [T, 3], counter-clockwise on the right side
    positions: np.ndarray  #: placed [m], shape [N, 3]
    seam_pairs: np.ndarray  #: vertices to be joined, shape [S, 2]
    seam_ids: np.ndarray  #: index into pattern.seams of each pair, shape [S]
    seam_angles: np.ndarray  #: pressed rest angle of each pair's seam [rad], nan where none is held, shape [S]
    panel_id: np.ndarray  #: panel of each triangle, shape [T]
    vertex_panel: np.ndarray  #: panel of each vertex, shape [N]
    layer: np.ndarray  #: shape [N]
    grain: np.ndarray  #: warp direction of each panel in its uv plane [rad], shape [panels]
    bend_scale: np.ndarray  #: factor on bending stiffness of each triangle, shape [T]
    fabrics: tuple[Fabric, ...]  #: per panel
    panel_names: tuple[str, ...]
    name: str = ""
    kind: str = ""
    intended_ease: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    parts: tuple[OutfitPart, ...] = ()  #: an outfit's garments from the body outwards; empty for one garment
    coarser: Garment | None = None
    fold_edges: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int32))
    #: mesh edges with a pressed rest angle inside panels, as vertices, shape [K, 2]
    fold_angles: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    #: their rest angles [rad], > 0 where the fold points to the right side, shape [K]
    tape_edges: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int32))
    #: mesh edges along which an elastic or a tape runs, as vertices, shape [L, 2]
    tape_rest: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    #: relaxed length of the tape along each [m], shape [L]
    tape_stiffness: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    #: its force per strain [N], shape [L]


@dataclass(frozen=True)
class Drape:
    """A garment at rest on a body. Positions are per vertex of ``Garment`` (seam partners coincide).

    Of a garment in motion positions, strain and pressure have one more axis in front, of frames.
    """

    positions: np.ndarray  #: [m], shape [N, 3]
    strain: np.ndarray  #: Green-Lagrange strain in warp, weft and shear per triangle [-], shape [T, 3]
    pressure: np.ndarray  #: contact pressure on the body per vertex [Pa], shape [N]
    status: str  #: converged, not_converged or failed; of a motion done or failed
    metrics: dict[str, float] = field(default_factory=dict)
    #: at least seam_gap_max_mm, body_penetration_max_mm, body_penetrating_vertices, self_intersections,
    #: self_intersections_start, strain_p99, min_gap_mm, wall_s, cpu_s, frames
    history: dict[str, np.ndarray] = field(default_factory=dict)  #: time, kinetic_energy, residual, ...
    warnings: tuple[str, ...] = ()
    stress: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    #: force per width in warp, weft and shear of each triangle [N/m], shape [T, 3]; most compression buckles away
    seam_load: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    #: tension across the seam at each of the garment's seam pairs [N/m], shape [S]


@dataclass(frozen=True)
class ZoneFit:
    """Fit of one zone. Lengths [m], pressure [Pa]; ``verdict`` is one of too_tight, tight, as_intended, loose."""

    zone: str
    body: float
    body_stderr: float
    garment: float
    ease: float
    ease_intended: float | None
    strain_p95: float
    pressure_mean: float
    pressure_p95: float
    verdict: str
    missing: float = 0.0  #: girth that the garment lacks here [m]
    advice: str = ""
    label: str = ""  #: the zone's name for people


@dataclass(frozen=True)
class SeamFit:
    """Tension across the seams between two panels [N/m]."""

    panels: tuple[str, str]
    load_mean: float
    load_max: float
    slippage: float = 0.0  #: load at which the yarns of the weaker side slip; 0 if unknown


@dataclass(frozen=True)
class DragLine:
    """A line along which the cloth is pulled one way."""

    panel: str  #: where it is strongest
    points: np.ndarray  #: along it [m], shape [n, 3]
    tension: float  #: mean principal tension along it [N/m]


@dataclass(frozen=True)
class HemLevel:
    """Heights of a hem above the floor [m]."""

    front: float  #: at the centre front
    side: float  #: mean of both sides
    back: float  #: at the centre back


@dataclass(frozen=True)
class FitReport:
    """How the garment fits, zone by zone."""

    garment: str
    fabric: str
    zones: tuple[ZoneFit, ...]
    summary: str
    warnings: tuple[str, ...] = ()
    seams: tuple[SeamFit, ...] = ()  #: the most loaded first
    drag_lines: tuple[DragLine, ...] = ()  #: the strongest first
    hem: HemLevel | None = None  #: None for trousers and what is not all round


# ---------------------------------------------------------------- pictures


@dataclass(frozen=True)
class Material:
    """Physically based metallic-roughness material with cloth sheen; colours are linear RGB."""

    name: str
    base_color: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 1.0)
    roughness: float = 0.9
    metallic: float = 0.0
    sheen: float = 0.0
    double_sided: bool = False
    texture: np.ndarray | None = None  #: sRGB uint8, shape [H, W, 3], multiplied onto base_color
    weave: str = ""  #: plain, twill, satin, knit: shaded as a fine normal pattern; "" for none
    weave_scale: float = 0.001  #: length of one repeat [m]


@dataclass(frozen=True)
class SceneMesh:
    """A named mesh ready to be rendered or exported. All per-vertex arrays have the length of ``vertices``."""

    name: str
    vertices: np.ndarray  #: [m], shape [V, 3]
    faces: np.ndarray  #: shape [F, 3]
    material: Material
    normals: np.ndarray | None = None  #: unit, shape [V, 3]
    uv: np.ndarray | None = None  #: shape [V, 2]
    uv_metres: np.ndarray | None = None  #: rest plane [m] for weave shading, shape [V, 2]
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    #: named scalar fields (strain, pressure) in 0..1 for display, shape [V] each
    map_ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    #: what 0 and 1 of each map stand for, in SI units ([-], [Pa])


@dataclass(frozen=True)
class ImageBuffers:
    """What a renderer returns; row 0 at the top."""

    rgb: np.ndarray  #: linear, shape [H, W, 3]
    alpha: np.ndarray  #: shape [H, W]
    depth: np.ndarray  #: view depth [m], inf outside, shape [H, W]
    normal: np.ndarray  #: world, shape [H, W, 3]
    albedo: np.ndarray  #: linear, shape [H, W, 3]
    material_id: np.ndarray  #: index of the SceneMesh, -1 outside, shape [H, W]
