"""Which device the kernels run on."""

import torch

from engine.core.taichi_runtime import backend, init

__all__ = ["ready"]


def ready(tensor: torch.Tensor) -> None:
    """Starts the kernels' runtime for the tensor's device, if nothing has started it yet."""
    if not backend() or tensor.is_cuda:
        init(device="cuda" if tensor.is_cuda else "cpu")
