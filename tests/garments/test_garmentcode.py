import copy
import json

import numpy as np
import pytest

from engine.core.errors import InputError, UnsupportedError
from garments.formats import read_pattern
from garments.panels import edge_curve, edge_length, outline, panel_area, ref_points
from garments.seams import seam_lengths

NAMES = (
    "dress_fitted", "pants", "shirt_long_fitted", "shorts", "skirt_circle", "skirt_gathered", "skirt_pencil", "tshirt",
    "turtleneck",
)
KINDS = ("dress", "trousers", "shirt", "trousers", "skirt", "skirt", "skirt", "top", "top")

SQUARE = {"vertices": [[0, 0], [40, 0], [40, 60], [0, 60]], "translation": [-20, 90, 20], "rotation": [0, 0, 0]}


def spec():
    """Front and back of a tube in GarmentCode's format; the back is drawn as seen from the front (clockwise)."""
    front = {**SQUARE, "edges": [{"endpoints": [i, (i + 1) % 4]} for i in range(4)]}
    back = {**SQUARE, "translation": [-20, 90, -20], "edges": [{"endpoints": [(4 - i) % 4, 3 - i]} for i in range(4)]}
    return {
        "pattern": {
            "panels": {"front": front, "back": back},
            "stitches": [
                [{"panel": "front", "edge": 1}, {"panel": "back", "edge": 2}],
                [{"panel": "front", "edge": 3}, {"panel": "back", "edge": 0}],
            ],
        },
        "properties": {"units_in_meter": 100, "curvature_coords": "relative"},
    }


def write(tmp_path, value):
    path = tmp_path / "tube_specification.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def reference_length(vertices, edge):
    """Length of an edge straight from the file [cm], by a fine polyline."""
    s, e = (np.array(vertices[i], float) for i in edge["endpoints"])
    curve = edge.get("curvature")
    if curve is None:
        return float(np.linalg.norm(e - s))
    if curve["type"] == "circle":
        radius, large, _ = curve["params"]
        angle = 2 * np.arcsin(min(1.0, np.linalg.norm(e - s) / 2 / radius))
        return float(radius * (2 * np.pi - angle if large else angle))
    d = e - s
    control = [s, *(s + u * d + v * np.array([-d[1], d[0]]) for u, v in curve["params"]), e]
    t = np.linspace(0, 1, 20001)[:, None]
    points = [np.broadcast_to(c, (len(t), 2)) for c in control]
    while len(points) > 1:
        points = [a + (b - a) * t for a, b in zip(points[:-1], points[1:], strict=True)]
    return float(np.linalg.norm(np.diff(points[0], axis=0), axis=1).sum())


@pytest.mark.parametrize("name, kind", list(zip(NAMES, KINDS, strict=True)))
def test_real_patterns_read_exactly(shared_data, name, kind):
    path = shared_data / "garmentcode_patterns" / f"{name}_specification.json"
    pattern = read_pattern(path)
    raw = json.loads(path.read_text())["pattern"]
    assert pattern.kind == kind and pattern.repairs == () and pattern.name == name
    assert len(pattern.panels) == len(raw["panels"]) and len(pattern.seams) == len(raw["stitches"])
    for panel in pattern.panels:
        source = raw["panels"][panel.name]
        assert panel_area(panel) > 0
        for i, edge in enumerate(source["edges"]):
            assert edge_length(panel, i) * 100 == pytest.approx(reference_length(source["vertices"], edge), abs=6e-4)
        rotation = panel.placement.rotation
        assert np.linalg.det(rotation) == pytest.approx(1)
        expected_front = source["translation"][2] > 0
        assert (rotation[2, 2] > 0) == expected_front  # the right side looks away from the body
    for seam in pattern.seams:
        a, b = seam_lengths(pattern, seam)
        assert 0.6 < a / b < 1.6


def test_panels_stay_where_the_file_puts_them(shared_data):
    """Mirroring a back panel moves no point of it, and seam partners run alongside each other."""
    path = shared_data / "garmentcode_patterns" / "tshirt_specification.json"
    raw = json.loads(path.read_text())["pattern"]["panels"]
    pattern = read_pattern(path)
    for panel in pattern.panels:
        source = raw[panel.name]
        angle = np.radians(source["rotation"][2])
        c, s = np.cos(angle), np.sin(angle)
        flat = np.array(source["vertices"]) @ np.array([[c, s], [-s, c]]) + source["translation"][:2]
        world = panel.vertices @ panel.placement.rotation[:, :2].T + panel.placement.translation
        assert world[:, :2] * 100 == pytest.approx(flat, abs=1e-6)
    for seam in pattern.seams:
        ends = []
        for ref in (seam.a, seam.b):
            p = pattern.panel(ref.panel)
            ends.append(ref_points(p, ref, np.array([0.0, 1.0])) @ p.placement.rotation[:, :2].T)
        along, other = (e[1] - e[0] for e in ends)
        if {seam.a.panel.split("_")[1], seam.b.panel.split("_")[1]} == {"ftorso", "btorso"}:
            assert along @ other > 0.5 * np.linalg.norm(along) * np.linalg.norm(other)


def test_directions_curves_and_darts(tmp_path):
    value = spec()
    front = value["pattern"]["panels"]["front"]
    front["edges"][0]["curvature"] = {"type": "circle", "params": [25, 0, 1]}
    front["edges"][1]["curvature"] = [0.5, 0.1]
    front["edges"][2]["label"] = "neck"
    value["pattern"]["stitches"][0].append("right_wrong")
    value["pattern"]["stitches"][1:] = [[{"panel": "front", "edge": 2}, {"panel": "front", "edge": 3}]]
    pattern = read_pattern(write(tmp_path, value))
    panel = pattern.panel("front")
    middle = edge_curve(panel, 0).points(np.array([0.5]))[0]
    assert middle == pytest.approx([0.2, -0.1])  # sagitta of a 40 cm chord on a 25 cm circle is 10 cm, below
    assert edge_curve(panel, 1).at(np.array([0.5]))[0] == pytest.approx([0.4 - 0.03, 0.3])
    assert panel.edges[2].label == "neck"
    assert (pattern.seams[0].b.start, pattern.seams[0].b.end) == (0.0, 1.0)
    assert (pattern.seams[1].b.start, pattern.seams[1].b.end) == (1.0, 0.0)
    assert pattern.seams[1].kind == "dart"


def test_clockwise_panels_are_mirrored_with_their_arcs(tmp_path):
    value = spec()
    back = value["pattern"]["panels"]["back"]
    flat = read_pattern(write(tmp_path, value)).panel("back")
    back["edges"][0]["curvature"] = {"type": "circle", "params": [32, 0, 0]}
    bulged = read_pattern(write(tmp_path, value)).panel("back")
    assert panel_area(flat) == pytest.approx(0.24)
    world = outline(bulged) @ bulged.placement.rotation[:, :2].T + bulged.placement.translation
    segment = 0.32**2 * np.arcsin(0.3 / 0.32) - 0.3 * np.sqrt(0.32**2 - 0.3**2)
    assert panel_area(bulged) == pytest.approx(0.24 + segment, abs=1e-4)
    # drawn from (-20, 90) up to (-20, 150), clockwise travel bulges to the left, away from the panel
    assert world[:, 0].min() < -0.21


def test_other_units(tmp_path):
    value = spec()
    value["properties"]["units_in_meter"] = 1000
    for panel in value["pattern"]["panels"].values():
        panel["vertices"] = [[x * 10, y * 10] for x, y in panel["vertices"]]
        panel["translation"] = [10 * t for t in panel["translation"]]
    assert panel_area(read_pattern(write(tmp_path, value)).panel("front")) == pytest.approx(0.24)


def test_small_faults_are_mended_and_told(tmp_path):
    value = spec()
    front = value["pattern"]["panels"]["front"]
    front["vertices"].append([40.0, 0.004])
    front["edges"] = [{"endpoints": e} for e in ([0, 1], [4, 2], [2, 3], [3, 0])]
    value["properties"] = {}
    pattern = read_pattern(write(tmp_path, value))
    assert any("unit" in r for r in pattern.repairs) and any("drawn twice" in r for r in pattern.repairs)
    value = spec()
    edges = value["pattern"]["panels"]["front"]["edges"]
    edges[1], edges[2] = edges[2], edges[1]
    value["pattern"]["stitches"][0][0]["edge"] = 2
    pattern = read_pattern(write(tmp_path, value))
    assert any("put in order" in r for r in pattern.repairs)
    assert pattern.seams[0].a.edge == 1  # the stitch follows its edge


def _set(path, new):
    def change(value):
        *keys, last = path
        for key in keys:
            value = value[key]
        value[last] = new
    return change


FRONT = ("pattern", "panels", "front")
BROKEN = [
    ("no pattern", lambda v: v.pop("pattern"), "no 'pattern' object"),
    ("no panels", _set(("pattern", "panels"), {}), "panels' is empty"),
    ("panels a list", _set(("pattern", "panels"), [1]), "must be an object"),
    ("vertex index", _set((*FRONT, "edges", 2, "endpoints"), [2, 9]), "panel 'front': edge 2: refers to vertex 9"),
    ("vertex text", _set((*FRONT, "vertices", 1), ["a", 2]), "panel 'front': vertex 1"),
    ("vertex missing", _set((*FRONT, "vertices", 1), [2]), "panel 'front': vertex 1"),
    ("absurd number", _set((*FRONT, "vertices", 1), [4e300, 0]), "panel 'front': vertex 1"),
    ("open", lambda v: v["pattern"]["panels"]["front"]["edges"].pop(), "panel 'front': the outline is open"),
    ("crossing", _set((*FRONT, "vertices"), [[0, 0], [40, 60], [40, 0], [0, 55]]), "'front': its outline crosses"),
    ("stitch panel", _set(("pattern", "stitches", 1, 0, "panel"), "sleeve"), "stitch 1: there is no panel 'sleeve'"),
    ("stitch edge", _set(("pattern", "stitches", 1, 0, "edge"), 7), "stitch 1: panel 'front' has no edge 7"),
    ("stitch itself", _set(("pattern", "stitches", 1), [{"panel": "front", "edge": 3}] * 2), "to itself"),
    ("stitch alone", _set(("pattern", "stitches", 1), [{"panel": "front", "edge": 3}]), "stitch 1: has 1 parts"),
    ("sewn twice", _set(("pattern", "stitches", 1, 0, "edge"), 1), "edge 1 of panel 'front' is sewn"),
    ("a house", _set(("properties", "units_in_meter"), 1), "check 'properties.units_in_meter'|check 'translation'"),
    ("a stamp", lambda v: [p.update(vertices=[[x / 20, y / 20] for x, y in p["vertices"]])
                           for p in v["pattern"]["panels"].values()], "largest panel is 3 cm"),
    ("unit text", _set(("properties", "units_in_meter"), "cm"), "units_in_meter"),
    ("unit zero", _set(("properties", "units_in_meter"), 0), "units_in_meter"),
    ("curve type", _set((*FRONT, "edges", 0, "curvature"), {"type": "spline", "params": []}), "edge 0: curve type"),
    ("small circle", _set((*FRONT, "edges", 0, "curvature"), {"type": "circle", "params": [3, 0, 0]}), "radius 3 cm"),
    ("wild control", _set((*FRONT, "edges", 0, "curvature"), {"type": "quadratic", "params": [[0.5, 90]]}), "control"),
    ("controls", _set((*FRONT, "edges", 0, "curvature"), {"type": "cubic", "params": [[0.5, 0]]}), "takes 2 control"),
    ("loop curve", _set((*FRONT, "edges", 0), {"endpoints": [0, 0], "curvature": [0.5, 0.2]}), "edge 0: is a curve"),
    ("far away", _set((*FRONT, "translation"), [0, 1e5, 0]), "panel 'front': is placed"),
    ("turn", _set((*FRONT, "rotation"), [0, 0]), "panel 'front': 'rotation'"),
]


@pytest.mark.parametrize("change, text", [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_broken_files_end_in_one_line(tmp_path, change, text):
    value = copy.deepcopy(spec())
    change(value)
    path = write(tmp_path, value)
    with pytest.raises(InputError, match=text) as caught:
        read_pattern(path)
    error = caught.value
    assert str(path) in error.message and "\n" not in str(error) and error.hint and error.exit_code == 2


@pytest.mark.parametrize("content, text", [
    ("{\"pattern\": ", "line 1"), ("", "empty"), ("[1, 2]", "top level"), ("{\"pattern\": {\"panels\": NaN}}", "NaN"),
    ("{\"a\": " * 60 + "1" + "}" * 60, "nested"),
])
def test_files_that_are_no_json(tmp_path, content, text):
    with pytest.raises(InputError, match=text):
        read_pattern(write(tmp_path, content))


def test_other_formats_are_named(tmp_path):
    path = tmp_path / "shirt.dxf"
    path.write_text("0\nSECTION\n")
    with pytest.raises(UnsupportedError, match="DXF is not read"):
        read_pattern(path)
    with pytest.raises(InputError, match="no such"):
        read_pattern(tmp_path / "absent.json")
