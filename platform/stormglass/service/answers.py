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

    400 is always among them: else Litestar documents its own form of it, which nobody gets to see.
    """
    meanings: dict[int, Any] = {status: HTTPStatus(status).phrase for status in (400, *statuses)}
    meanings |= {int(name.removeprefix("s")): text for name, text in described.items()}
    return {
        status: ResponseSpec(ProblemDocument, generate_examples=False, description=text, media_type=CONTENT_TYPE)
        for status, text in sorted(meanings.items())
    }
