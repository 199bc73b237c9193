"""Errors that a user may meet, each with what to do about it."""

__all__ = ["ToileError", "InputError", "UnsupportedError", "PlacementError", "SolverDiverged", "JobError"]


class ToileError(Exception):
    """Root of all errors that Toile raises on purpose.

    Args:
        code: Stable machine-readable name, e.g. ``"photo.no_person"``.
        message: One line: what is wrong, naming the file and the place in it.
        hint: One line: how to mend it.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)  # all that makes it again in another process
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(ToileError, ValueError):
    """The user's input is wrong: a file, a number, a name. Also a ValueError, as Python's own callers expect."""

    exit_code = 2


class UnsupportedError(InputError):
    """The input is well-formed but uses something that Toile does not do."""


class PlacementError(ToileError):
    """The garment could not be put around the body free of intersections."""


class SolverDiverged(ToileError):
    """The simulation left the realm of numbers or ran away."""


class JobError(ToileError):
    """A stage failed for a reason outside the input (disk, missing system library, ...)."""
