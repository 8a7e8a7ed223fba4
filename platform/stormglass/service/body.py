"""JSON bodies as they are meant: of the declared type from the first byte on, and of no other media type.

Litestar reads any JSON first and then converts it leniently: `"1"` passes for 1, JSON that is nested deep enough ends
in a `RecursionError` (a 500 for anybody who asks), and a form that a browser sends across sites passes for JSON.
"""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

from stormglass.service.problems import Problem

MEDIA_TYPE = "application/json"


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is decoded strictly where its handler takes a `msgspec.Struct`."""

    async def json(self) -> Any:
        """The body as the type of the handler's `data`; as plain values where that is no struct.

        Raises:
            Problem: 415 for another media type than JSON.
            ValidationException: the body is not JSON, or does not have the form that is wanted.
        """
        field = self.route_handler.parsed_data_field
        wanted = field.annotation if field else None
        if not (isinstance(wanted, type) and issubclass(wanted, msgspec.Struct)):
            return await super().json()
        if self.content_type[0] != MEDIA_TYPE:
            raise Problem(
                415, "unsupported-media-type", f"the body must be {MEDIA_TYPE}", headers={"Accept": MEDIA_TYPE}
            )
        try:
            return msgspec.json.decode(await self.body(), type=wanted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # such as: Expected `int`, got `str` - at `$.items[0].quantity`
            message, _, place = str(error).partition(" - at `$")
            key = place.rstrip("`").lstrip(".")
            raise ValidationException(extra=[{"key": key, "message": message, "source": "body"}]) from error
