"""Error answers in the OpenAPI document: every handler states which problems it answers with."""

from http import HTTPStatus
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from stormglass.service.problems import CONTENT_TYPE


class ProblemDocument(Struct):
    """Problem details (RFC 9457), as `stormglass.service.problems` writes them; some kinds have further members."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    trace_id: str


def problem_answers(*statuses: int, **described: str) -> dict[int, ResponseSpec]:
    """`responses=` of a handler. `described` tells what a status means here: `s409="the address is taken"`.

    400 is always among them: else Litestar documents its own form of it, which nobody gets to see. What is below 400
    has no body: 304, and 204 where a handler returns a `Response`.
    """
    meanings: dict[int, Any] = {status: HTTPStatus(status).phrase for status in (400, *statuses)}
    meanings |= {int(name.removeprefix("s")): text for name, text in described.items()}
    return {
        status: ResponseSpec(
            ProblemDocument if status >= 400 else None,
            generate_examples=False,
            description=text,
            media_type=CONTENT_TYPE,
        )
        for status, text in sorted(meanings.items())
    }


def json_answer(body: type[Struct], description: str = "") -> ResponseSpec:
    """The success of a handler that returns JSON as bytes: `responses={200: …}`, the struct being their content."""
    return ResponseSpec(body, generate_examples=False, description=description or (body.__doc__ or "").strip())
