"""The shorter ways through Taichi give what the plain ones give, and refuse what they refuse."""

import os
from pathlib import Path

import numpy as np
import pytest

from engine.core.taichi_runtime import init, ti

vec3 = ti.types.vector(3, ti.f32)
ARRAY = ti.types.ndarray(dtype=ti.f32, ndim=1)


@ti.kernel
def shifted(x: ti.types.ndarray(ndim=1), by: vec3, share: ti.f32, times: ti.i32, both: ti.template(), out: ARRAY):
    for i in range(out.shape[0]):
        out[i] = x[i] * share * times + by[1]
        if ti.static(both):
            out[i] += by[2]


def made(values, dtype=ti.f32):
    out = ti.ndarray(dtype, len(values))
    out.from_numpy(np.asarray(values, np.float64 if dtype == ti.f64 else np.float32))
    return out


def test_later_launches_do_as_the_first() -> None:
    init()
    for attempt in range(3):
        out = made([0, 0])
        shifted(made([1 + attempt, 2]), vec3(9, 10, 100), 0.5, 4, False, out)
        assert out.to_numpy().tolist() == [2 * (1 + attempt) + 10, 14]
        shifted(made([1, 2 + attempt], ti.f64), vec3(9, 10, 100), np.float32(0.5), np.int64(4), True, out)
        assert out.to_numpy().tolist() == [112, 2 * (2 + attempt) + 110]


def test_wrong_arguments_are_refused_at_any_launch() -> None:
    init()
    out = made([0])
    shifted(made([1]), vec3(0), 1.0, 1, False, out)
    with pytest.raises(Exception, match="out"):
        shifted(made([1]), vec3(0), 1.0, 1, False, made([0], ti.f64))
    with pytest.raises(Exception, match="(?i)argument"):
        shifted(made([1]), vec3(0), 1.0, 1.5, False, out)
    with pytest.raises(Exception, match="(?i)argument"):
        shifted(made([1]), vec3(0), "1", 1, False, out)


def test_copies() -> None:
    init()
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    a, b = (ti.Matrix.ndarray(2, 3, ti.f32, 2) for _ in range(2))
    a.from_numpy(values)
    b.copy_from(a)
    read = b.to_numpy()
    a.fill(7.0)
    assert (read == values).all() and (a.to_numpy() == 7).all() and (b.to_numpy() == values).all()
    a.from_numpy(values.transpose(1, 0, 2)[::-1])
    assert (a.to_numpy() == values.transpose(1, 0, 2)[::-1]).all()
    with pytest.raises(ValueError, match="shape"):
        a.from_numpy(values[:1])


@ti.kernel
def added(x: ARRAY, y: ti.types.ndarray(dtype=ti.f32, ndim=2), share: ti.f32):
    for i, j in ti.ndrange(y.shape[0], y.shape[1]):
        y[i, j] += x[i] * share


def test_the_same_arrays_again_and_arrays_in_the_place_of_freed_ones() -> None:
    init()
    x, y = made([1, 2]), ti.ndarray(ti.f32, (2, 3))
    y.fill(0.0)
    for share in (1.0, 10.0, 100.0):
        added(x, y, share)
        x.from_numpy(x.to_numpy() + np.float32(1))
    assert y.to_numpy().tolist() == [[321.0] * 3, [432.0] * 3]
    for size in range(2, 30):
        fresh, total = made(range(size)), ti.ndarray(ti.f32, (size, size % 5 + 1))
        total.fill(size)
        added(fresh, total, 2.0)
        assert (total.to_numpy() == (2 * np.arange(size) + size)[:, None]).all()
        del fresh, total
    added(x, y, 0.0)
    assert y.to_numpy()[:, 0].tolist() == [321.0, 432.0]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell a process's memory there")
def test_arrays_of_vectors_and_matrices_give_their_memory_back() -> None:
    init()
    resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")  # noqa: E731
    before = resident()
    for _ in range(60):
        ti.Vector.ndarray(3, ti.f32, 100_000).fill(1.0)
        ti.Matrix.ndarray(3, 3, ti.f32, 100_000).fill(1.0)
    assert resident() - before < 60e6  # all of them together are 288 MB
