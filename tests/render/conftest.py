"""The small scene as fixtures, and the check for OpenGL."""

import pytest
from small_scene import capsule_body, folded_skirt

from engine.core.errors import JobError


@pytest.fixture(scope="session")
def body():
    return capsule_body()


@pytest.fixture(scope="session")
def cloth():
    return folded_skirt()


@pytest.fixture(scope="session")
def opengl() -> None:
    """Skips where no OpenGL exists, which is a supported state of a machine."""
    from render.opengl import create_context

    try:
        create_context().release()
    except JobError as error:
        pytest.skip(str(error))
