"""Records what Taichi's Python side tells its compiler while it reads a kernel, and tells it again without reading.

Taichi walks a kernel's syntax tree anew in every process: tens of milliseconds each, only to find by the outcome that
the compiled kernel lies in its cache. The walk's whole effect is a sequence of calls into the compiler's core. A
:class:`Recording` notes them; :func:`retell` repeats them, some forty times as fast.

A record is plain JSON: ``functions`` of the core ([name, names of keyword arguments]), ``constants``, and ``calls``
([function, slots of its arguments]). Slots number the constants, then the kernel, then each call's result.
"""

import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ["Recording", "Unrecordable", "describe", "retell"]

#: What only asks; such a call is left out when nobody uses its result.
ASKING = ("Expr.get_", "Expr.is_", "DebugInfo", "ExprGroup.size", "get_", "is_", "data_type_", "item")
UNWATCHED = ("Program", "CompileConfig", "DataType", "Type")  #: classes whose objects are told by what they are
OWN = {"item": operator.getitem, "list": lambda *values: list(values), "tuple": lambda *values: values}


class Unrecordable(Exception):
    """The kernel refers to something that exists in this process only, as a field."""


def describe(core: ModuleType, value: Any) -> list:
    """A value of the core or a plain one as JSON."""
    if hasattr(value, "dtype") and hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return ["value", value]
    kind = type(value)
    if isinstance(value, core.DataType):
        name = value.to_string()
        if hasattr(core, f"DataType_{name}"):
            return ["type", name]
        if name.startswith("[Tensor"):
            return ["tensor", value.shape(), describe(core, value.element_type())]
    elif isinstance(value, core.CompileConfig):
        return ["config"]
    elif hasattr(kind, "__members__") and getattr(core, kind.__name__, None) is kind:
        return ["enum", kind.__name__, value.name]
    raise Unrecordable(str(kind))


def _value(core: ModuleType, program: Any, said: list) -> Any:
    """The value that :func:`describe` has described."""
    kind, *rest = said
    if kind == "value":
        return rest[0]
    if kind == "type":
        return getattr(core, f"DataType_{rest[0]}")
    if kind == "tensor":
        return core.get_type_factory_instance().get_tensor_type(rest[0], _value(core, program, rest[1]))
    if kind == "config":
        return program.config()
    return getattr(getattr(core, rest[0]), rest[1])


class Recording:
    """Notes the calls into Taichi's core from :meth:`begin` to :meth:`end`, while it is entered as a context."""

    def __init__(self, core: ModuleType) -> None:
        self.core, self.active, self.error = core, False, None
        self._calls: list[tuple[int, list[int]]] = []  # slots of constants are ~number until the end
        self._functions, self._constants = {}, {}  # what each is -> its number
        self._slots, self._alive = {}, []  # id of a result -> its slot; the results, whose ids so stay their own
        self._places: dict[tuple[int, ...], int] = {}  # what tells a place in the source -> its slot
        self._plain: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> "Recording":
        for name, value in list(vars(self.core).items()):
            if isinstance(value, type):
                if value.__module__ == self.core.__name__ and name not in UNWATCHED:
                    self._watch_class(name, value)
            elif callable(value):
                self._watch(self.core, name, name, value)
        return self

    def __exit__(self, *_) -> None:
        for owner, name, value in self._plain:
            setattr(owner, name, value)

    def _watch_class(self, name: str, kind: type) -> None:
        for method, value in list(vars(kind).items()):
            if type(value).__name__ != "instancemethod" or method.startswith("_pybind"):
                continue
            if method == "__init__":
                self._watch(kind, method, name, value)
            elif not method.startswith("__"):
                self._watch(kind, method, f"{name}.{method}", value)

    def _watch(self, owner: Any, name: str, said: str, plain: Callable) -> None:
        def watched(*args, **more):
            result = plain(*args, **more) if name != "__init__" else plain(*args, **more) or args[0]
            if self.active:
                self._note(said, args[1:] if name == "__init__" else args, more, result)
            return None if name == "__init__" else result

        self._plain.append((owner, name, plain))
        setattr(owner, name, watched)

    def begin(self, kernel: Any) -> None:
        """From now on calls are those that describe this kernel of the core."""
        self._slots[id(kernel)] = 0
        self._alive.append(kernel)
        self.active = True

    def _note(self, name: str, args: tuple, more: dict, result: Any) -> None:
        try:
            slots = [self._slot(a) for a in (*args, *more.values())]
        except Unrecordable as error:
            self.active, self.error = False, error
            return
        if name == "DebugInfo":  # the place in the source, of which a line's calls make one each
            known = self._places.setdefault(tuple(slots), len(self._calls) + 1)
            if known <= len(self._calls):
                self._slots[id(result)] = known
                self._alive.append(result)
                return
        self._call(name, tuple(more), slots, result)

    def _call(self, name: str, more: tuple[str, ...], slots: list[int], result: Any) -> int:
        function = self._functions.setdefault((name, more), len(self._functions))
        self._calls.append((function, slots))
        self._alive.append(result)
        at = len(self._calls)  # after the kernel
        if isinstance(result, list):
            for k, entry in enumerate(result):
                if type(entry).__module__ == self.core.__name__:
                    self._slots.setdefault(id(entry), self._call("item", (), [at, self._constant(k)], entry))
        elif type(result).__module__ == self.core.__name__ and not self._tellable(result):
            self._slots.setdefault(id(result), at)
        return at

    def _tellable(self, value: Any) -> bool:
        try:
            describe(self.core, value)
        except Unrecordable:
            return False
        return True

    def _slot(self, value: Any) -> int:
        if (found := self._slots.get(id(value))) is not None:
            return found
        if isinstance(value, list | tuple):
            return self._call(type(value).__name__, (), [self._slot(v) for v in value], value)
        return self._constant(value)

    def _constant(self, value: Any) -> int:
        said = describe(self.core, value)
        return ~self._constants.setdefault((repr(said), len(said)), (len(self._constants), said))[0]

    def end(self) -> dict:
        """The record. Raises Unrecordable."""
        self.active = False
        if self.error:
            raise self.error
        names = [name for name, _ in self._functions]
        used = {0}
        for at in range(len(self._calls), 0, -1):
            function, slots = self._calls[at - 1]
            if at in used or not names[function].startswith((*ASKING, "list", "tuple")):
                used.update([at, *slots])
        first, told = len(self._constants), sorted(s for s in used if s >= 0)
        place = {~k: k for k in range(first)} | {at: first + k for k, at in enumerate(told)}
        return {
            "functions": [[name, list(more)] for name, more in self._functions],
            "constants": [said for _, said in self._constants.values()],
            "calls": [[f, *(place[s] for s in slots)] for at, (f, slots) in enumerate(self._calls, 1) if at in used],
        }


def retell(core: ModuleType, program: Any, record: dict, kernel: Any) -> None:
    """Describes a kernel to Taichi's core as it was when it was recorded."""
    functions = [_function(core, name, more) for name, more in record["functions"]]
    slots = [_value(core, program, said) for said in record["constants"]]
    slots.append(kernel)
    result = slots.append
    for function, *args in record["calls"]:
        result(functions[function](*[slots[a] for a in args]))


def _function(core: ModuleType, name: str, more: list[str]) -> Callable:
    plain = OWN.get(name) or operator.attrgetter(name)(core)
    if not more:
        return plain
    return lambda *args: plain(*args[: -len(more)], **dict(zip(more, args[-len(more) :], strict=True)))
