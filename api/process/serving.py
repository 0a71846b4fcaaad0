"""One API process: uvicorn over the application, on a socket of its own or an inherited one."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from typing import Final

import uvicorn

from api.composition import production
from api.http.app import create_app
from api.http.settings import ApiSettings
from api.process.accepting import FairServer
from api.process.lifeline import say_ready, watch_supervisor
from infrastructure.deployment import Deployment

DRAIN_SECONDS: Final = 10
YOUNG_OBJECTS_MAX: Final = 20_000


def serve_api(deployment: Deployment, *, host: str, port: int, fd: int | None) -> None:
    """Serve until told to stop; calls that run are finished first."""
    watch_supervisor()
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    settings = ApiSettings(
        security_contact=deployment.settings.security_contact,
        publish_ledger=deployment.settings.publish_ledger,
    )
    platform, engine = production(deployment, connections=settings.threads)
    config = uvicorn.Config(
        create_app(platform, settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        lifespan="on",
    )
    server = uvicorn.Server(config) if fd is None else FairServer(config, socket.socket(fileno=fd))
    spare_the_collector()
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_serve(server))
    finally:
        engine.close()


def spare_the_collector() -> None:
    """Leave what start-up made out of every collection, and collect less often: calls leave few cycles behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 50)


async def _serve(server: uvicorn.Server) -> None:
    serving = asyncio.ensure_future(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        say_ready()
    await serving
