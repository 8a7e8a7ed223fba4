"""`python -m stormglass.containers.healthcheck`: exit code 0 if this container's process says that it is ready.

Nothing but the standard library's sockets: it is run every few seconds in every container.
"""

import os
import socket
import sys

SECONDS = 2.0


def answer(port: int) -> str:
    """The status line of `/readyz`."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        return connection.makefile("rb").readline().decode(errors="replace").strip()


if __name__ == "__main__":
    try:
        status = answer(int(os.environ["STORMGLASS_ADMIN_PORT"]))
    except OSError as error:
        sys.exit(f"/readyz does not answer: {error}")
    sys.exit(0 if " 200" in status else f"/readyz answers {status}")
