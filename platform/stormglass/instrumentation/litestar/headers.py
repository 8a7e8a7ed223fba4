"""Reading the trace context from the header fields of an ASGI scope."""

from collections.abc import Iterable

from opentelemetry.propagators.textmap import Getter

Headers = Iterable[tuple[bytes, bytes]]


class HeaderGetter(Getter[Headers]):
    """Finds a header field by its name; ASGI servers write names in lower case."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        """Every value of the field, None without one."""
        wanted = key.lower().encode("latin-1")
        found = [value.decode("latin-1") for name, value in carrier if name == wanted]
        return found or None

    def keys(self, carrier: Headers) -> list[str]:
        """The names of all fields."""
        return [name.decode("latin-1") for name, _ in carrier]
