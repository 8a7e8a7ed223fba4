"""Which route a request took: a template that the application knows, never anything a client can choose."""

from typing import Any

from litestar.types import Scope


class Routes:
    """Reads the route from the scope of an answered request.

    Litestar leaves the template of a handler in `scope["path_template"]`, but for a mounted ASGI application it leaves
    the root's: the route is the mount's path then, unless the mounted application writes a template itself (and
    `copy_scope=False` lets it out).
    """

    def __init__(self) -> None:
        self._mounts: dict[Any, tuple[str, ...]] = {}

    def template(self, scope: Scope, path: str) -> str:
        """The template; empty where nothing matched. `path` is the one requested: a mount leaves only its rest."""
        template: str = scope.get("path_template") or ""
        if len(template) > 1:
            return template
        handler: Any = scope.get("route_handler")
        if not getattr(handler, "is_mount", False):
            return template
        below = path.removeprefix(scope.get("root_path") or "")
        return next((mount for mount in self._paths(scope, handler) if below.startswith(mount)), template)

    def _paths(self, scope: Scope, handler: Any) -> tuple[str, ...]:
        """Where `handler` is mounted, but for the root, whose mount would match whatever is asked for."""
        if handler not in self._mounts:
            routes: list[Any] = scope["litestar_app"].routes
            found = {route.path for route in routes if getattr(route, "route_handler", None) is handler} - {"/"}
            self._mounts[handler] = tuple(sorted(found, key=len, reverse=True))
        return self._mounts[handler]
