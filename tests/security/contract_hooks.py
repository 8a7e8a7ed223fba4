"""Loaded by Schemathesis (see `contract.py`): the failures it reports that are no failures, each with its reason."""

from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure, MalformedJson
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import MissingContentType, RejectedPositiveData

TOO_LONG = {414, 431}
"""Refused before anybody looks at what is in it; Schemathesis' list of refusals does not have them."""


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether `failure` is one."""
    if isinstance(failure, AcceptedNegativeData) and response.status_code in TOO_LONG:
        return False
    if isinstance(failure, RejectedPositiveData) and _whole_float(case.body):
        # to JSON Schema 3.0 is an integer; to our services it is not, for `"3"` and `3.5` are none either
        return False
    # the edge answers paths with an encoded delimiter or control character itself, with an empty 400 (test_paths.py)
    by_the_edge = response.status_code == 400 and not response.content and "x-request-id" not in response.headers
    return not (isinstance(failure, (MissingContentType, MalformedJson)) and by_the_edge)


def _whole_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_whole_float, value.values()))
    if isinstance(value, list):
        return any(map(_whole_float, value))
    return isinstance(value, float) and value.is_integer()
