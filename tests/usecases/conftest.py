"""A business to book at: one location, one service, one staff member."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tests.usecases.front import Front
from tests.usecases.salon import Salon, at


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


@pytest.fixture
def front(salon: Salon, cut: UUID, sam: UUID) -> Front:
    made = salon.book(cut, at(10))
    clerk = replace(salon.by, roles=frozenset({"staff"}), purpose="service")
    return Front(salon, made, clerk)
