"""Who is photographed: the sample person, and random people for the held-out evaluation set."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.sample_photos.body import Pose, body_model

__all__ = ["Person", "named_person", "random_person", "photo_poses"]


@dataclass(frozen=True)
class Person:
    """An Anny shape and a look. Nobody real."""

    name: str
    sex: str
    shape: dict  #: phenotype, local_changes, face
    skin: str = "fair"
    hair: str = "bun"
    hair_colour: str = "brown"
    iris: tuple[float, float, float] = (0.10, 0.06, 0.03)
    outfit: str = "top_leggings"
    colours: tuple[tuple[float, float, float], ...] = ((0.06, 0.07, 0.09), (0.5, 0.5, 0.5))  #: as the outfit's pieces
    lipstick: float = 0.2
    stubble: float = 0.0
    seed: int = 0
    notes: tuple[str, ...] = field(default=())


def named_person(name: str) -> Person:
    """The hand-made people: ``sample`` (in the repository), ``quick_woman`` and ``quick_man``."""
    body = body_model()
    if name == "quick_man":
        shape = {"phenotype": {"gender": 0.0, "age": 0.72, "muscle": 0.62, "weight": 0.52, "proportions": 0.35,
                               "caucasian": 1.0, "african": 0.0, "asian": 0.2},
                 "local_changes": {"stomach-tone-incr": -0.2}, "face": {}}  # fmt: skip
        return Person(name, "male", body.sized(shape, 1.80, 24.0), skin="beige", hair="crop",
                      hair_colour="dark_brown", outfit="trunks", colours=((0.03, 0.045, 0.09),), lipstick=0.0,
                      stubble=0.35, seed=2)  # fmt: skip
    stature = 1.68 if name == "quick_woman" else 1.72
    shape = {"phenotype": {"gender": 1.0, "age": 0.66, "muscle": 0.45, "proportions": 0.2, "cupsize": 0.5,
                           "firmness": 0.65, "caucasian": 0.75, "african": 0.2, "asian": 0.35},
             "local_changes": {"torso-scale-horiz-incr": -0.12, "measure-shoulder-dist-incr": -0.25,
                               "measure-neck-circ-incr": -0.3, "measure-waist-circ-incr": -0.15,
                               "measure-upperarm-circ-incr": -0.2, "chin-width-incr": -0.35,
                               "chin-jaw-drop-incr": -0.2, "nose-scale-horiz-incr": -0.2,
                               "l-eye-scale-incr": 0.25, "r-eye-scale-incr": 0.25},
             "face": {"mouthSmileLeft": 0.45, "mouthSmileRight": 0.45}}  # fmt: skip
    return Person(name, "female", body.sized(shape, stature, 21.3), skin="fair", hair="bun", hair_colour="brown",
                  outfit="top_leggings", colours=((0.035, 0.04, 0.055), (0.35, 0.42, 0.40)), seed=1)  # fmt: skip


def photo_poses(rng: np.random.Generator) -> tuple[Pose, Pose]:
    """A relaxed front pose and a side pose, each with the small errors of real people."""

    def pair(mean: float, spread: float) -> tuple[float, float]:
        base = rng.normal(mean, spread)
        return tuple(float(base + rng.normal(0, 0.25 * spread)) for _ in range(2))

    def common(scale: float) -> dict:
        return {
            "spine": tuple(rng.normal(0, [0.03, 0.012, 0.02]) * scale),
            "head": tuple(rng.normal(0, [0.05, 0.03, 0.05]) * scale),
        }

    front = Pose(arm_abduction=pair(0.5, 0.06), arm_flexion=pair(0.05, 0.05), elbow_flexion=pair(0.22, 0.07),
                 leg_abduction=pair(0.065, 0.015), leg_flexion=pair(0.065, 0.015), knee_flexion=pair(0.12, 0.02),
                 foot_yaw=pair(0.2, 0.06), yaw=float(rng.normal(0, 0.05)), **common(1.0))  # fmt: skip
    side = Pose(arm_abduction=pair(0.2, 0.03), arm_flexion=pair(0.0, 0.08), elbow_flexion=pair(0.22, 0.07),
                leg_abduction=pair(0.035, 0.012), leg_flexion=pair(0.065, 0.02), knee_flexion=pair(0.12, 0.02),
                foot_yaw=pair(0.12, 0.05), yaw=float(np.pi / 2 * rng.choice([-1, 1]) + rng.normal(0, 0.07)),
                **common(1.0))  # fmt: skip
    return front, side


#: Builds of the held-out set by turns: sex, what sets the build apart (phenotype, local changes), mean stature [m]
#: and body mass index [kg/m2].
_BUILDS: tuple[tuple[str, str, dict, dict, float, float], ...] = (
    ("slim", "female", {"muscle": 0.45}, {}, 1.66, 18.5),
    ("average", "male", {"muscle": 0.5}, {}, 1.77, 25.0),
    ("heavy", "female", {"muscle": 0.4}, {"stomach-tone-incr": -0.5}, 1.65, 33.0),
    ("muscular", "male", {"muscle": 0.88}, {"torso-vshape-incr": 0.4}, 1.80, 27.0),
    ("pregnant", "female", {"muscle": 0.45}, {"stomach-pregnant-incr": 0.75}, 1.66, 27.0),
    ("tall", "male", {"muscle": 0.55}, {}, 1.93, 24.0),
    ("small", "female", {"muscle": 0.45}, {}, 1.53, 22.0),
    ("heavy", "male", {"muscle": 0.5}, {}, 1.76, 33.0),
    ("elderly", "female", {"muscle": 0.35, "age": 0.92}, {}, 1.60, 27.0),
    ("asymmetric", "male", {"muscle": 0.55}, {}, 1.76, 25.0),
    ("average", "female", {"muscle": 0.48}, {}, 1.67, 24.0),
    ("slim", "male", {"muscle": 0.42}, {}, 1.79, 20.5),
    ("curvy", "female", {"muscle": 0.45, "cupsize": 0.8},
     {"measure-hips-circ-incr": 0.35, "measure-waist-circ-incr": -0.25}, 1.68, 28.0),
    ("elderly", "male", {"muscle": 0.4, "age": 0.93}, {"stomach-tone-incr": -0.4}, 1.72, 28.0),
    ("athletic", "female", {"muscle": 0.75, "cupsize": 0.35}, {"measure-shoulder-dist-incr": 0.2}, 1.71, 23.0),
    ("belly", "male", {"muscle": 0.42}, {"stomach-pregnant-incr": 0.4}, 1.78, 30.0),
    ("tall", "female", {"muscle": 0.5}, {}, 1.81, 23.0),
    ("small", "male", {"muscle": 0.52}, {}, 1.63, 25.0),
    ("asymmetric", "female", {"muscle": 0.48}, {}, 1.65, 26.0),
    ("broad", "male", {"muscle": 0.68}, {"torso-scale-horiz-incr": 0.3}, 1.83, 29.0),
)  # fmt: skip

#: Local changes that vary in everybody, with their standard deviations.
_VARIED = {
    "torso-scale-horiz-incr": 0.15, "torso-scale-depth-incr": 0.2, "torso-vshape-incr": 0.15,
    "measure-waist-circ-incr": 0.2, "measure-hips-circ-incr": 0.2, "measure-bust-circ-incr": 0.15,
    "hip-scale-depth-incr": 0.15, "stomach-tone-incr": 0.2, "buttocks-volume-incr": 0.3,
    "measure-neck-circ-incr": 0.2, "measure-shoulder-dist-incr": 0.2, "measure-napetowaist-dist-incr": 0.15,
    "upperlegs-height-incr": 0.15, "lowerlegs-height-incr": 0.15, "measure-thigh-circ-incr": 0.2,
    "measure-calf-circ-incr": 0.2, "measure-upperarm-circ-incr": 0.2, "measure-upperarm-length-incr": 0.1,
    "measure-lowerarm-length-incr": 0.1, "head-fat-incr": 0.3, "chin-width-incr": 0.3, "nose-scale-horiz-incr": 0.3,
    "nose-scale-vert-incr": 0.2, "chin-jaw-drop-incr": 0.25, "mouth-scale-horiz-incr": 0.25,
}  # fmt: skip
#: Pairs of which the two sides differ in asymmetric people.
_SIDED = ("upperarm-fat-incr", "upperarm-muscle-incr", "upperleg-fat-incr", "upperleg-muscle-incr",
          "lowerleg-muscle-incr", "lowerarm-muscle-incr", "upperarm-shoulder-muscle-incr")  # fmt: skip
_HAIR = {
    "female": ("bun", "ponytail", "high_bun", "bob", "pixie", "bun", "ponytail", "curly", "slick"),
    "male": ("crop", "side_part", "buzz", "slick", "curly", "crop", "afro", "side_part"),
}
_OUTFITS = {
    "female": ("top_leggings", "bra_leggings", "tee_leggings", "bra_shorts", "tank_shorts", "bra_briefs"),
    "male": ("trunks", "tee_trunks", "tank_trunks", "tee_tights", "shorts"),
}
_CLOTH = ((0.02, 0.02, 0.025), (0.6, 0.6, 0.58), (0.06, 0.09, 0.22), (0.35, 0.05, 0.06), (0.10, 0.22, 0.16),
          (0.36, 0.36, 0.37), (0.24, 0.25, 0.14), (0.5, 0.25, 0.3), (0.16, 0.28, 0.42), (0.45, 0.36, 0.12))  # fmt: skip
_IRIS = ((0.09, 0.05, 0.025), (0.05, 0.03, 0.02), (0.10, 0.16, 0.24), (0.12, 0.15, 0.08), (0.16, 0.10, 0.04))


def random_person(index: int, seed: int) -> Person:
    """Person ``index`` of the held-out set: builds by turns, drawn straight from Anny's own parameters.

    None of it passes through the product's shape basis, and the asymmetric people leave its symmetric part.
    """
    rng = np.random.default_rng([seed, index])
    build, sex, phenotype, local, stature, bmi = _BUILDS[index % len(_BUILDS)]
    female = sex == "female"
    ancestry = rng.dirichlet([0.6, 0.6, 0.6])
    shape = {
        "gender": float(np.clip((0.97 if female else 0.03) + rng.normal(0, 0.03), 0, 1)),
        "age": float(rng.uniform(0.62, 0.78)), "proportions": float(rng.uniform(0.15, 0.6)),
        "cupsize": float(rng.uniform(0.25, 0.65)), "firmness": float(rng.uniform(0.35, 0.75)),
        "african": float(ancestry[0]), "asian": float(ancestry[1]), "caucasian": float(ancestry[2]),
    } | phenotype  # fmt: skip
    shape["muscle"] = float(np.clip(shape["muscle"] + rng.normal(0, 0.04), 0.05, 0.95))
    changes = {name: float(np.clip(rng.normal(0, spread), -0.6, 0.6)) for name, spread in _VARIED.items()}
    for name, value in local.items():
        changes[name] = changes.get(name, 0.0) * 0.5 + value
    for name in _SIDED:
        common, apart = rng.normal(0, 0.12), rng.normal(0, 0.4 if build == "asymmetric" else 0.04)
        changes |= {f"l-{name}": float(common + apart), f"r-{name}": float(common - apart)}
    if build == "asymmetric":
        changes |= {"torso-trans-out": float(rng.normal(0, 0.15)), "hip-trans-out": float(rng.normal(0, 0.15))}
    smile = float(rng.uniform(0, 0.5))
    drawn = {"phenotype": shape, "local_changes": changes,
             "face": {"mouthSmileLeft": smile, "mouthSmileRight": smile}}  # fmt: skip
    drawn = body_model().sized(drawn, stature + float(rng.normal(0, 0.02)), bmi + float(rng.normal(0, 0.8)))
    old = shape["age"] > 0.88
    darkness = ancestry[0] * 1.1 + ancestry[1] * 0.4 + rng.normal(0, 0.12)
    skins = ("porcelain", "fair", "beige", "tan", "brown", "deep")
    hair = str(rng.choice(("bun", "bob", "pixie") if female else ("thin", "crop")) if old
               else rng.choice(_HAIR[sex]))  # fmt: skip
    colours = ("grey", "white") if old else ("black", "dark_brown") if ancestry[2] < 0.5 else (
        "dark_brown", "brown", "auburn", "dark_blond", "blond")  # fmt: skip
    outfit = str(rng.choice(_OUTFITS[sex]))
    picks = rng.choice(len(_CLOTH), 2, replace=False)
    return Person(
        name=f"{build}_{sex}", sex=sex, shape=drawn, skin=skins[int(np.clip(darkness * 5, 0, 5))], hair=hair,
        hair_colour=str(rng.choice(colours)), iris=_IRIS[int(rng.integers(len(_IRIS)))], outfit=outfit,
        colours=tuple(_CLOTH[k] for k in picks), lipstick=float(rng.uniform(0, 0.5)) if female else 0.0,
        stubble=0.0 if female else float(rng.choice([0.0, 0.3, 0.7])), seed=int(rng.integers(1 << 30)), notes=(build,),
    )  # fmt: skip
