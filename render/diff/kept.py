"""Values that an object works out when first asked, and keeps."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import torch

__all__ = ["Kept", "kept"]


def kept(compute: Callable) -> Callable:
    """A method without arguments whose value (tensor, list of tensors, or None) is kept in the attribute ``_<name>``.

    Copies that carry gradients are not kept: their graph is good for one backward pass only, and an optimizer may
    change in place what they were copied from. Views always agree with it. Nor is kept what is worked out under
    ``torch.no_grad()`` from something that has gradients.
    """
    slot = "_" + compute.__name__

    @wraps(compute)
    def method(self):
        value = getattr(self, slot)
        if value is None:
            value = compute(self)
            carrying = any(part.requires_grad and not part._is_view() for part in _parts(value))
            if not carrying and (torch.is_grad_enabled() or not self._has_gradients()):
                setattr(self, slot, value)
        return value

    method.slot = slot
    return method


def _parts(value) -> list[torch.Tensor]:
    return [value] if torch.is_tensor(value) else value or []


class Kept:
    """What has :func:`kept` methods; their slots are None until they are filled, also from outside.

    Attributes:
        _INTERNAL_TENSORS: names of all slots, and of other attributes that are tensors.
    """

    _INTERNAL_TENSORS: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        slots = [method.slot for method in vars(cls).values() if hasattr(method, "slot")]
        for slot in slots:
            setattr(cls, slot, None)
        cls._INTERNAL_TENSORS = (*cls._INTERNAL_TENSORS, *slots)

    def _has_gradients(self) -> bool:
        values = (getattr(self, name, None) for name in self._INTERNAL_TENSORS)  # some come later in __init__
        return any(part.requires_grad for value in values for part in _parts(value))

    def _with_tensors(self, change: Callable[[torch.Tensor], torch.Tensor]):
        """A copy in which every tensor is changed; what is no tensor is shared."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        for name in self._INTERNAL_TENSORS:
            value = getattr(self, name)
            if value is not None:
                setattr(other, name, change(value) if torch.is_tensor(value) else [change(part) for part in value])
        return other
