"""Errors that a user may meet, each with what to do about it."""

__all__ = [
    "ToileError",
    "InputError",
    "ArgumentError",
    "UnsupportedError",
    "PlacementError",
    "SolverDiverged",
    "JobError",
]


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


class InputError(ToileError):
    """The user's input is wrong: a file, a number, a name."""

    exit_code = 2


class ArgumentError(InputError, ValueError):
    """An argument of a Python call makes no sense: also a ValueError, as its callers expect."""


class UnsupportedError(InputError):
    """The input is well-formed but uses something that Toile does not do."""


class PlacementError(ToileError):
    """The garment could not be put around the body free of intersections."""


class SolverDiverged(ToileError):
    """The simulation left the realm of numbers or ran away."""


class JobError(ToileError):
    """A stage failed for a reason outside the input (disk, missing system library, ...)."""
