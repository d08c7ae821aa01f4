"""The pytest plugin: the fixture `tnull` is a server that all tests of a session share; devices that a test makes
are gone behind it.

    def test_flush(tnull):
        disk = tnull.create("disk", size=64, memory_backed=1)
"""

import pytest

from tnull import Server


@pytest.fixture(scope="session")
def tnull_server():
    """The server of the session. Override it to start it otherwise."""
    with Server() as server:
        yield server


@pytest.fixture
def tnull(tnull_server):
    there = {device.name for device in tnull_server.devices()}
    yield tnull_server
    for device in tnull_server.devices():
        if device.name not in there:
            device.remove(force=True)
