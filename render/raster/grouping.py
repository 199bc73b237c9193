"""Stable grouping by key: the lists (tile to faces, vertex to corners) from which kernels gather.

Gathering from sorted lists replaces atomic scatter, so that every sum has one order and results are bit-equal for any
number of threads.
"""

import torch

from engine.core.taichi_runtime import ti

__all__ = ["Groups", "stable_groups", "sum_by_group"]

I32 = ti.types.ndarray(dtype=ti.i32, ndim=1)
F32 = ti.types.ndarray(dtype=ti.f32, ndim=1)
F32x2 = ti.types.ndarray(dtype=ti.f32, ndim=2)


class Groups:
    """Elements in order of their key.

    Attributes:
        start: ``start[key]`` to ``start[key + 1]`` are the places of the key's elements, int32 [key + 1].
        place: place of each element in that order, int32 [element].
        element: the element at each place, int32 [element].
    """

    def __init__(self, start: torch.Tensor, place: torch.Tensor, element: torch.Tensor) -> None:
        self.start, self.place, self.element = start, place, element


def stable_groups(keys: torch.Tensor, count: int) -> Groups:
    """Groups elements by key, each group in the elements' order.

    Args:
        keys: int32 [element], each in [0, count).
        count: number of keys.
    """
    n = len(keys)
    place = torch.empty(n, dtype=torch.int32, device=keys.device)
    element = torch.empty(n, dtype=torch.int32, device=keys.device)
    start = torch.zeros(count + 1, dtype=torch.int32, device=keys.device)
    if keys.is_cuda:
        element[:] = torch.argsort(keys, stable=True)
        place[element.long()] = torch.arange(n, dtype=torch.int32, device=keys.device)
        start[1:] = torch.bincount(keys, minlength=count).cumsum(0)
    elif n:
        cursor = torch.empty(count, dtype=torch.int32)
        _counting_sort(keys, start, cursor, place, element)
    return Groups(start, place, element)


def sum_by_group(values: torch.Tensor, groups: Groups) -> torch.Tensor:
    """Sum of the values of every group, in the elements' order.

    Args:
        values: float32 [element, channel].

    Returns:
        float32 [key, channel].
    """
    out = torch.zeros((len(groups.start) - 1, values.shape[1]), dtype=torch.float32, device=values.device)
    if len(values):
        _sum(values.contiguous(), groups.start, groups.element, out)
    return out


@ti.kernel
def _counting_sort(keys: I32, start: I32, cursor: I32, place: I32, element: I32):
    ti.loop_config(serialize=True)
    for i in range(keys.shape[0]):
        start[keys[i] + 1] = start[keys[i] + 1] + 1
    ti.loop_config(serialize=True)
    for key in range(cursor.shape[0]):
        cursor[key] = start[key]
        start[key + 1] = start[key + 1] + start[key]
    ti.loop_config(serialize=True)
    for i in range(keys.shape[0]):
        at = cursor[keys[i]]
        cursor[keys[i]] = at + 1
        place[i] = at
        element[at] = i


@ti.kernel
def _sum(values: F32x2, start: I32, element: I32, out: F32x2):
    for key, channel in ti.ndrange(out.shape[0], out.shape[1]):
        total = 0.0
        for at in range(start[key], start[key + 1]):
            total += values[element[at], channel]
        out[key, channel] = total
