"""A business to book at: one location, one service, one staff member."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.usecases.salon import Salon


@pytest.fixture
def salon() -> Salon:
    return Salon()


@pytest.fixture
def here(salon: Salon) -> UUID:
    return salon.a_location()


@pytest.fixture
def cut(salon: Salon, here: UUID) -> UUID:
    return salon.a_service(here)


@pytest.fixture
def sam(salon: Salon, here: UUID, cut: UUID) -> UUID:
    return salon.a_staff_member([here], [cut])
