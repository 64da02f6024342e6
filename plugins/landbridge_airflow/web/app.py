"""The pages' routes: who may see and do what, and the headers that keep them harmless."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag, requires_authenticated
from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from landbridge.errors import LandbridgeError
from landbridge_airflow.web import actions, pages
from landbridge_airflow.web.access import may_write, same_origin

HERE = Path(__file__).parent
STATIC = {path.name: path for path in (HERE / "static").iterdir()}
HEADERS = {
    # The page shares its origin with Airflow and could read the session: nothing may run that did not come from here.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Operator = Depends(requires_access_dag("POST", DagAccessEntity.RUN))
Writes = [Operator, Depends(same_origin)]
Id = Annotated[str, Form(max_length=2000)]


def make_app() -> FastAPI:
    # Airflow mounts it as it is: without this dependency everybody could see it, and with /docs its API as well.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(requires_authenticated())])
    app.middleware("http")(_headers)
    app.exception_handler(LandbridgeError)(_problem)
    _add_pages(app)
    _add_actions(app)
    return app


def _add_pages(app: FastAPI) -> None:
    @app.get("/", response_class=HTMLResponse)
    def overview() -> str:
        return pages.overview()

    @app.get("/set-aside", response_class=HTMLResponse)
    def set_aside(user: GetUserDep) -> str:
        return pages.set_aside(may_write(user))

    @app.get("/decisions", response_class=HTMLResponse)
    def decisions(user: GetUserDep) -> str:
        return pages.decisions(may_write(user))

    @app.get("/entities/{entity}", response_class=HTMLResponse, dependencies=[Operator])
    def entity(entity: str, user: GetUserDep) -> str:
        return pages.entity(entity, user.get_name())

    @app.get("/entities/{entity}/unlink/{record}", response_class=HTMLResponse, dependencies=[Operator])
    def unlink(entity: str, record: int, user: GetUserDep) -> str:
        return pages.unlink(entity, record, user.get_name())

    @app.get("/static/{name}")
    def static(name: str) -> FileResponse:
        if name not in STATIC:
            raise HTTPException(404)
        return FileResponse(STATIC[name])


def _add_actions(app: FastAPI) -> None:
    @app.post("/decisions/{id}", dependencies=Writes)
    def decide(id: int, answer: Id, user: GetUserDep, about: Annotated[str | None, Form()] = None) -> RedirectResponse:
        actions.decide(id, answer, user.get_name(), about)
        return _back("../decisions")

    @app.post("/entities/{entity}/unlink/{record}", dependencies=Writes)
    def unlink(entity: str, record: int, user: GetUserDep) -> RedirectResponse:
        actions.undo_link(entity, record, user.get_name())
        return _back(f"../../{quote(entity, safe='')}")

    @app.post("/set-aside/read/{action}", dependencies=Writes)
    def read_again(action: str, system: Id, stream: Id, key: Id, user: GetUserDep) -> RedirectResponse:
        actions.of_record(action, system, stream, key, user.get_name())
        return _back("../../set-aside")

    @app.post("/set-aside/write/{action}", dependencies=Writes)
    def write_again(action: str, delivery: Annotated[int, Form()], user: GetUserDep) -> RedirectResponse:
        actions.of_delivery(action, delivery, user.get_name())
        return _back("../../set-aside")


def _back(page: str) -> RedirectResponse:
    """Relative, because only Airflow knows under which prefix it is served."""
    return RedirectResponse(page, status_code=303)


async def _headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


async def _problem(request: Request, error: Exception) -> HTMLResponse:
    status = 409 if request.method == "POST" else 503
    return HTMLResponse(pages.problem(str(error), _depth(request)), status_code=status)


def _depth(request: Request) -> str:
    """The way back to the first page, from wherever this is."""
    inside = urlsplit(str(request.url)).path.removeprefix(request.scope.get("root_path", "")).strip("/")
    return "../" * inside.count("/")
