"""Supervised processes behind an HTTP interface: ``uvicorn fastapi_app:app``."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, HTTPException, Request

from regrow.actors import CallError, From, GenServer, Reply, call, run_in_thread
from regrow.supervisors import ChildSpec, Supervisor


class Visits(GenServer):
    """Counts the visits to each page, and crashes at one that is called ``crash``."""

    def init(self) -> None:
        self.visits: dict[str, int] = {}

    def handle_call(self, request: str, caller: From) -> Reply:
        if request == "crash":
            raise RuntimeError("told to")
        self.visits[request] = self.visits.get(request, 0) + 1
        return Reply(self.visits[request])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    with run_in_thread() as portal:
        portal.start(Supervisor.start_link, [ChildSpec("visits", partial(Visits.start_link, name="visits"))])
        app.state.portal = portal
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/visits/{page}")
async def visit(page: str, request: Request) -> dict[str, int]:
    asked = request.app.state.portal.submit(call, "visits", page, timeout=1.0)
    try:
        return {"visits": await asyncio.wrap_future(asked)}
    except CallError as error:
        raise HTTPException(503, f"no answer: {error.reason}") from error
