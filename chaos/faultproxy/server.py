"""The life of a server process: configuration file, API, signals."""

import asyncio
import contextlib
import resource
import signal

from chaos.faultproxy import addresses, requests
from chaos.faultproxy.api import Api
from chaos.faultproxy.events import log
from chaos.faultproxy.http import HttpServer
from chaos.faultproxy.metrics import VERSION, Metrics
from chaos.faultproxy.options import Options
from chaos.faultproxy.proxies import Proxies
from chaos.faultproxy.proxy import Proxy
from chaos.faultproxy.wire import ApiError


async def serve(options: Options) -> int:
    """Run until SIGINT or SIGTERM; the exit status: 0, or 1 when the API's address cannot be had."""
    _raise_descriptor_limit()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    proxies = Proxies(seed=options.seed, dial_seconds=options.dial_seconds)
    metrics = Metrics(proxies, per_proxy=options.proxy_metrics, runtime=options.runtime_metrics)
    if options.config is not None:
        await _load(options, proxies)
    try:
        listener = addresses.bind(await addresses.resolve(f"{options.host}:{options.port}"))
    except addresses.AddressError as error:
        log.error("cannot serve the API: choose another -host or -port, or stop what is there", error=str(error))
        proxies.stop()
        return 1
    http = HttpServer(Api(proxies, metrics, accept_toxics=options.accept_toxics))
    await http.start(listener)
    log.info(
        "Starting Toxiproxy HTTP server",
        address=addresses.bound(listener),
        version=VERSION,
        seed=options.seed,
    )
    await stopping.wait()
    await http.stop()
    proxies.stop()
    log.info("Stopped")
    return 0


async def _load(options: Options, proxies: Proxies) -> None:
    """Create what the file asks for; what goes wrong is logged, and the server runs on with what was created."""
    if options.config is None:
        return
    done: list[Proxy] = []
    try:
        body = await asyncio.to_thread(options.config.read_bytes)
        await proxies.populate(requests.new_proxies(body, accept_toxics=options.accept_toxics), done)
    except (OSError, ApiError) as error:
        log.error("cannot load the configuration", config=str(options.config), error=str(error))
    else:
        log.info("Populated proxies from file", config=str(options.config), proxies=len(done))


def _raise_descriptor_limit() -> None:
    """Each connection takes two descriptors, and the usual soft limit is 1024. Go programs raise it by themselves."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses its own "unlimited"
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
