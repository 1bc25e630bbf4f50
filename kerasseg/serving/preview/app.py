"""The web application: TensorFlow Serving's REST interface over a model, and the page."""

import json
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from kerasseg.serving.preview.json_tensors import answer_text, read_question
from kerasseg.serving.preview.request_path import Wanted, read_path
from kerasseg.serving.preview.rest_error import RestError
from kerasseg.serving.preview.served_model import ServedModel

PAGE = Path(__file__).with_name("page")
# One is read or written out while another computes; the network alone keeps all cores busy, and
# the memory is that of so many images however many requests come.
_AT_ONCE = 2
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]
# The page loads nothing from elsewhere; it asks whatever server it is told to.
_POLICY = "default-src 'self'; img-src 'self' blob: data:; connect-src *; frame-ancestors 'none'"


def preview_app(model: ServedModel, max_request_bytes: int, cors: bool = False) -> Starlette:
    """Returns the application.

    - `GET /v1/models/NAME[/versions/N|/labels/L]`: the status;
    - `GET /v1/models/NAME[/versions/N|/labels/L]/metadata`: the signatures;
    - `POST /v1/models/NAME[/versions/N|/labels/L]:predict`: answers;
    - `GET /`: the page, and `GET /preview.json` what it needs to know.

    Args:
        model: What is asked.
        max_request_bytes: A longer request is refused with status 413.
        cors: Whether pages of other origins may read the answers, as TensorFlow Serving allows
            with `--rest_api_enable_cors_support`.

    Example:
        >>> [route.path for route in preview_app(None, max_request_bytes=1000).routes]
        ['/v1/{rest:path}', '/', '/preview.json', '/page']
    """
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def rest(request: Request) -> Response:
        try:
            wanted = read_path(request.method, request.scope["raw_path"].decode("latin-1"))
            # Read to its end even where it is refused, or the client would see the connection
            # break in place of the answer.
            body = await _body(request, max_request_bytes)
            text = await anyio.to_thread.run_sync(_answer, model, wanted, body, limiter=limiter)
        except RestError as error:
            return _error(str(error), error.status)
        except ClientDisconnect:
            return _error("the client closed the request", 499)
        return Response(text, media_type="application/json")

    def settings(request: Request) -> Response:
        values = {
            "model": model.name,
            "max_request_bytes": max_request_bytes,
            "classes": model.classes(),
        }
        return Response(json.dumps(values), media_type="application/json")

    def page(request: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": _POLICY})

    routes = [
        Route("/v1/{rest:path}", rest, methods=_METHODS),
        Route("/", page),
        Route("/preview.json", settings),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    of_others = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"])
    middleware = [of_others] if cors else []
    handlers: dict[Any, Any] = {HTTPException: _http_error, Exception: _mistake}
    return Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)


def _answer(model: ServedModel, wanted: Wanted, body: bytes) -> str:
    if wanted.verb == "status":
        return json.dumps(model.status(wanted), indent=1)
    version = model.version(wanted)
    if wanted.verb == "metadata":
        spec = {"name": model.name, "signature_name": "", "version": str(version.number)}
        metadata = {"signature_def": {"signature_def": version.signature_def}}
        return json.dumps({"model_spec": spec, "metadata": metadata}, indent=1)
    if wanted.verb != "predict":
        raise RestError(f"the signatures are for :predict; received :{wanted.verb}")
    question = read_question(body, version.input_specs)
    return answer_text(version.run(question.signature, question.inputs), question.by_rows)


async def _body(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            parts.append(part)
        else:
            parts.clear()
        if size > 2 * most:
            break
    if size > most:
        raise RestError(
            f"the request has more than {most} bytes, which is what this server takes "
            "(--max-request-mb): send the image smaller or compressed, or fewer of them",
            413,
        )
    return b"".join(parts)


def _error(message: str, status: int) -> Response:
    return Response(json.dumps({"error": message}), status, media_type="application/json")


def _http_error(request: Request, error: HTTPException) -> Response:
    return _error(f"{error.detail}: {request.method} {request.url.path}", error.status_code)


def _mistake(request: Request, error: Exception) -> Response:
    return _error(f"this server made a mistake: {type(error).__name__}", 500)
