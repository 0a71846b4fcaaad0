"""A connection of the role that fills read models, for whoever makes one anew or operates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from infrastructure.database import OPTIONS, unavailable
from infrastructure.deployment import Deployment
from infrastructure.sql_arrays import register


@contextmanager
def filler(deployment: Deployment) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the follower's role."""
    with psycopg.connect(
        deployment.dsn_of("follower"), autocommit=True, options=OPTIONS
    ) as connection:
        register(connection)
        yield connection


@contextmanager
def filler_at_call(deployment: Deployment) -> Iterator[psycopg.Connection[Any]]:
    """The same, for a call of the API. Raises Unavailable."""
    with unavailable(), filler(deployment) as connection:
        yield connection
