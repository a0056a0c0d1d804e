"""The compared applications on BentoML: `bentoml serve bentoml_services:Noop`, with as many workers as WORKERS says."""

import asyncio
import os
from collections.abc import AsyncGenerator

import bentoml

from compute import rounds_for, spin

SETTINGS = {
    # Processes; the default is one.
    "workers": int(os.environ.get("WORKERS", "1")),
    # Off in every system.
    "logging": {"access": {"enabled": False}},
    # By default a service's client closes its connections after 100 calls, also those in use, and calls fail under load:
    # https://github.com/bentoml/BentoML/issues/5540
    "runner_connection": {"max_requests": 1_000_000_000},
}


@bentoml.service(**SETTINGS)
class Noop:
    @bentoml.api(route="/noop")
    async def noop(self, texts: list[str]) -> str:
        return "ok"


@bentoml.service(**SETTINGS)
class Hello:
    @bentoml.api
    async def say(self) -> str:
        return "Hello"


@bentoml.service(**SETTINGS)
class World:
    @bentoml.api
    async def say(self) -> str:
        return " world!"


@bentoml.service(**SETTINGS)
class Compose:
    hello = bentoml.depends(Hello)
    world = bentoml.depends(World)

    @bentoml.api(route="/compose")
    async def compose(self, texts: list[str]) -> str:
        hello, world = await asyncio.gather(self.hello.to_async.say(), self.world.to_async.say())
        return hello + world


@bentoml.service(**SETTINGS)
class Wait:
    @bentoml.api(route="/wait")
    async def wait(self, texts: list[str]) -> str:
        await asyncio.sleep(0.010)
        return "ok"


@bentoml.service(**SETTINGS)
class Batch:
    @bentoml.api(route="/batch", batchable=True, max_batch_size=32)
    async def batch(self, texts: list[str]) -> list[str]:
        await asyncio.sleep(0.010)
        return [text.upper() for text in texts]


@bentoml.service(**SETTINGS)
class Stream:
    @bentoml.api(route="/stream")
    async def stream(self, texts: list[str]) -> AsyncGenerator[str, None]:
        for item in range(1000):
            yield f"token {item}\n"


@bentoml.service(**SETTINGS)
class Cpu:
    def __init__(self) -> None:
        self._rounds = rounds_for(0.005)

    # Not async: BentoML runs it in a thread, so that the worker's event loop goes on.
    @bentoml.api(route="/cpu")
    def cpu(self, texts: list[str]) -> str:
        spin(self._rounds)
        return "ok"
