"""``messenger preview``: what the buyer would get."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from messenger.bootstrap import load_home, load_settings_only, open_app, simulated_home
from messenger.cli.main import App
from messenger.cli.output import instant, json_option, print_json
from messenger.domain.folding import fold
from messenger.domain.orders import Order
from messenger.domain.shops import Shop
from messenger.errors import UsageError
from messenger.mail.mime import MimeComposer
from messenger.ports import OrderKey
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.services.home import Home
from messenger.services.preparing import Written
from messenger.services.previewing import Preview, headers_of

SAMPLE_SHOP = Shop(
    id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", channels={"email": "main"}
)


@click.command()
@click.argument("template")
@click.option("--locale", help="BCP 47 tag, for example ru or pt-BR; without it the buyer's own language.")
@click.option("--order", "order_name", metavar="SHOP/N", help="A real order.")
@click.option("--sample", help="A sample order.", type=click.Choice(sorted(SAMPLES)))
@click.option("--shop", help="Who writes; default: the order's shop.")
@click.option("--channel", type=click.Choice(["email", "platform"]), default="email", show_default=True)
@click.option("--as", "shape", type=click.Choice(["text", "html", "eml"]), default="text", show_default=True)
@click.option("--at", "at_text", help="As of this instant.")
@json_option
@click.pass_obj
def preview(
    app: App, template: str, locale: str | None, order_name: str | None, sample: str | None, shop: str | None, channel: str,
    shape: str, at_text: str | None, *, as_json: bool,
) -> int:  # fmt: skip
    """Show what a buyer would get from TEMPLATE."""
    at = instant(at_text, "--at") if at_text else None
    if order_name and sample:
        raise click.UsageError("either --order or --sample, not both")
    if order_name:
        home, order = _real(app, order_name)
        now = at or datetime.now(UTC)
    else:
        home = _home(app)
        order, now = SAMPLES[sample or "typical"], at or SAMPLE_NOW
    writer = _shop(home, shop or order.shop, named=shop is not None)
    written = Preview(home).template(template, locale=locale, order=order, shop=writer, channel=channel, at=now)
    _show(written, shape="json" if as_json else shape, channel=channel)
    return 0


def _show(written: Written, *, shape: str, channel: str) -> None:
    letter = written.letter
    if shape == "json":
        text = {
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "platform_text": letter.platform_text,
        }
        print_json({**text, "locale": letter.locale, "variant": written.variant, "fallbacks": list(written.fallbacks)})
    elif shape == "html":
        click.echo(letter.html)
    elif shape == "eml":
        sys.stdout.buffer.write(MimeComposer().compose(letter).content)
    elif channel == "platform":
        click.echo(letter.platform_text)
    else:
        for name, value in headers_of(letter):
            click.echo(f"{name}: {value}")
        for told in written.fallbacks:
            click.echo(f"Fallback: {told}")
        click.echo(f"\n{letter.text}")


def _home(app: App) -> Home:
    if (app.home / "messenger.toml").exists():
        return load_home(app.home, load_settings_only(app.home, app.environ))
    return simulated_home(app.home if (app.home / "schedules.toml").exists() else None, {SAMPLE_SHOP.id: SAMPLE_SHOP})


def _real(app: App, name: str) -> tuple[Home, Order]:
    shop, _, number = name.partition("/")
    key = OrderKey(shop=shop, number=number)
    with open_app(app.home, app.environ) as engine:
        events = engine.store.events_of([key]).get(key, [])
        if not any(event.order for event in events):
            raise UsageError(f"no event has named the order {name}")
        return engine.home, fold(events)


def _shop(home: Home, name: str, *, named: bool) -> Shop:
    found = home.shops.get(name)
    if found is not None:
        return found
    if named or not home.shops:
        raise UsageError(f"there is no shop {name!r} in messenger.toml (known: {', '.join(home.shops) or 'none'})")
    return next(iter(home.shops.values()))
