"""Shorter ways through Taichi's Python side: loading kernels, launching them, and reading arrays on the CPU.

A small cloth's step is some thirty launches of microseconds of work each. Taichi spends about 80 us on each in Python,
reads every function's source anew wherever a kernel inlines it, and copies arrays by launching further kernels. What
is done here gives the same results by private corners of Taichi 1.7; on any other version nothing is changed.
"""

import contextlib
import ctypes
import functools
import inspect
import itertools
import linecache
import math
import operator
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

__all__ = [
    "free_arrays", "one_after_the_other", "shorten_import", "shorten_loading", "shorten_launches", "shorten_copies",
]

KNOWN = (1, 7)  #: version whose private corners these are
CONTEXTS = 8  #: kept of every kernel
PLAIN = {int: int, float: float}  #: arguments whose class says all of how they are handed over


@contextlib.contextmanager
def shorten_import() -> Iterator[None]:
    """While Taichi is imported: for the one line of source that it wants around each of its functions, Python's
    inspect goes through every module that there is. Nor are HTTP and TLS loaded for a check for newer versions."""
    plain = inspect.getframeinfo
    sys.modules.setdefault("taichi._version_check", SimpleNamespace(start_version_check_thread=lambda: None))
    inspect.getframeinfo = lambda frame, context=1: ("", frame.f_lineno, frame.f_code.co_name, [_line_of(frame)], 0)
    try:
        yield
    finally:
        inspect.getframeinfo = plain


def _line_of(frame: Any) -> str:
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno)


def shorten_loading(ti: ModuleType) -> None:
    """Reads the source of every function once, and notes plain positions in it.

    For error messages Taichi draws a picture of the source for every syntax node and notes the call stack of every
    array, even for kernels that it then takes from its cache.
    """
    if ti.__version__[:2] != KNOWN:
        return
    kernel_impl = ti.lang.kernel_impl

    def position(self, node) -> str:
        return f'File "{self.file}", line {node.lineno + self.lineno_offset}, in {self.func.func.__name__}:\n'

    ti.lang.ast.ast_transformer_utils.ASTTransformerContext.get_pos_info = position
    kernel_impl.getsourcelines = functools.lru_cache(maxsize=None)(kernel_impl.getsourcelines)
    kernel_impl.getsourcefile = functools.lru_cache(maxsize=None)(kernel_impl.getsourcefile)
    dedent = kernel_impl.textwrap.dedent
    kernel_impl.textwrap = SimpleNamespace(fill=_one_line, dedent=functools.lru_cache(maxsize=None)(dedent))
    for module in (ti.lang._ndarray, ti.lang.matrix):
        module.get_traceback = lambda *_: ""

    def inside_class(level_of_class_stackframe: int) -> bool:
        try:
            line = _line_of(sys._getframe(level_of_class_stackframe)).strip()
        except ValueError:  # the kernel stands in the program's own file
            return False
        return any(pattern.match(line) for pattern in kernel_impl._KERNEL_CLASS_STACKFRAME_STMT_RES)

    kernel_impl._inside_class = inside_class


def free_arrays(ti: ModuleType) -> None:
    """Gives the memory of arrays of vectors and matrices back when they are gone, as Taichi does for those of numbers.

    Otherwise a process that drapes again and again grows by all the arrays of every drape.
    """
    if ti.__version__[:2] != KNOWN:
        return
    for kind in (ti.lang.matrix.VectorNdarray, ti.lang.matrix.MatrixNdarray):
        if not hasattr(kind, "__del__"):
            kind.__del__ = ti.lang._ndarray.ScalarNdarray.__del__


def _one_line(line: str, *, tabsize: int, width: int) -> str:
    """What textwrap.fill makes of a line shorter than ``width``."""
    return line.expandtabs(tabsize).rstrip()


def shorten_copies(ti: ModuleType) -> None:
    """Copies between the CPU's Taichi arrays and NumPy's straight in memory. For programs that run on the CPU only."""
    if ti.__version__[:2] != KNOWN:
        return
    Ndarray, to_numpy_type = ti.lang._ndarray.Ndarray, ti.lang.util.to_numpy_type

    def memory(array: Ndarray) -> np.ndarray:
        """A view of an array's memory, valid as long as the array lives."""
        if (known := vars(array).get("toile_memory")) is not None:
            return known
        kind, shape = np.dtype(to_numpy_type(array.dtype)), tuple(array.arr.total_shape())
        start = ti.lang.impl.get_runtime().prog.get_ndarray_data_ptr_as_int(array.arr)
        raw = (ctypes.c_char * (math.prod(shape) * kind.itemsize)).from_address(start)
        array.toile_memory = np.frombuffer(raw, kind).reshape(shape)
        return array.toile_memory

    def into(array: Ndarray, values: np.ndarray) -> None:
        target = memory(array)
        if target.shape != values.shape:
            raise ValueError(f"an array of shape {target.shape} cannot take values of shape {values.shape}")
        target[...] = values

    Ndarray.toile_raw = memory
    Ndarray._ndarray_to_numpy = lambda self: memory(self).copy()
    Ndarray._ndarray_matrix_to_numpy = lambda self, as_vector: memory(self).copy()
    Ndarray._ndarray_from_numpy = into
    Ndarray._ndarray_matrix_from_numpy = lambda self, values, as_vector: into(self, values)
    Ndarray.copy_from = lambda self, other: into(self, memory(other))
    Ndarray.fill = lambda self, value: memory(self).fill(value)


def one_after_the_other(ti: ModuleType) -> None:
    """Compiles every loop to run on the thread that launches it. For programs that have one thread only: even then
    Taichi hands a loop's parts to a pool, and its machine code takes twice as long to make."""
    if ti.__version__[:2] != KNOWN:
        return
    Transformer = ti.lang.ast.ast_transformer.ASTTransformer
    plain = Transformer.build_range_for

    def build_range_for(ctx: Any, node: Any) -> None:
        ctx.ast_builder.strictly_serialize()
        plain(ctx, node)

    Transformer.build_range_for = staticmethod(build_range_for)


def shorten_launches(ti: ModuleType) -> None:
    """Remembers for every kernel how arguments of the kinds that it has been given before are handed over."""
    if ti.__version__[:2] != KNOWN:
        return
    Kernel = ti.lang.kernel_impl.Kernel
    plain, known, numbers = Kernel.__call__, {}, itertools.count()

    def kind(value: Any) -> Any:
        """Equal for arguments that Taichi hands over in one way; raises TypeError where that is not known."""
        if (found := getattr(value, "toile_kind", None)) is not None:
            return found
        if isinstance(value, int | np.integer):
            return int
        if isinstance(value, float | np.floating):
            return float
        if isinstance(value, ti.lang._ndarray.Ndarray) and value.grad is None:
            key = (type(value), str(value.dtype), value.element_shape, len(value.shape))
        elif isinstance(value, ti.Matrix) and isinstance(value.entries, np.ndarray):
            key = (type(value), value.entries.shape, value.entries.dtype.kind)
        else:
            raise TypeError
        value.toile_number = next(numbers)
        value.toile_kind = known.setdefault(key, len(known))
        return value.toile_kind

    def call(kernel: Kernel, *args, **more):
        runtime = kernel.runtime
        if more or runtime.target_tape or runtime.fwd_mode_manager:
            return plain(kernel, *args, **more)
        try:
            kinds = (*[PLAIN.get(type(a)) or kind(a) for a in args], *[args[k] for k in kernel.template_slot_locations])
        except TypeError:  # something else than arrays and numbers
            return plain(kernel, *args)
        ways = kernel.compiled_kernels  # which Taichi empties when it starts anew
        if (way := ways.get(kinds)) is not None:
            return way(runtime.prog, args)
        result = plain(kernel, *args)  # which checks them
        if way := _way(ti, kernel, args):
            ways[kinds] = way
        return result

    Kernel.__call__ = call


def _way(ti: ModuleType, kernel: Any, args: tuple) -> Callable[[Any, tuple], None] | None:
    """Launches a kernel that has run with ``args`` with others of the same kinds; None where that takes more."""
    kinds, MatrixType = ti.types.primitive_types, ti.lang.matrix.MatrixType
    if kernel.return_type is not None or kernel.has_print or kernel.autodiff_mode != kernel.autodiff_mode.NONE:
        return None
    steps, at = [], 0
    for k, argument in enumerate(kernel.arguments):
        wanted, place = argument.annotation, (at,)
        if k in kernel.template_slot_locations:
            continue
        at += 1
        if isinstance(wanted, ti.types.ndarray_type.NdarrayType):
            steps.append((k, "set_arg_ndarray", place, operator.attrgetter("arr")))
        elif id(wanted) in kinds.real_type_ids:
            steps.append((k, "set_arg_float", place, float))
        elif id(wanted) in kinds.integer_type_ids and wanted in (kinds.i32, kinds.i64):
            steps.append((k, "set_arg_int", place, operator.index))
        elif isinstance(wanted, MatrixType) and wanted.dtype in (kinds.f32, kinds.i32):
            name = "set_struct_arg_float" if wanted.dtype == kinds.f32 else "set_struct_arg_int"
            steps += [(k, name, (*place, j), _Entry(j)) for j in range(wanted.n * wanted.m)]
        else:
            return None
    instance, _ = kernel.mapper.lookup(args)
    compiled = kernel.compiled_kernels[kernel.func, instance, kernel.autodiff_mode]
    program = kernel.runtime.prog
    code = program.compile_kernel(program.config(), program.get_device_caps(), compiled)
    is_memory = hasattr(ti.lang._ndarray.Ndarray, "toile_raw")
    return (_kept_launch if is_memory else _plain_launch)(compiled, code, steps)


def _plain_launch(compiled: Any, code: Any, steps: list[tuple]) -> Callable[[Any, tuple], None]:
    def launch(program: Any, args: tuple) -> None:
        context = compiled.make_launch_context()
        for k, setter, place, value in steps:
            getattr(context, setter)(place, value(args[k]))
        program.launch_kernel(code, context)

    return launch


def _kept_launch(compiled: Any, code: Any, steps: list[tuple]) -> Callable[[Any, tuple], None]:
    """Launches with the context of the last launches with the very same arrays, into which only numbers are written.

    Arrays are handed over as plain memory: of an Ndarray Taichi's CPU launcher overwrites what a context holds.
    """
    arrays = [(k, place) for k, setter, place, _ in steps if setter == "set_arg_ndarray"]
    numbers = [step for step in steps if step[1] != "set_arg_ndarray"]
    kept: dict[tuple, tuple[Any, list]] = {}

    def launch(program: Any, args: tuple) -> None:
        key = tuple([args[k].toile_number for k, _ in arrays])
        known = kept.get(key)
        if known is None:
            context = compiled.make_launch_context()
            for k, place in arrays:
                memory = args[k].toile_raw()
                context.set_arg_external_array_with_shape(place, memory.ctypes.data, memory.nbytes, args[k].shape, 0)
            if len(kept) >= CONTEXTS:
                kept.pop(next(iter(kept)))
            known = kept[key] = context, [(getattr(context, s), place, value, k) for k, s, place, value in numbers]
        context, setters = known
        for put, place, value, k in setters:
            put(place, value(args[k]))
        program.launch_kernel(code, context)

    return launch


class _Entry:
    """Takes one number out of a small vector or matrix."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, value: Any) -> float:
        return value.entries.flat[self.number].item()
