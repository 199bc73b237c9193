"""Whether the photo fit gains by the rasterizer's coverage gradients: contour residuals against areas, on known bodies.

    python benchmarks/avatars/photo_fit_coverage.py --photos DIR [--people 6]

DIR holds person_XX folders as ``tools.sample_photos`` writes them. The fit as it is ends with contour residuals; from
there the body goes on by the squared difference of its blurred coverage and the photo's mask, weighted so that small
displacements of the outline cost the same, with the true gradient of ``render.raster.coverage`` and steps scaled by the
contours' normal equations. Landmarks and prior knowledge stay. One JSON line: mean absolute errors of girths [cm].
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).parents[2]))

from avatars import fit  # noqa: E402
from avatars.fit_model import project_with_jacobian  # noqa: E402
from avatars.fit_silhouette import render_mask  # noqa: E402
from avatars.fit_solver import Problem  # noqa: E402
from avatars.landmarks33 import load_regressor  # noqa: E402
from avatars.measure import measure_vertices  # noqa: E402
from avatars.open_body import load_open_body, make_body  # noqa: E402
from avatars.segment import cut_out_along  # noqa: E402
from render.raster import MeshEdges, coverage  # noqa: E402

NAMES = ("bust_girth", "waist_girth", "hip_girth", "underbust_girth", "thigh_girth", "calf_girth", "upper_arm_girth",
         "neck_girth")  # fmt: skip
BLUR = 5.0  #: sigma over which areas are compared, the reach of their gradient [px]
PIXEL = 0.5  #: error of a mask's edge [px]
STEPS = 12
BAND = 31  #: width of what is compared, along the outline [px]


class Areas:
    """Cost of a fit's parameters by covered areas, in the units of the contour cost."""

    def __init__(self, problem: Problem, masks: list[np.ndarray], betas: np.ndarray) -> None:
        self.problem, self.masks = problem, masks
        self.faces = torch.from_numpy(problem.body.faces.astype(np.int32))
        self.edges = MeshEdges(self.faces, len(problem.body.template))
        self.weights = [self._weight(problem.pixels(betas, i), v.size) for i, v in enumerate(problem.views)]

    def _weight(self, pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """How far each pixel near the outline can be trusted: as the nearest vertex, shape [H, W]."""
        rim = cv2.Laplacian(render_mask(pixels, self.problem.body.faces, size).astype(np.float32), -1) != 0
        near = np.nonzero(cv2.dilate(rim.astype(np.uint8), np.ones((BAND, BAND))))
        weight = np.zeros(size[::-1], np.float32)
        nearest = cKDTree(pixels).query(np.column_stack(near[::-1]) + 0.5)[1]
        weight[near] = self.problem.contour_weight[nearest]
        return weight

    def cost(self, betas: np.ndarray) -> tuple[float, np.ndarray]:
        """Cost and its gradient by betas and the views' parameters."""
        problem, k, n = self.problem, len(betas), len(self.problem.free)
        gradient = np.zeros(k + n * len(problem.views))
        known = np.zeros(k)
        total = problem._add_knowledge(betas, np.zeros((k, k)), known)
        gradient[:k] += known
        for i, view in enumerate(problem.views):
            area, by_both = self._view(betas, i)
            residual, jacobian, weight = problem._view_residuals(betas, i, None, slopes=True)
            slack = (view.q - view.prior_mean)[problem.free] / view.prior_std[problem.free]
            stance, slope = view.standing()
            total += area + problem._robust(residual, problem._weights(i, None))[1]
            total += float(slack @ slack + stance @ stance)
            own = k + i * n + np.arange(n)
            gradient[np.concatenate([np.arange(k), own])] += by_both + (jacobian * weight[:, None]).T @ residual
            gradient[own] += slack / view.prior_std[problem.free] + stance @ slope[:, problem.free]
        return total, gradient

    def _view(self, betas: np.ndarray, i: int) -> tuple[float, np.ndarray]:
        problem, view = self.problem, self.problem.views[i]
        width, height = view.size
        half = 0.5 * min(view.size)
        ndc = (np.array(view.size) / 2 - problem.pixels(betas, i)) / half
        points = torch.from_numpy(np.column_stack([ndc, np.ones(len(ndc))]).astype(np.float32)).requires_grad_()
        alpha = coverage(points, self.faces, (height, width), edges=self.edges)[0]
        blur = lambda x: cv2.GaussianBlur(x.astype(np.float32), (0, 0), BLUR)  # noqa: E731
        apart = blur((alpha.detach().numpy() - self.masks[i]) * self.weights[i])
        scale = problem.scale(i)
        std = np.hypot(problem.settings.contour_std * scale, PIXEL)
        # an edge displaced by d costs d^2 / (2 sqrt(pi) BLUR) a pixel of its length; contours d^2 / (std^2 correlation)
        factor = 2 * np.sqrt(np.pi) * BLUR / (std**2 * problem.settings.correlation * scale)
        alpha.backward(torch.from_numpy(blur(apart) * self.weights[i] * np.float32(factor)))
        by_pixel = -points.grad.numpy()[:, :2].astype(np.float64) / half
        ids = np.nonzero(by_pixel.any(1))[0]
        moves = project_with_jacobian(problem.body, betas, view, ids, problem.regressor, problem.free)[1]
        return factor * float((apart**2).sum()), np.einsum("nc,ncp->p", by_pixel[ids], moves[: len(ids)])


def by_contours(folder: Path, truth: dict) -> tuple[Problem, np.ndarray, list[np.ndarray]]:
    """The fit as it is: problem, betas and the masks of its last search for the outline."""
    seen = [fit.look_at_photo(name, folder / f"{name}.jpg", truth["stature_m"], 0) for name in ("front", "side")]
    model = load_open_body()
    body = fit.body_arrays(model)
    knowledge = fit._knowledge(model, truth["sex"], truth["stature_m"], None, photos=2)
    problem = Problem(body, [s.view for s in seen], [s.observation for s in seen], knowledge,
                      load_regressor().matrix, fit.contour_weight(body), fit._settings(2))  # fmt: skip
    betas = problem.solve().betas
    for band in fit.BANDS:
        for i, s in enumerate(seen):
            seen[i] = fit._look_again(s, problem, betas, i, band, 0)
            problem.observations[i] = seen[i].observation
        betas = problem.refine(betas).betas
    masks = [cut_out_along(s.photo.rgb, render_mask(problem.pixels(betas, i), body.faces, s.photo.size), s.found)
             for i, s in enumerate(seen)]  # fmt: skip
    return problem, betas, masks


def by_areas(problem: Problem, betas: np.ndarray, masks: list[np.ndarray]) -> np.ndarray:
    """Betas after the areas had their say."""
    areas = Areas(problem, masks, betas)
    matches = [problem._match(betas, i, problem.settings.last_radius) for i in range(len(problem.views))]
    normal = problem._normal_equations(betas, matches)[0]
    inverse = np.linalg.inv(normal + 1e-3 * np.diag(np.diag(normal)))
    (cost, gradient), size = areas.cost(betas), 1.0
    for _ in range(STEPS):
        moved, places = problem._moved(betas, -size * inverse @ gradient)
        before = [view.q for view in problem.views]
        for view, q in zip(problem.views, places, strict=True):
            view.q = q
        new = areas.cost(moved)
        if new[0] < cost:
            betas, (cost, gradient), size = moved, new, min(1.0, 1.5 * size)
            continue
        for view, q in zip(problem.views, before, strict=True):
            view.q = q
        size *= 0.4
    return betas


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--people", type=int, default=6, help="the first so many")
    args = parser.parse_args()
    start, model, rows = time.process_time(), load_open_body(), []
    for folder in [f for f in sorted(args.photos.glob("person_*")) if (f / "truth.json").exists()][: args.people]:
        truth = json.loads((folder / "truth.json").read_text())
        arrays = np.load(folder / "truth.npz", allow_pickle=False)
        real = measure_vertices(model, arrays["vertices_measuring"])
        problem, betas, masks = by_contours(folder, truth)
        fitted = [make_body(model, b, sex=truth["sex"]).measurements for b in (betas, by_areas(problem, betas, masks))]
        rows.append([[100 * (m[name].value - real[name].value) for name in NAMES] for m in fitted])
        print(folder.name, np.round(rows[-1], 1).tolist(), file=sys.stderr, flush=True)
    error = np.abs(np.array(rows))
    report = {kind: {**dict(zip(NAMES, error[:, j].mean(0).round(2).tolist(), strict=True)),
                     "all": round(float(error[:, j].mean()), 3)}
              for j, kind in enumerate(("contours", "coverage"))}  # fmt: skip
    print(json.dumps({"people": len(rows), "mean_abs_error_cm": report,
                      "cpu_s": round(time.process_time() - start, 1)}))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
