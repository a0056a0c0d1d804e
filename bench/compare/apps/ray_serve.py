"""The compared applications on Ray Serve: `python ray_serve.py <port> <folder for its session>`.

Reads what to serve from standard input, one `<application> <replicas>` a line, and says `ready` when it is served in place of
what was served before. Ends when its input ends, so that it does not outlive who started it.
"""

import asyncio
import os
import sys

import ray
from ray import serve
from ray.serve.config import HTTPOptions
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import StreamingResponse

from compute import rounds_for, spin

# What waits, and does not compute, need not reserve a whole processor; three such deployments would not fit on two.
# More ongoing requests than there are clients: a client then never waits for a slot.
SHARED = {"ray_actor_options": {"num_cpus": 0}, "max_ongoing_requests": 512}


@serve.deployment(**SHARED)
class Noop:
    async def __call__(self, request: Request) -> str:
        return "ok"


@serve.deployment(**SHARED)
class Hello:
    async def __call__(self) -> str:
        return "Hello"


@serve.deployment(**SHARED)
class World:
    async def __call__(self) -> str:
        return " world!"


@serve.deployment(**SHARED)
class Ingress:
    def __init__(self, hello_handle: DeploymentHandle, world_handle: DeploymentHandle):
        self._hello_handle = hello_handle
        self._world_handle = world_handle

    async def __call__(self, request: Request) -> str:
        hello_response = self._hello_handle.remote()
        world_response = self._world_handle.remote()
        return (await hello_response) + (await world_response)


@serve.deployment(**SHARED)
class Wait:
    async def __call__(self, request: Request) -> str:
        await asyncio.sleep(0.010)
        return "ok"


@serve.deployment(**SHARED)
class Batch:
    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.010)
    async def upper(self, texts: list[str]) -> list[str]:
        await asyncio.sleep(0.010)
        return [text.upper() for text in texts]

    async def __call__(self, request: Request) -> list[str]:
        (text,) = (await request.json())["texts"]
        return [await self.upper(text)]


@serve.deployment(**SHARED)
class Stream:
    async def tokens(self):
        for item in range(1000):
            yield f"token {item}\n"

    async def __call__(self, request: Request) -> StreamingResponse:
        return StreamingResponse(self.tokens(), media_type="text/plain")


# Ray's defaults: a processor for each replica, and few requests at a time.
@serve.deployment
class Compute:
    def __init__(self):
        self._rounds = rounds_for(0.005)

    def __call__(self, request: Request) -> str:
        spin(self._rounds)
        return "ok"


def application(name: str, replicas: int):
    if name == "compose":
        return Ingress.bind(Hello.bind(), World.bind())
    deployment = {"noop": Noop, "wait": Wait, "batch": Batch, "stream": Stream, "cpu": Compute}[name.split("-")[0]]
    return deployment.options(num_replicas=replicas).bind()


def main(port: str, folder: str) -> None:
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, log_to_driver=False, _temp_dir=folder, _node_ip_address="127.0.0.1")
    serve.start(
        http_options=HTTPOptions(host="127.0.0.1", port=int(port)),
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    served = None
    for line in sys.stdin:
        name, replicas = line.split()
        if served is not None:
            serve.delete(served)
        serve.run(application(name, int(replicas)), name=name, route_prefix="/" + name)
        served = name
        print("ready", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
