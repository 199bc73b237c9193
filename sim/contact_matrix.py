"""The matrix of the cloth-cloth contacts, for the coarser levels of the preconditioner."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from engine.core.taichi_runtime import backend, ti
from sim.collision import Collider, upload
from sim.kernels import multilevel as kernels

__all__ = ["ActingContacts", "acting_contacts"]


@dataclass(frozen=True)
class ActingContacts:
    """Acting contacts: each holds the difference of two weighted means of particles by a spring along its normal, and
    by a weaker one in all directions, its friction."""

    corner: np.ndarray  #: particles, shape [A, 4]
    weight: np.ndarray  #: signed, shape [A, 4]
    normal: np.ndarray  #: unit, shape [A, 3]
    stiff: np.ndarray  #: along the normal [N/m], shape [A]
    drag: np.ndarray  #: in the other directions [N/m], shape [A]

    def rows(self, count: int) -> scipy.sparse.csr_matrix:
        """What each contact holds, as a row over the particles, shape [A, count]."""
        ends = 4 * np.arange(len(self.corner) + 1)
        return scipy.sparse.csr_matrix((self.weight.ravel(), self.corner.ravel(), ends), (len(self.corner), count))

    def diagonal(self, rows: scipy.sparse.csr_matrix) -> np.ndarray:
        """Diagonal blocks of the contacts' matrix on the level of ``rows`` [N/m], shape [size, 3, 3]."""
        own = (self.stiff - self.drag)[:, None, None] * self.normal[:, :, None] * self.normal[:, None, :]
        own += self.drag[:, None, None] * np.eye(3, dtype=np.float32)
        return (rows.multiply(rows).T @ own.reshape(-1, 9)).reshape(-1, 3, 3).astype(np.float32)

    def dense(self, rows: scipy.sparse.csr_matrix) -> np.ndarray:
        """The contacts' whole matrix on the level of ``rows`` [N/m], shape [3 * size, 3 * size].

        What two layers do together is softer than their contact by as much as single precision has digits, so the sum
        is of double precision where the device has it.
        """
        real = ti.f64 if backend() in ("cpu", "cuda") else ti.f32
        rows.sort_indices()
        columns = rows.tocsc()
        lists = []
        for table in (columns, rows):
            weight = ti.ndarray(real, table.nnz)
            weight.from_numpy(table.data.astype(np.float64 if real == ti.f64 else np.float32))
            lists += [upload(table.indptr), upload(table.indices), weight]
        total = ti.ndarray(real, (3 * rows.shape[1], 3 * rows.shape[1]))
        total.fill(0.0)
        kernels.contact_matrix(*lists, *(upload(a) for a in (self.normal, self.stiff, self.drag)), total)
        return total.to_numpy()


def acting_contacts(collider: Collider) -> ActingContacts | None:
    """The contacts that act now; None if there are none."""
    count = collider.active_count
    if not count:
        return None
    corner, weight, normal, _, stiff, drag = (a.to_numpy()[:count] for a in collider.active)
    return ActingContacts(corner, weight, normal, stiff, drag)
