"""The deployment that a verb's `--data` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infrastructure.settings import Settings


def settings(data: Path) -> Settings:
    """The settings of a data folder."""
    return Settings.read(data)


def located(data: Path) -> Any:
    """Its deployment, as it is."""
    from infrastructure.deployment import Deployment

    return Deployment.locate(settings(data))


def checked(data: Path) -> Any:
    """Its deployment, seen to be up to date. Refuses: DeploymentRefused."""
    deployment = located(data)
    deployment.check(event_types())
    return deployment


def event_types() -> frozenset[str]:
    """Every type of event that this release knows."""
    from application.event_types import catalogue

    return frozenset(catalogue())
