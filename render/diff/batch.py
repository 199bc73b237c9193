"""Batches of named tensors: what cameras, lights and materials have in common."""

from __future__ import annotations

import numpy as np
import torch

from engine.core.errors import ArgumentError

__all__ = ["TensorProperties", "spread"]

NUMBERS = (int, float, list, tuple, np.ndarray, np.number, torch.Tensor)


def spread(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Rows [batch, channel] with ones between, so that they broadcast against [batch, ..., channel]."""
    return value.view(len(value), *([1] * (like.ndim - 2)), value.shape[-1])


class TensorProperties:
    """Fields that are tensors with the same batch in front, under PyTorch3D's name.

    Numbers, sequences and tensors become tensors of ``dtype``; a batch of one is spread to the others' length. None,
    strings and truth values are kept as they are.

    Raises:
        ArgumentError: ``batch.size``, if two fields have different batches and neither is one.
    """

    def __init__(self, dtype: torch.dtype = torch.float32, device="cpu", **fields) -> None:
        self.device = torch.device(device)
        tensors = {k: self._tensor(v, k, dtype) for k, v in fields.items() if isinstance(v, NUMBERS) and _is_number(v)}
        self._N = _batch(tensors)
        self._names = tuple(tensors)
        for name, value in fields.items():
            value = tensors.get(name, value)
            setattr(self, name, value.expand(self._N, *value.shape[1:]) if name in tensors else value)

    def _tensor(self, value, name: str, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The field as a tensor with a batch in front."""
        if isinstance(value, (list, tuple)) and any(torch.is_tensor(v) for v in value):
            value = torch.stack([torch.as_tensor(v, dtype=dtype, device=self.device) for v in value])
        value = torch.as_tensor(value, dtype=dtype, device=self.device)
        return value if value.ndim else value[None]

    def __len__(self) -> int:
        return self._N

    def isempty(self) -> bool:
        return self._N == 0

    def __getitem__(self, index: int | slice) -> _Part:
        """One of the batch, or a few: reads and writes of its fields are those of the whole."""
        if not isinstance(index, (int, slice)):
            raise ArgumentError("batch.index", f"an index of type {type(index).__name__}", "give a number or a slice")
        return _Part(self, index)

    def to(self, device="cpu"):
        """The same on another device."""
        moved = self._with({name: getattr(self, name).to(device) for name in self._names})
        moved.device = torch.device(device)
        return moved

    def cpu(self):
        return self.to("cpu")

    def cuda(self, device: int | None = None):
        return self.to("cuda" if device is None else f"cuda:{device}")

    def clone(self, other=None):
        """A copy that shares no memory; into ``other``, if it is given."""
        copied = {name: getattr(self, name).clone() for name in self._names}
        if other is None:
            return self._with(copied)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(copied)
        return other

    def gather_props(self, batch_idx: torch.Tensor):
        """Each field's rows at these places of the batch, so that they fit packed vertices or faces."""
        return self._with({name: getattr(self, name)[batch_idx] for name in self._names})

    def _with(self, tensors: dict[str, torch.Tensor]):
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.update(tensors)
        other._N = _batch(tensors)
        return other


class _Part:
    """Places of a batch of tensors."""

    def __init__(self, whole: TensorProperties, index: int | slice) -> None:
        object.__setattr__(self, "_whole", whole)
        object.__setattr__(self, "_index", index)

    def __getattr__(self, name: str):
        value = getattr(self._whole, name)
        return value[self._index] if name in self._whole._names else value

    def __setattr__(self, name: str, value) -> None:
        if name not in self._whole._names:
            raise AttributeError(f"{name} is not a tensor of {type(self._whole).__name__}")
        rows = getattr(self._whole, name).clone()  # the rows of a spread tensor share their memory
        rows[self._index] = torch.as_tensor(value, dtype=rows.dtype, device=rows.device)
        setattr(self._whole, name, rows)


def _is_number(value) -> bool:
    return not isinstance(value, bool)


def _batch(tensors: dict[str, torch.Tensor]) -> int:
    """The common batch."""
    sizes = {name: len(value) for name, value in tensors.items()}
    batch = next((n for n in sizes.values() if n != 1), 1 if sizes else 0)
    for name, size in sizes.items():
        if size not in (1, batch):
            raise ArgumentError(
                "batch.size", f"{name} has a batch of {size}, others of {batch}", "give one, or one each"
            )
    return batch
