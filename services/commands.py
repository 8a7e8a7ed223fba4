"""Sub-commands of `stormglass` that act as a customer or as the shop's administrator, through the edge."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from services.gateway import commands as gateway

if TYPE_CHECKING:
    from services.shopper import Placed, Shopper

InstanceOption = Annotated[str | None, typer.Option("--instance", help="Instance of the platform; default: demo")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs")]

CATALOGUE = Path(__file__).parent / "products" / "catalogue.json"


def register(app: typer.Typer) -> None:
    """Add `order` and `catalogue`, and what the services' own folders bring."""
    app.command()(order)
    app.command()(catalogue)
    gateway.register(app)


def order(
    query: Annotated[str, typer.Option("--product", help="Order a product whose name contains this")] = "",
    quantity: Annotated[int, typer.Option(min=1, max=100)] = 1,
    wait: Annotated[float, typer.Option(help="Seconds to wait for confirmation and mail; 0: do not wait")] = 30.0,
    instance: InstanceOption = None,
    as_json: JsonOption = False,
) -> dict[str, Any]:
    """Register a customer, log in, place one order, wait until it is confirmed and its mail is there."""
    from rich.console import Console

    from services.inbox import wait_for_mail
    from services.shopper import ShopError, Shopper
    from stormglass.runtime.instance import address

    console = Console(soft_wrap=True)
    report: dict[str, Any] = {}

    def done(what: str, begun: float) -> None:
        if not as_json:
            console.print(f"  [green]✓[/] {what} [dim]{(time.monotonic() - begun) * 1000:.0f} ms[/]", highlight=False)

    try:
        with Shopper(f"http://{address(instance, 'edge')}") as shopper:
            begun = time.monotonic()
            shopper.register()
            done(f"registered {shopper.email}", begun)
            begun = time.monotonic()
            shopper.log_in()
            done("logged in", begun)
            placed = _place(shopper, query, quantity, done)
            report |= {"order_id": placed.order_id, "trace_id": placed.trace_id, "email": shopper.email}
            report["placed_ms"] = round(placed.seconds * 1000, 1)
            report["status"] = placed.order["status"]
            if wait:
                begun = time.monotonic()
                settled = shopper.wait_for(placed.order_id, seconds=wait)
                report["status"] = settled["status"]
                report["settled_ms"] = round((time.monotonic() - begun) * 1000, 1)
                done(f"order {settled['status']} by the worker", begun)
                mail = wait_for_mail(f"http://{address(instance, 'mail-api')}", shopper.email, seconds=wait)[0]
                report["mail_ms"] = round((time.monotonic() - begun) * 1000, 1)
                report["mail"] = {"id": mail["ID"], "subject": mail["Subject"]}
                done(f"mail arrived: {mail['Subject']}", begun)
    except ShopError as error:
        _fail(str(error), as_json, report)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        console.print(f"  trace [bold]{report['trace_id']}[/]   see it: stormglass trace {report['trace_id']}")
    return report


def catalogue(
    file: Annotated[Path, typer.Argument(help="JSON list of products", exists=True, dir_okay=False)] = CATALOGUE,
    instance: InstanceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load products into the shop, through the edge, as its administrator. Loading twice changes nothing."""
    from services.shopper import ShopError, Shopper
    from stormglass.runtime.instance import load

    try:
        items = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        _fail(f"{file} is not JSON: {error}", as_json, {})
    there = load(instance)
    try:
        with Shopper(
            f"http://{there.address('edge')}",
            email="admin@stormglass.local",
            password=there.secret("users", "admin_password"),
        ) as administrator:
            administrator.log_in()
            counts = administrator.stock_catalogue(items)
    except ShopError as error:
        _fail(str(error), as_json, {})
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        typer.echo(f"  {len(items)} products: {counts['created']} created, {counts['updated']} already there")


def _place(shopper: "Shopper", query: str, quantity: int, done: Callable[[str, float], None]) -> "Placed":
    """Order one of the products on offer; where it is sold out, another one."""
    from services.shopper import ShopError

    begun = time.monotonic()
    offered = shopper.products(query)
    if not offered:
        what = f"no product's name contains {query!r}" if query else "the catalogue is empty"
        raise ShopError(f"{what}; `stormglass catalogue` loads the one that comes with the platform")
    sold_out = ShopError("nothing is on offer")
    for goods in random.sample(offered, len(offered)):
        done(f"chose {quantity} × {goods['name']} at {_euros(goods['price_cents'])}", begun)
        begun = time.monotonic()
        try:
            placed = shopper.place([(goods["id"], quantity)])
        except ShopError as error:
            if error.kind != "insufficient-stock":
                raise
            sold_out = error
            continue
        done(f"order {placed.order_id} acknowledged, {_euros(placed.order['total_cents'])}", begun)
        return placed
    raise sold_out


def _euros(cents: int) -> str:
    return f"{cents / 100:.2f} €"


def _fail(text: str, as_json: bool, report: dict[str, Any]) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({**report, "error": text}))
    else:
        typer.secho(f"  ✗ {text}", fg=typer.colors.RED, err=True)
    raise typer.Exit(1)
