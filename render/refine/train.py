"""Trains the refiner in steps that can be stopped and gone on with: first by error and structure, then beside a GAN."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import InputError
from engine.core.safe_io import write_bytes
from render.refine.features import PLANES
from render.refine.losses import judge_loss, ms_ssim_loss, shown, smooth_l1
from render.refine.network import LUMINANCE, Discriminator, Refiner
from render.refine.pairs import load_pair, pair_files
from render.refine.weights import save_refiner

__all__ = ["Settings", "train"]

STATE = "training.safetensors"  #: everything that going on needs
KEEP_EVERY = 100  #: steps
PAIRS_KEPT = 1500  #: in memory, 2 MB each of 192 x 192 pixels
LIGHT, ALBEDO = ([PLANES.index(f"{name}_{c}") for c in "rgb"] for name in ("light", "albedo"))
LOG_KNEE, SEEN_KNEE = 0.1, 0.02  #: errors of log radiance and of what is seen, below which they count squared
#: Of Adam. Layers that begin at zero have next to no gradients at first: a longer memory of those makes steps too great
BETAS = (0.9, 0.99)
LAYOUT = torch.channels_last  #: of pictures and weights: the faster one


@dataclass(frozen=True)
class Settings:
    """Of one phase of the training."""

    steps: int = 12_000
    batch: int = 4
    square: int = 96  #: side of what is cut out of a pair [px]
    rate: float = 2e-4
    judge_rate: float = 4e-4
    seen: float = 4.0  #: weight of the error of what is seen, beside that of log radiance, which minds the dark more
    structure: float = 0.3  #: weight of the structural similarity
    gan: float = 0.0  #: weight of the discriminator; 0 for the first phase
    seed: int = 0
    bfloat: bool = False  #: convolve in bfloat16: twice as fast on processors that have it


@dataclass
class _State:
    model: Refiner
    judge: Discriminator
    optimiser: torch.optim.Optimizer
    judge_optimiser: torch.optim.Optimizer
    step: int = 0


def train(
    data: str | Path, out: str | Path, settings: Settings | None = None, *, start: Refiner | None = None,
    device: str = "cpu", seconds: float = float("inf"), say: Callable[[str], None] = lambda line: None,
) -> Path | None:  # fmt: skip
    """Trains on the pairs of a folder, or goes on where an earlier call in ``out`` stopped.

    Args:
        data: folder of pairs.
        out: folder for the state and, at the end, refiner.safetensors and refiner_half.safetensors.
        start: the first phase's model, to train on beside a GAN.
        device: torch's name of where to train.
        seconds: stop after this much wall time, keeping the state.

    Returns:
        The weights, or None if steps are left to do.

    Raises:
        InputError: no pairs, or a state of other settings in ``out``.
    """
    s, out = settings or Settings(), Path(out)
    files = pair_files(data, "train")
    load = lru_cache(maxsize=PAIRS_KEPT)(_lesson)
    state = _begin(out, s, start, device)
    began, sums = time.perf_counter(), {}
    while state.step < s.steps and time.perf_counter() - began < seconds:
        parts = _step(state, {k: v.to(device) for k, v in _batch(files, load, s, state.step).items()}, s)
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value
        state.step += 1
        if state.step % KEEP_EVERY == 0 or state.step == s.steps:
            count = (state.step - 1) % KEEP_EVERY + 1
            say(f"step {state.step}: " + ", ".join(f"{k} {v / count:.4f}" for k, v in sums.items()))
            sums = {}
            _keep(out, state, s)
    if state.step < s.steps:
        _keep(out, state, s)
        return None
    about = {**asdict(s), "pairs": len(files)}
    save_refiner(out / "refiner_half.safetensors", state.model, half=True, about=about)
    return save_refiner(out / "refiner.safetensors", state.model, about=about)


def _lesson(file: Path) -> dict[str, np.ndarray]:
    """What is learnt from a pair, float16, shape [channel, H, W] each."""
    pair = load_pair(file)
    arrays = {"planes": pair.planes, "wanted": np.clip(pair.change, -LUMINANCE, LUMINANCE), "weight": pair.weight[None],
              "drawn": np.moveaxis(pair.drawn / pair.white, -1, 0)}  # fmt: skip
    return {name: values.astype(np.float16) for name, values in arrays.items()}


def _batch(files: list[Path], load: Callable[[Path], dict[str, np.ndarray]], s: Settings, step: int) -> dict:
    """Squares of random pairs, dyed at random; the same for the same seed and step."""
    rng = np.random.default_rng([s.seed, step])
    rows: list[dict[str, np.ndarray]] = []
    while len(rows) < s.batch:
        file = files[rng.integers(len(files))]
        lesson = load(file)
        sides = lesson["weight"].shape[1:]
        if min(sides) < s.square:
            what = f"{file}: is smaller than squares of {s.square} pixels"
            raise InputError("refine.square", what, "give a smaller --square, at least 64")
        top, left = (int(rng.integers(n - s.square + 1)) for n in sides)
        row = {k: v[:, top : top + s.square, left : left + s.square].astype(np.float32) for k, v in lesson.items()}
        order = rng.permutation(3)  # all light is seen as white, so that a garment may as well be of another hue
        for channels in (LIGHT, ALBEDO):
            row["planes"][channels] = row["planes"][channels][order]
        row["wanted"], row["drawn"] = row["wanted"][order], row["drawn"][order]
        rows.append(row)
    return {name: torch.from_numpy(np.stack([r[name] for r in rows])) for name in rows[0]}


def _step(state: _State, batch: dict[str, Tensor], s: Settings) -> dict[str, float]:
    planes, wanted, weight = batch["planes"], batch["wanted"], batch["weight"]
    planes = planes.contiguous(memory_format=LAYOUT)
    half = torch.autocast(planes.device.type, torch.bfloat16, enabled=s.bfloat)
    with half:
        change = state.model(planes)
    change = change.float()
    pictures = [shown(batch["drawn"] * torch.exp(c * weight)) for c in (change, wanted)]
    parts = {"log": smooth_l1(change, wanted, weight, LOG_KNEE), "seen": smooth_l1(*pictures, weight, SEEN_KNEE)}
    parts["structure"] = ms_ssim_loss(*pictures)
    loss = parts["log"] + s.seen * parts["seen"] + s.structure * parts["structure"]
    if s.gan > 0:
        light = planes[:, LIGHT]
        made, real = light + change * weight, light + wanted * weight
        with half:
            verdict = judge_loss(state.judge(real, planes).float(), state.judge(made.detach(), planes).float())
        state.judge_optimiser.zero_grad(set_to_none=True)
        verdict.backward()
        state.judge_optimiser.step()
        parts["judge"] = verdict
        with half:
            parts["fooled"] = -state.judge(made, planes).float().mean()
        loss = loss + s.gan * parts["fooled"]
    for group in state.optimiser.param_groups:
        group["lr"] = s.rate * _schedule(state.step, s.steps)
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
    state.optimiser.step()
    return {name: float(value.detach()) for name, value in parts.items()}


def _schedule(step: int, steps: int) -> float:
    """A short rise, then half a cosine down."""
    warm = min(1.0, (step + 1) / max(1, min(200, steps // 10)))
    return warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / steps)))


def _begin(out: Path, s: Settings, start: Refiner | None, device: str) -> _State:
    torch.manual_seed(s.seed)
    model, judge = Refiner(), Discriminator()
    if start is not None:
        model.load_state_dict(start.state_dict())
    model, judge = (m.to(device).to(memory_format=LAYOUT) for m in (model, judge))
    optimiser = torch.optim.AdamW(model.parameters(), lr=s.rate, betas=BETAS, weight_decay=1e-4, fused=True)
    judge_optimiser = torch.optim.Adam(judge.parameters(), lr=s.judge_rate, betas=(0.5, 0.99), fused=True)
    state = _State(model.train(), judge.train(), optimiser, judge_optimiser)
    if (out / STATE).is_file():
        _restore(out / STATE, state, s)
    return state


def _named(state: _State) -> dict[str, Tensor]:
    """Model, discriminator and both optimisers' moments by name."""
    arrays = {f"model.{k}": v for k, v in state.model.state_dict().items()}
    arrays |= {f"judge.{k}": v for k, v in state.judge.state_dict().items()}
    for name, optimiser in (("optimiser", state.optimiser), ("judge_optimiser", state.judge_optimiser)):
        for i, values in optimiser.state_dict()["state"].items():
            arrays |= {f"{name}.{i}.{k}": torch.as_tensor(v) for k, v in values.items()}
    return arrays


def _keep(out: Path, state: _State, s: Settings) -> None:
    from safetensors.torch import save

    arrays = {k: v.detach().cpu().clone().contiguous() for k, v in _named(state).items()}
    arrays["step"] = torch.tensor(state.step)
    write_bytes(out / STATE, save(arrays, {"settings": repr(s)}))


def _restore(path: Path, state: _State, s: Settings) -> None:
    from safetensors import SafetensorError, safe_open

    again = "give another --out, or delete the file"
    try:
        with safe_open(path, "pt") as file:
            if file.metadata().get("settings") != repr(s):
                raise InputError("refine.state", f"{path}: was begun with other settings", again)
            arrays = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - no mapping
        for name, module in (("model", state.model), ("judge", state.judge)):
            module.load_state_dict({k.removeprefix(f"{name}."): v for k, v in arrays.items()
                                    if k.startswith(f"{name}.")})  # fmt: skip
        for name in ("optimiser", "judge_optimiser"):
            optimiser = getattr(state, name)
            held: dict[int, dict[str, Tensor]] = {}
            for key, value in arrays.items():
                if key.startswith(f"{name}."):
                    _, i, what = key.split(".", 2)
                    # fused steps want the moments laid out as the weights are
                    held.setdefault(int(i), {})[what] = value.to(memory_format=LAYOUT) if value.ndim == 4 else value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": held})
        state.step = int(arrays["step"])
    except (SafetensorError, KeyError, RuntimeError, ValueError, AttributeError) as error:
        raise InputError("refine.state", f"{path}: is no state of a training: {error}", again) from None
