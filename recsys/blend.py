"""The learned blend: scores candidates from their features, by a listwise softmax over each user's candidates.

A linear form and one with a hidden layer are fitted on one span of time, each with several strengths of
regularisation, and judged on the next one: users held out of the same span would not show that a form has learnt by
heart which items the span favoured. The best is fitted again on both spans.
The loss is that of a conditional logit (McFadden 1973), or ListNet's top-one loss (Cao et al. 2007).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from recsys.diversity import with_a_new_one

__all__ = ["Blend", "Examples", "learn_blend"]

HIDDEN = 24
FORMS = ((0, 1e-3), (0, 1e-2), (HIDDEN, 1e-3), (HIDDEN, 1e-2))
EPOCHS = 30
USERS_A_STEP = 128
STEPS = 8  # an epoch has at least so many
MEMBERS = 3


@dataclass
class Blend:
    """Scores of candidates: z w + relu(z w_in + b_in) w_out, averaged over members, z the standardised features.

    Attributes:
        mean, spread: Of the features, shape [feature].
        linear: Shape [member, feature].
        w_in, b_in, w_out: Shapes [member, feature, hidden], [member, hidden], [member, hidden]; hidden may be 0.
        new_offset: Added where ``new_feature`` is set: log of how much rarer a hit on a new item is now than it
            was on the validation split, where new items were only known by being wanted.
    """

    mean: np.ndarray
    spread: np.ndarray
    linear: np.ndarray
    w_in: np.ndarray
    b_in: np.ndarray
    w_out: np.ndarray
    new_feature: int
    new_offset: float = 0.0

    def score(self, features: np.ndarray) -> np.ndarray:
        """Scores, shape [row, candidate], of features, shape [row, candidate, feature]."""
        z = np.clip((features - self.mean) / self.spread, -6, 6).astype(np.float32)
        total = z @ self.linear.mean(0)
        for w_in, b_in, w_out in zip(self.w_in, self.b_in, self.w_out, strict=True):
            if w_in.shape[1]:
                total = total + np.maximum(z @ w_in + b_in, 0) @ w_out / len(self.w_in)
        return total + self.new_offset * (features[..., self.new_feature] > 0)


@dataclass(frozen=True)
class Examples:
    """Candidates of some users with what they then wanted.

    Attributes:
        features: Shape [user, candidate, feature].
        hit: Which candidates were wanted, bool, shape [user, candidate].
        valid: Which candidates there are, bool, shape [user, candidate].
        ideal: Best possible DCG@10 of each user, shape [user].
    """

    features: np.ndarray
    hit: np.ndarray
    valid: np.ndarray
    ideal: np.ndarray

    def rows(self, rows: np.ndarray) -> Examples:
        """Some of the users."""
        return Examples(self.features[rows], self.hit[rows], self.valid[rows], self.ideal[rows])

    def joined(self, other: Examples) -> Examples:
        """The users of both."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Examples(*(np.concatenate(pair) for pair in pairs))


def learn_blend(
    earlier: Examples | None, later: Examples, new_feature: int, first: np.ndarray, *, seed: int = 0
) -> tuple[Blend, dict[str, float]]:
    """Fits the blend.

    Args:
        earlier, later: Of two successive spans. Without an earlier one, a quarter of the later users judge the
            linear forms: a hidden layer could learn by heart which items a span favours, and go unnoticed.
        new_feature: Index of the feature that marks items without history.
        first: Linear weights to start from, shape [feature].

    Returns:
        The blend, and what was chosen: hidden width, weight decay, epochs, NDCG@10 on the judging users, and the
        share of it that keeping the last place for a new item costs.
    """
    learn, judge, forms, everybody = earlier, later, FORMS, later
    if earlier is None:
        order = np.random.default_rng(seed).permutation(len(later.features))
        quarter = max(len(order) // 4, 1)
        judge, learn = later.rows(order[:quarter]), later.rows(order[quarter:])
        forms = tuple(form for form in FORMS if not form[0])
    else:
        everybody = earlier.joined(later)
    flat = everybody.features[everybody.valid]
    mean, spread = flat.mean(0), flat.std(0)
    spread[spread < 1e-4] = 1.0
    start = (mean.astype(np.float32), spread.astype(np.float32), new_feature, first.astype(np.float32))
    best, value, chosen = (0, 0.0, 0), np.full(len(judge.features), -1.0), None
    for hidden, decay in forms:
        blend, epochs = _fit(start, learn, judge, hidden, decay, EPOCHS, seed)
        gain = _ndcg(blend, judge) - value
        # A hidden layer must be better beyond chance: with few users, the luckiest of many forms is often not.
        margin = gain.std() / np.sqrt(max(len(gain), 1)) if hidden and not best[0] else 0.0
        if gain.mean() > margin:
            best, value, chosen = (hidden, decay, epochs), value + gain, blend
    hidden, decay, epochs = best
    score = float(value.mean())
    cost = 1 - float(_ndcg(chosen, judge, new_place=True).mean()) / score if score > 0 else 1.0
    members = [
        _fit(start, everybody, None, hidden, decay, epochs, seed + m)[0] for m in range(MEMBERS if hidden else 1)
    ]
    joined = {n: np.concatenate([getattr(m, n) for m in members]) for n in ("linear", "w_in", "b_in", "w_out")}
    return Blend(*start[:2], **joined, new_feature=new_feature), {
        "hidden": hidden, "decay": decay, "epochs": epochs, "ndcg": score, "new_place_cost": cost,
    }  # fmt: skip


def _ndcg(blend: Blend, judge: Examples, new_place: bool = False) -> np.ndarray:
    """NDCG@10 of each user, with ``new_place`` of lists that keep their last place for a new item, shape [user]."""
    score = np.where(judge.valid, blend.score(judge.features), -np.inf)
    top = np.argsort(-score, axis=1, kind="stable")
    if new_place:
        new = np.take_along_axis((judge.features[..., blend.new_feature] > 0) & judge.valid, top, 1)
        top = with_a_new_one(top, new, 10)
    top = top[:, :10]
    gain = np.take_along_axis(judge.hit, top, 1) / np.log2(np.arange(2, top.shape[1] + 2))
    return gain.sum(1) / judge.ideal


def _fit(
    start: tuple, learn: Examples, judge: Examples | None, hidden: int, decay: float, epochs: int, seed: int
) -> tuple[Blend, int]:
    """One member by Adam; with ``judge`` as of the epoch that ranks its users best. Returns (blend, epochs)."""
    import torch

    mean, spread, new_feature, first = start
    generator = torch.Generator().manual_seed(seed)
    width = len(first)
    w_in = (torch.randn((width, hidden), generator=generator) / width**0.5).requires_grad_()
    b_in = torch.zeros(hidden, requires_grad=True)
    linear, w_out = torch.from_numpy(first.copy()).requires_grad_(), torch.zeros(hidden, requires_grad=True)
    with torch.no_grad():
        w_out += 0.1 * torch.randn(hidden, generator=generator)
    weights = (linear, w_in, b_in, w_out)
    optimiser = torch.optim.AdamW(weights, lr=5e-3, weight_decay=decay * 10)
    rng, users, best = np.random.default_rng(seed), np.flatnonzero(learn.hit.any(1)), (-1.0, None, 0)
    steps = max(len(users) // USERS_A_STEP, min(STEPS, len(users)), 1)
    for epoch in range(1, epochs + 1):
        for part in np.array_split(rng.permutation(users), steps):
            z = torch.from_numpy(np.clip((learn.features[part] - mean) / spread, -6, 6).astype(np.float32))
            score = z @ linear + torch.relu(z @ w_in + b_in) @ w_out
            score = torch.where(torch.from_numpy(learn.valid[part]), score, torch.tensor(-1e9))
            wanted = torch.from_numpy(learn.hit[part].astype(np.float32))
            loss = -(torch.log_softmax(score, 1) * wanted).sum(1) / wanted.sum(1)
            optimiser.zero_grad()
            loss.mean().backward()
            optimiser.step()
        if judge is not None and (epoch in (1, 3) or epoch % 2 == 0):
            blend = Blend(mean, spread, *(p.detach().numpy().copy()[None] for p in weights), new_feature=new_feature)
            value = float(_ndcg(blend, judge).mean())
            if value > best[0]:
                best = (value, blend, epoch)
    if judge is not None:
        return best[1], best[2]
    return Blend(mean, spread, *(p.detach().numpy().copy()[None] for p in weights), new_feature=new_feature), epochs
