"""Servers and businesses. Tests that move the clock ask for `own_server`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.business import Business, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests that leave its clock alone; each founds a business of its own."""
    running = Server.start()
    with running.client:
        yield running


@pytest.fixture
def business(server: Server) -> Business:
    """A new business with nothing set up."""
    return server.business()


@pytest.fixture
def shop(business: Business) -> Business:
    """A new business with one location, service and staff member."""
    return business.opened()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server of the test's own."""
    running = Server.start()
    with running.client:
        yield running


@pytest.fixture
def own_shop(own_server: Server) -> Business:
    """A shop on a server of the test's own."""
    return own_server.business().opened()
