"""Batches of tensors that differ in length: as a list, padded to the longest, or packed one after another."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch

from engine.core.errors import ArgumentError

__all__ = ["list_to_packed", "list_to_padded", "packed_to_list", "packed_to_padded", "padded_to_list"]
__all__ += ["padded_to_packed", "positions", "take_rows"]


def list_to_padded(
    x: Sequence[torch.Tensor], pad_size: Sequence[int] | None = None, pad_value: float = 0.0, equisized: bool = False
) -> torch.Tensor:
    """One tensor [part, ...] with the parts at the start of each axis.

    Args:
        x: parts of equally many axes; an empty part may have fewer.
        pad_size: the result's shape after its first axis; None takes the largest part along each axis.
        pad_value: in the rest.
        equisized: all parts have one shape, which saves the copying one by one.
    """
    if not all(torch.is_tensor(part) for part in x):
        raise ArgumentError("packing.type", "not all parts are tensors", "give a list of tensors")
    if equisized:
        return torch.stack(tuple(x))
    axes = max(part.ndim for part in x)
    parts = [part.new_zeros([0] * axes) if part.ndim == 1 and not len(part) else part for part in x]
    if any(part.ndim != axes for part in parts):
        shapes = sorted({part.ndim for part in parts})
        raise ArgumentError("packing.shape", f"parts with {shapes} axes cannot be padded to one tensor", "all the same")
    if pad_size is None:
        pad_size = [max(part.shape[axis] for part in parts) for axis in range(axes)]
    elif len(pad_size) != axes:
        raise ArgumentError("packing.shape", f"Pad size must have {axes} numbers, not {len(pad_size)}", "one an axis")
    padded = parts[0].new_full((len(parts), *pad_size), pad_value)
    for i, part in enumerate(parts):
        if len(part):
            padded[(i, *(slice(0, n) for n in part.shape))] = part
    return padded


def padded_to_list(x: torch.Tensor, split_size: Sequence[int] | Sequence[Sequence[int]] | None = None) -> list:
    """Views of the parts of a padded tensor [part, ...].

    Args:
        split_size: length of each part along its first axis, or along its first axes; None takes all.
    """
    if split_size is None:
        return list(x.unbind(0))
    if len(split_size) != len(x):
        raise _other_length(len(x), len(split_size))
    starts = [(size,) if isinstance(size, int) else size for size in split_size]
    return [part[tuple(slice(0, int(n)) for n in start)] for part, start in zip(x.unbind(0), starts, strict=True)]


def list_to_packed(x: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Parts [n, ...] one after another.

    Returns:
        The packed tensor [sum of n, ...]; n of each part; where in it each part begins; the part of each row.
    """
    if not len(x):
        raise ArgumentError("packing.empty", "there is nothing to pack", "give at least one tensor")
    counts = torch.tensor([len(part) for part in x], device=x[0].device)
    index = torch.arange(len(x), device=x[0].device).repeat_interleave(counts)
    return torch.cat(tuple(x)), counts, counts.cumsum(0) - counts, index


def packed_to_list(x: torch.Tensor, split_size: Sequence[int] | int) -> tuple[torch.Tensor, ...]:
    """Views of the parts of a packed tensor, with ``split_size`` rows each."""
    return x.split(split_size)


def packed_to_padded(inputs: torch.Tensor, first_idxs: torch.Tensor, max_size: int) -> torch.Tensor:
    """Packed rows [row, ...] as [part, max_size, ...] with zeros behind; ``first_idxs``: where each part begins."""
    ends = torch.cat((first_idxs[1:], first_idxs.new_tensor([len(inputs)])))
    counts = (ends - first_idxs).tolist()
    return list_to_padded(inputs.split(counts), (max_size, *inputs.shape[1:]))


def padded_to_packed(
    x: torch.Tensor, split_size: Sequence[int] | None = None, pad_value: float | None = None
) -> torch.Tensor:
    """Rows of a padded tensor [part, row, channel] one after another, [sum of rows, channel].

    Args:
        split_size: number of rows of each part.
        pad_value: in place of it, rows that have nothing but this value are left out. Without both, all rows stay.
    """
    if x.ndim != 3:
        raise ArgumentError("packing.shape", f"Supports only tensors with three axes, not {x.ndim}", "reshape it")
    if split_size is not None and pad_value is not None:
        raise ArgumentError("packing.both", "Only one of split_size and pad_value can be given", "leave one out")
    rows = x.flatten(0, 1)
    if pad_value is not None:
        return rows[(rows != pad_value).any(1)]
    if split_size is None:
        return rows
    if len(split_size) != len(x):
        raise _other_length(len(x), len(split_size))
    if not all(isinstance(n, int) for n in split_size):
        raise ArgumentError("packing.split", "split_size must be 1-dimensional", "give one whole number for each part")
    return torch.cat([part[:n] for part, n in zip(x, split_size, strict=True)])


def take_rows(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """``values[index]`` of rows [row, ...] of floating-point numbers, with a gradient that has the same bits for any
    number of threads: that of plain indexing is summed by atomic additions.
    """
    found = values.flatten(1).index_select(0, index.reshape(-1))
    return found.view(*index.shape, *values.shape[1:])


def positions(index, count: int) -> list[int]:
    """What ``index`` (number, list, slice, tensor of numbers or of truth values) picks out of ``count`` meshes.

    Raises:
        IndexError: as Python's own indexing does, which ends loops over a batch.
    """
    if isinstance(index, slice):
        return list(range(count))[index]
    if torch.is_tensor(index):
        if index.ndim > 1 or index.is_floating_point():
            raise IndexError(f"a tensor of {index.dtype} with {index.ndim} axes is no index of meshes")
        index = index.nonzero()[:, 0].tolist() if index.dtype == torch.bool else index.tolist()
    try:
        picked = [operator.index(i) for i in index] if isinstance(index, list | tuple) else [operator.index(index)]
    except TypeError:
        raise IndexError(f"{index!r} is no index of meshes") from None
    return [range(count)[i] for i in picked]


def _other_length(parts: int, sizes: int) -> ArgumentError:
    return ArgumentError(
        "packing.split", f"{sizes} sizes for {parts} parts: not the same length as inputs first dimension", "one each"
    )
