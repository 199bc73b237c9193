"""Blending of fragments into pixels: the soft silhouette."""

import torch

from engine.core.taichi_runtime import ti
from render.raster.device import ready

__all__ = ["sigmoid_alpha"]

F32 = ti.types.ndarray(dtype=ti.f32, ndim=1)
I64 = ti.types.ndarray(dtype=ti.i64, ndim=1)


def sigmoid_alpha(dists: torch.Tensor, pix_to_face: torch.Tensor, sigma: float) -> torch.Tensor:
    """Soft coverage of every pixel, 1 - prod_k (1 - sigmoid(-dists_k / sigma)) (Liu et al., Soft Rasterizer, 2019).

    Args:
        dists: signed squared distances, float32 [image, y, x, k].
        pix_to_face: -1 in unused places, which must come last, int64 [image, y, x, k].
        sigma: squared distance over which a face's edge fades.

    Returns:
        float32 [image, y, x].
    """
    ready(dists)
    return _SigmoidAlpha.apply(dists, pix_to_face, float(sigma))


class _SigmoidAlpha(torch.autograd.Function):
    @staticmethod
    def forward(ctx, dists, pix_to_face, sigma):
        alpha = torch.empty(dists.shape[:-1], dtype=torch.float32, device=dists.device)
        _alpha(dists.detach().contiguous().view(-1), pix_to_face.contiguous().view(-1), alpha.view(-1), sigma)
        ctx.save_for_backward(dists, pix_to_face, alpha)
        ctx.sigma = sigma
        return alpha

    @staticmethod
    def backward(ctx, grad):
        dists, pix_to_face, alpha = ctx.saved_tensors
        out = torch.empty_like(dists, memory_format=torch.contiguous_format)
        _alpha_gradient(dists.detach().contiguous().view(-1), pix_to_face.contiguous().view(-1), alpha.view(-1),
                        grad.contiguous().view(-1), out.view(-1), ctx.sigma)  # fmt: skip
        return out, None, None


@ti.kernel
def _alpha(dists: F32, face: I64, alpha: F32, sigma: ti.f32):
    keep = dists.shape[0] // alpha.shape[0]
    for i in range(alpha.shape[0]):
        clear = 1.0
        for at in range(i * keep, (i + 1) * keep):
            if face[at] < 0:
                break
            clear *= 1.0 - 1.0 / (1.0 + ti.exp(dists[at] / sigma))
        alpha[i] = 1.0 - clear


@ti.kernel
def _alpha_gradient(dists: F32, face: I64, alpha: F32, grad: F32, out: F32, sigma: ti.f32):
    keep = dists.shape[0] // alpha.shape[0]
    for i in range(alpha.shape[0]):
        # of the rounded result, as in the reference: a pixel that has become opaque has no gradient
        scale = -grad[i] * (1.0 - alpha[i]) / sigma
        for at in range(i * keep, (i + 1) * keep):
            out[at] = 0.0
            if face[at] >= 0 and scale != 0.0:
                out[at] = scale / (1.0 + ti.exp(dists[at] / sigma))
