"""Kernels that are taken from records do what the ones do that Taichi reads, and nothing else is taken from them."""

import numpy as np
import pytest

from engine.core.taichi_reuse import reuse_kernels
from engine.core.taichi_runtime import init, ti
from sim.kernels.motion import finish

Kernel = ti.lang.kernel_impl.Kernel


@ti.kernel
def doubled(x: ti.types.ndarray(dtype=ti.f32, ndim=1)):
    for i in x:
        x[i] *= 2.0


@pytest.fixture
def records(tmp_path, monkeypatch):
    """An empty folder of records, and kernels as in a new process."""
    init()
    plain = Kernel.materialize
    monkeypatch.setattr(Kernel, "materialize", getattr(plain, "__wrapped__", plain))
    reuse_kernels(ti, tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for kernel in (finish._primal, doubled._primal):
        kernel.compiled_kernels.clear()


def run() -> list[np.ndarray]:
    """Three particles' velocities and figures from a fixed motion."""
    x, ref, vel = (ti.Vector.ndarray(3, ti.f32, 3) for _ in range(3))
    mass, chunks = ti.ndarray(ti.f32, 3), ti.ndarray(ti.f32, 8)
    x.from_numpy(np.arange(9, dtype=np.float32).reshape(3, 3) ** 2)
    ref.fill(0.25)
    mass.fill(0.1)
    finish(x, ref, vel, 3.0, 0.9, mass, chunks)
    return [a.to_numpy() for a in (vel, chunks)]


def unread(monkeypatch) -> None:
    """Fails when Taichi reads a kernel from now on."""
    monkeypatch.setattr(ti.lang.kernel_impl, "transform_tree", lambda *_: pytest.fail("Taichi has read the kernel"))


def test_a_kernel_is_read_once(records, monkeypatch) -> None:
    first = run()
    assert first[1][1] > 100 and len(list(records.rglob("sim.kernels.motion.finish.*.json"))) == 1
    forget()
    unread(monkeypatch)
    assert all(np.array_equal(*pair) for pair in zip(first, run(), strict=True))


def test_a_damaged_record_is_made_again(records) -> None:
    first = run()
    (file,) = records.rglob("*.json")
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"expr_", b"expr-", 1))
    forget()
    assert all(np.array_equal(*pair) for pair in zip(first, run(), strict=True))
    assert file.read_bytes() == whole


def test_another_constant_is_another_kernel(records, monkeypatch) -> None:
    run()
    forget()
    monkeypatch.setitem(finish._primal.func.__globals__, "CHUNK", 2)
    assert run()[1][1] < 100 and len(list(records.rglob("*.json"))) == 2


def test_others_kernels_are_left_alone(records) -> None:
    x = ti.ndarray(ti.f32, 2)
    x.fill(3.0)
    doubled(x)
    assert x.to_numpy().tolist() == [6, 6] and not list(records.iterdir())
