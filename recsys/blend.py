"""The learned blend: scores candidates from their features, by a listwise softmax over each user's candidates.

Two forms are fitted on three quarters of the validation users, a linear one and one with a hidden layer, each with
several strengths of regularisation; the one that ranks the last quarter best is kept and refitted on all of them.
The loss is that of a conditional logit (McFadden 1973), or ListNet's top-one loss (Cao et al. 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.diversity import with_a_new_one

__all__ = ["Blend", "learn_blend"]

HIDDEN = 24
FORMS = ((0, 1e-3), (0, 1e-2), (HIDDEN, 1e-3), (HIDDEN, 1e-2))
EPOCHS = 30
USERS_A_STEP = 128
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


def learn_blend(
    features: np.ndarray, hit: np.ndarray, valid: np.ndarray, ideal: np.ndarray, new_feature: int, first: np.ndarray,
    *, seed: int = 0,
) -> tuple[Blend, dict[str, float]]:
    """Fits the blend on validation users.

    Args:
        features: Shape [user, candidate, feature].
        hit: Which candidates were wanted, bool, shape [user, candidate].
        valid: Which candidates there are, bool, shape [user, candidate].
        ideal: Best possible DCG@10 of each user, shape [user].
        new_feature: Index of the feature that marks items without history.
        first: Linear weights to start from, shape [feature].

    Returns:
        The blend, and what was chosen: hidden width, weight decay, epochs, NDCG@10 on the users held out, and the
        share of it that keeping the last place for a new item costs.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(features))
    judge, learn = order[: len(order) // 4], order[len(order) // 4 :]
    flat = features[valid]
    mean, spread = flat.mean(0), flat.std(0)
    spread[spread < 1e-4] = 1.0
    start = (mean.astype(np.float32), spread.astype(np.float32), new_feature, first.astype(np.float32))
    learn, everyone = learn[hit[learn].any(1)], np.flatnonzero(hit.any(1))
    best, best_score, cost = None, -1.0, 1.0
    for hidden, decay in FORMS:
        blend, epochs = _fit(start, features, hit, valid, ideal, learn, judge, hidden, decay, EPOCHS, seed, pick=True)
        score = _ndcg(blend, features[judge], hit[judge], valid[judge], ideal[judge])
        if score > best_score:
            best, best_score = (hidden, decay, epochs), score
            kept = _ndcg(blend, features[judge], hit[judge], valid[judge], ideal[judge], new_place=True)
            cost = 1 - kept / score if score > 0 else 1.0
    hidden, decay, epochs = best
    members = [
        _fit(start, features, hit, valid, ideal, everyone, judge, hidden, decay, epochs, seed + m, pick=False)[0]
        for m in range(MEMBERS if hidden else 1)
    ]
    joined = {n: np.concatenate([getattr(m, n) for m in members]) for n in ("linear", "w_in", "b_in", "w_out")}
    return Blend(*start[:2], **joined, new_feature=new_feature), {
        "hidden": hidden, "decay": decay, "epochs": epochs, "ndcg": best_score, "new_place_cost": cost,
    }  # fmt: skip


def _ndcg(
    blend: Blend, features: np.ndarray, hit: np.ndarray, valid: np.ndarray, ideal: np.ndarray, new_place: bool = False
) -> float:
    """Mean NDCG@10, with ``new_place`` of lists that keep their last place for a new item."""
    if not len(features):
        return 0.0
    score = np.where(valid, blend.score(features), -np.inf)
    top = np.argsort(-score, axis=1, kind="stable")
    if new_place:
        new = np.take_along_axis((features[..., blend.new_feature] > 0) & valid, top, 1)
        top = with_a_new_one(top, new, 10)
    top = top[:, :10]
    gain = np.take_along_axis(hit, top, 1) / np.log2(np.arange(2, top.shape[1] + 2))
    return float((gain.sum(1) / ideal).mean())


def _fit(start, features, hit, valid, ideal, users, judge, hidden, decay, epochs, seed, *, pick):
    """One member by Adam; with ``pick`` the epoch that ranks the judging users best. Returns (blend, epochs)."""
    import torch

    mean, spread, new_feature, first = start
    generator = torch.Generator().manual_seed(seed)
    width = features.shape[2]
    w_in = (torch.randn((width, hidden), generator=generator) / width**0.5).requires_grad_()
    b_in = torch.zeros(hidden, requires_grad=True)
    linear, w_out = torch.from_numpy(first.copy()).requires_grad_(), torch.zeros(hidden, requires_grad=True)
    with torch.no_grad():
        w_out += 0.1 * torch.randn(hidden, generator=generator)
    optimiser = torch.optim.AdamW([linear, w_in, b_in, w_out], lr=5e-3, weight_decay=decay * 10)
    rng, best = np.random.default_rng(seed), (-1.0, None, 0)
    for epoch in range(1, epochs + 1):
        for part in np.array_split(rng.permutation(users), max(len(users) // USERS_A_STEP, 1)):
            z = torch.from_numpy(np.clip((features[part] - mean) / spread, -6, 6).astype(np.float32))
            score = z @ linear + torch.relu(z @ w_in + b_in) @ w_out
            score = torch.where(torch.from_numpy(valid[part]), score, torch.tensor(-1e9))
            wanted = torch.from_numpy(hit[part].astype(np.float32))
            loss = -(torch.log_softmax(score, 1) * wanted).sum(1) / wanted.sum(1)
            optimiser.zero_grad()
            loss.mean().backward()
            optimiser.step()
        if pick and (epoch % 2 == 0 or epoch == epochs):
            blend = _blend(mean, spread, new_feature, linear, w_in, b_in, w_out)
            value = _ndcg(blend, features[judge], hit[judge], valid[judge], ideal[judge])
            if value > best[0]:
                best = (value, blend, epoch)
    if pick:
        return best[1], best[2]
    return _blend(mean, spread, new_feature, linear, w_in, b_in, w_out), epochs


def _blend(mean, spread, new_feature, linear, w_in, b_in, w_out) -> Blend:
    arrays = [p.detach().numpy().copy()[None] for p in (linear, w_in, b_in, w_out)]
    return Blend(mean, spread, *arrays, new_feature=new_feature)
