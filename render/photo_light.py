"""The light on a person, from the colours that they have in a photo.

The surroundings are radiances over directions, never negative, seen by every point of a body of known shape as far as
the body itself does not stand in the way (illumination from shading and shadows: Sato, Sato and Ikeuchi 2003). Skin and
each piece of clothing have one unknown colour; light and colours are solved for in turns. What one photo cannot tell,
how bright the light and how pale the skin is, is settled by what skin and exposures usually are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.core.errors import InputError
from engine.core.types import Camera
from render.studio import Studio, camera_azimuth, fibonacci_sphere, turn_matrix

__all__ = ["LightEstimate", "PhotoStudio", "estimate_light", "photo_linear", "visible_cosines"]

DIRECTIONS = 160  #: of the surroundings
ROUNDS = 20  #: of light and colours in turns
RIDGE = 0.005  #: pull of the radiances towards their mean, as a share of the data's own weight
TINT_RIDGE = 6.0  #: the same of the colours' radiances towards that of the whole light
HUBER = 0.12  #: relative residuals beyond it count linearly
LOBE = np.radians(38.0)  #: half-angle of what is taken for the main light
SPREAD = np.radians(12.0)  #: over which the surroundings are smoothed between their directions
LIFT = 0.004  #: of a point off the surface before it looks at the surroundings [m]
LEAST = 150  #: points needed
#: Diffuse colours of human skin run along a line in log reflectance (melanin); linear RGB at its pale and dark ends,
#: after the CIELAB means of pale and dark skins in Xiao et al., Characterising the variations in ethnic skin colours
#: (2017), widened.
PALE_SKIN, DARK_SKIN = np.array([0.62, 0.42, 0.33]), np.array([0.085, 0.042, 0.028])
#: Photos are exposed so that a white card facing the light comes out at this linear value; standard error of its
#: logarithm, and of the logarithm of a white balance.
WHITE_LEVEL, WHITE_STD, BALANCE_STD = 0.80, 0.40, 0.07
BRIGHTEST = 0.88  #: no clothes reflect more
SAME_CLOTHES = 0.35  #: most that two photos can differ in a piece's log reflectance
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class LightEstimate:
    """Radiance from all around in linear values of the photo: a white card that sees 1 everywhere comes out at 1."""

    directions: np.ndarray  #: towards the light, unit, shape [n, 3]
    radiance: np.ndarray  #: linear RGB, shape [n, 3]
    albedo: np.ndarray  #: linear RGB of the classes of points, the first is skin, shape [k, 3]
    residual: float  #: median relative error of the points' colours [-]
    skin_shade: float  #: place of the skin between pale (0) and dark (1)

    def split(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Direction of the strongest lobe, shape [3], what it adds to a white card that faces it, shape [3], and the
        radiance without it, shape [n, 3]."""
        energy = np.maximum(self.radiance - np.median(self.radiance, axis=0), 0)
        weight = energy @ LUMINANCE
        near = np.maximum(self.directions @ self.directions.T - np.cos(LOBE), 0)
        direction = self.directions[int(np.argmax(near @ weight))]
        for _ in range(8):  # mean shift: the lobe's own middle
            inside = self.directions @ direction > np.cos(LOBE)
            moment = (weight * inside) @ self.directions
            if np.linalg.norm(moment) < 1e-9:
                break
            direction = moment / np.linalg.norm(moment)
        excess = np.where(inside[:, None], energy, 0)
        return direction, 4 / len(self.directions) * excess.sum(0), self.radiance - excess


    def in_clothes_of(self, other: LightEstimate) -> LightEstimate:
        """This light, with clothes that another photo of the same person shows in the colours that they have there.

        How warm a light is and how warm what it falls on cannot be told apart in one photo; two must agree. The colour
        of the whole light is changed, its brightness is not; clothes that the other photo does not show change nothing.
        """
        gains = []
        for own in np.log(np.maximum(self.albedo[1:], 1e-4)):
            away = [own - np.log(np.maximum(theirs, 1e-4)) for theirs in other.albedo[1:]]
            nearest = min(away, key=np.linalg.norm, default=None)
            if nearest is not None and np.abs(nearest).max() < SAME_CLOTHES:
                gains.append(nearest)
        if not gains:
            return self
        gain = np.exp(np.mean(gains, axis=0))
        gain *= (self.radiance @ LUMINANCE).sum() / (self.radiance * gain @ LUMINANCE).sum()
        albedo = np.vstack([self.albedo[:1], self.albedo[1:] / gain])
        return replace(self, radiance=self.radiance * gain, albedo=albedo)


@dataclass(frozen=True, eq=False)
class PhotoStudio(Studio):
    """A photo's light as a studio: the strongest lobe is the key light, the rest the surroundings."""

    around: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)), repr=False)
    #: directions of the surroundings in the studio's frame, unit, shape [n, 3]
    shine: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)), repr=False)
    #: what comes from them, linear RGB, shape [n, 3]

    @classmethod
    def of(cls, estimate: LightEstimate, camera: Camera) -> PhotoStudio:
        """The light seen by this camera: studios turn with the camera, photos' lights stay where they are."""
        turn = turn_matrix(camera_azimuth(camera))
        direction, key, rest = estimate.split()
        return cls(
            key_direction=tuple(direction @ turn), key_radiance=tuple(key), key_tan_radius=float(np.tan(0.5 * LOBE)),
            rim_radiance=(0.0, 0.0, 0.0), around=estimate.directions @ turn, shine=rest,
        )  # fmt: skip

    def radiance(self, directions: np.ndarray) -> np.ndarray:
        """What comes from unit directions in the studio's frame, between those known, shape [n, 3]."""
        weight = np.exp((directions @ self.around.T - 1) / SPREAD**2)
        return weight @ self.shine / weight.sum(1, keepdims=True)


def photo_linear(picture: np.ndarray) -> np.ndarray:
    """Linear values 0..1 of an sRGB uint8 picture, float32."""
    x = np.arange(256) / 255.0
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)[picture]


def visible_cosines(
    points: np.ndarray, normals: np.ndarray, surface: tuple[np.ndarray, np.ndarray], directions: np.ndarray
) -> np.ndarray:
    """Share of each direction's radiance that a white point gives back, shape [P, n]: rows sum to 1 in the open.

    Args:
        points, normals: [m] and unit, shape [P, 3].
        surface: vertices [m] and faces of what may stand in the way.
        directions: evenly over the sphere, unit, shape [n, 3].
    """
    from engine.core.open3d_runtime import surface_scene, tensor

    scene = surface_scene(*surface)
    cosine = np.maximum(normals @ directions.T, 0).astype(np.float32)
    point, way = np.nonzero(cosine > 0)
    rays = np.concatenate([points[point] + LIFT * normals[point], directions[way]], axis=1).astype(np.float32)
    blocked = scene.test_occlusions(tensor(rays)).numpy()
    cosine[point[blocked], way[blocked]] = 0
    return 4 / len(directions) * cosine


def estimate_light(
    points: np.ndarray,
    normals: np.ndarray,
    colours: np.ndarray,
    classes: np.ndarray,
    weights: np.ndarray,
    surface: tuple[np.ndarray, np.ndarray],
) -> LightEstimate:
    """Light from the colours of points on a body.

    Args:
        points, normals: [m] and unit, shape [P, 3].
        colours: linear values of the photo, shape [P, 3].
        classes: 0 skin, 1.. pieces of one colour each, shape [P].
        weights: shape [P].
        surface: vertices [m] and faces of the body.

    Raises:
        InputError: too little of the person is to be seen.
    """
    if len(points) < LEAST or (classes == 0).sum() < LEAST // 5:
        raise InputError(
            "light.few", f"only {len(points)} points of the person, {(classes == 0).sum()} of skin, tell of the light",
            "take a photo that shows the whole person, with bare face and arms",
        )  # fmt: skip
    directions = fibonacci_sphere(DIRECTIONS)
    seen = visible_cosines(points, normals, surface, directions)
    kinds = int(classes.max()) + 1
    level = np.array([np.average(colours[classes == k], axis=0, weights=weights[classes == k]) for k in range(kinds)])
    albedo = np.maximum(level, 1e-3) / level[0].mean()
    radiance = np.full((DIRECTIONS, 3), level[0].mean())
    for _ in range(ROUNDS):
        radiance = _radiance(seen, colours / albedo[classes], weights * _trust(albedo)[classes], radiance)
        light = seen @ radiance
        albedo = np.array([_ratio(colours, light, weights, classes == k) for k in range(kinds)])
        scale = albedo[0].mean()
        albedo, radiance = albedo / scale, radiance * scale
    error = np.abs(colours / np.maximum(albedo[classes] * (seen @ radiance), 1e-4) - 1).mean(1)
    skin, shade = _skin_colour(albedo, radiance)
    factor = skin / albedo[0]
    return LightEstimate(directions, radiance / factor, albedo * factor, float(np.median(error)), shade)


def _trust(albedo: np.ndarray) -> np.ndarray:
    """Dark cloth shows more of its gloss than of its colour: classes count by their brightness, shape [k]."""
    bright = albedo.mean(1) / albedo[0].mean()
    return np.clip(bright / 0.4, 0.02, 1.0)


def _ratio(colours: np.ndarray, light: np.ndarray, weights: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Colour of a class: the weighted median of what was seen over what would be white, shape [3]."""
    out = np.empty(3)
    for c in range(3):
        ratio = colours[which, c] / np.maximum(light[which, c], 1e-4)
        order = np.argsort(ratio)
        total = np.cumsum(weights[which][order] * np.maximum(light[which, c][order], 1e-4))
        out[c] = ratio[order][np.searchsorted(total, 0.5 * total[-1])]
    return np.maximum(out, 1e-3)


def _radiance(seen: np.ndarray, white: np.ndarray, weights: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Radiances >= 0 that best give white points their values, shape [n, 3].

    First how bright, then of what colour: that of the whole light, but for what the points clearly say. Colour thrown
    back by the room varies softly, and skin's own unevenness must not be taken for coloured lamps.
    """
    mean = np.full(seen.shape[1], (start @ LUMINANCE).mean())
    grey = _non_negative(seen, white @ LUMINANCE, weights, start @ LUMINANCE, None, RIDGE, mean)
    out = np.empty((seen.shape[1], 3))
    light = seen @ grey
    for c in range(3):
        tint = np.average(white[:, c] / np.maximum(light, 1e-4), weights=weights * light)
        out[:, c] = _non_negative(seen, white[:, c], weights, start[:, c], tint * grey, TINT_RIDGE, mean)
    return out


def _non_negative(
    seen: np.ndarray, white: np.ndarray, weights: np.ndarray, start: np.ndarray, goal: np.ndarray | None, ridge: float,
    mean: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Non-negative least squares with Huber's weights, pulled towards ``goal`` [n] or towards its own mean (None)."""
    from scipy.optimize import nnls

    count = seen.shape[1]
    light = np.maximum(seen @ start, 1e-4)
    relative = np.abs(white - light) / light
    weight = weights * np.minimum(1.0, HUBER / np.maximum(relative, 1e-9)) / light
    weight /= weight.sum()
    normal = (seen * weight[:, None]).T @ seen
    right = seen.T @ (weight * white)
    pull = ridge * np.trace(normal) / count
    small = 1e-4 * pull * np.eye(count)
    if goal is None:
        normal, right = normal + pull * (np.eye(count) - 1.0 / count) + small, right + small @ mean
    else:
        normal, right = normal + pull * np.eye(count), right + pull * goal
    root = np.linalg.cholesky(normal)
    return nnls(root.T, np.linalg.solve(root, right), maxiter=30 * count)[0]


def _skin_colour(albedo: np.ndarray, radiance: np.ndarray) -> tuple[np.ndarray, float]:
    """Most likely skin [3] and its place between pale and dark, of colours known up to a factor per channel."""
    white = np.mean(radiance, axis=0) * 2.0  # a card that faces the lighter half
    best = (np.inf, 0.0, PALE_SKIN)
    for shade in np.linspace(0, 1, 201):
        skin = np.exp((1 - shade) * np.log(PALE_SKIN) + shade * np.log(DARK_SKIN))
        factor = skin / albedo[0]
        level = np.log(white / factor)
        balance = level - level.mean()
        cost = ((level.mean() - np.log(WHITE_LEVEL)) / WHITE_STD) ** 2 + (balance @ balance) / BALANCE_STD**2
        over = np.maximum((albedo[1:] * factor).max(initial=0.0) / BRIGHTEST - 1, 0)
        cost += (over / 0.05) ** 2
        if cost < best[0]:
            best = (cost, float(shade), skin)
    return best[2], best[1]
