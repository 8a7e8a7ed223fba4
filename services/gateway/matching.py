"""Stage 2: which route a request belongs to. No match is a 404, another method a 405 that says which there are.

HEAD and OPTIONS are not in the table: what is there for GET answers HEAD too, and every address answers OPTIONS.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.route import Route
from stormglass.service import Problem


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values of its parameters, as they stood in the path (still percent-encoded)."""

    route: Route
    parameters: dict[str, str]

    @property
    def target(self) -> str:
        """The path that the service is asked for."""
        return self.route.target.format_map(self.parameters)


class Matcher:
    """Looks routes up by raw path: literal paths in one step, templates by their number of segments.

    A literal path shadows every template that would fit it too, whatever the method.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._literal: dict[str, dict[str, Route]] = {}
        self._templates: dict[int, dict[tuple[str, ...], dict[str, Route]]] = {}
        # the template with the longest literal beginning wins, so it is tried first
        for route in sorted(routes, key=lambda each: each.path.replace("{", "\x7f")):
            segments = tuple("" if part.startswith("{") else part for part in route.path.split("/")[1:])
            methods = (
                self._templates.setdefault(len(segments), {}).setdefault(segments, {})
                if "" in segments
                else self._literal.setdefault(route.path, {})
            )
            methods.update(dict.fromkeys(route.methods, route))
            if "GET" in route.methods:
                # RFC 9110, section 9.1: what can be had can be asked about
                methods["HEAD"] = route

    def match(self, method: str, path: str) -> Match:
        """The route of a request whose path was normalised.

        Raises:
            Problem: 404 or 405.
        """
        methods = self._methods(path)
        route = methods.get(method)
        if route is None:
            allowed = _allowed(methods)
            raise Problem(
                405, "method-not-allowed", f"this resource knows the methods {allowed}", headers={"Allow": allowed}
            )
        parts = zip(route.path.split("/"), path.split("/"), strict=True)
        return Match(route, {name[1:-1]: value for name, value in parts if name.startswith("{")})

    def options(self, path: str) -> tuple[str, str]:
        """The template that a path fits, and the methods there are.

        Raises:
            Problem: 404.
        """
        methods = self._methods(path)
        return next(iter(methods.values())).path, _allowed(methods)

    def _methods(self, path: str) -> dict[str, Route]:
        methods = self._literal.get(path) or self._fitting(path)
        if methods is None:
            raise Problem(404, "no-such-resource", "there is nothing at this address")
        return methods

    def _fitting(self, path: str) -> dict[str, Route] | None:
        parts = path.split("/")[1:]
        for segments, methods in self._templates.get(len(parts), {}).items():
            if all(part and wanted in {"", part} for wanted, part in zip(segments, parts, strict=True)):
                return methods
        return None


def _allowed(methods: dict[str, Route]) -> str:
    return ", ".join(sorted({*methods, "OPTIONS"}))
