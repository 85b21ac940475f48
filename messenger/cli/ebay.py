"""``messenger ebay``: letting messenger write in the name of a seller there."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

import click

from messenger.bootstrap import Engine, open_app
from messenger.bootstrap.platforms import Means, account_of, ebay_desk
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.config.platform_transports import PlatformSettings
from messenger.config.secrets import secret
from messenger.config.tables import Wrong
from messenger.errors import SourceAway, SourceShut, UsageError
from messenger.platforms.ebay.tokens import TokenDesk
from messenger.platforms.lines import Line
from messenger.ports import Credentials
from messenger.services.finding import hint

KIND = "ebay"


@click.group()
def ebay() -> None:
    """Log in at eBay."""


@ebay.command()
@click.argument("name")
@click.option("--redirect", default="", help="The RuName that eBay has given your app.")
@click.option("--code", default="", help="The code, or the whole address, that the page of consent led to.")
@click.option(
    "--refresh-token", "refresh", default="", help="env:NAME or file:PATH with a refresh token you already have."
)
@json_option
@click.pass_obj
def login(app: App, name: str, redirect: str, code: str, refresh: str, *, as_json: bool) -> int:
    """Let messenger write for the shop of transport NAME; without a code, say where the seller agrees to it.

    Exit code 1 when eBay does not accept the code or the token.
    """
    with open_app(app.home, app.environ) as engine:
        settings = _settings_of(engine, name)
        line = Line(timeout=settings.timeout)
        desk = ebay_desk(settings, Means(vault=engine.store, clock=engine.clock, owner=""), line)
        try:
            found = _exchanged(app, desk, redirect=redirect, code=code, refresh=refresh)
        except (SourceShut, SourceAway) as error:
            click.echo(f"messenger: {error}", err=True)
            return 1
        finally:
            line.close()
        if found is None:
            _show_page(desk, name, redirect, as_json=as_json)
            return 0
        engine.store.keep_credentials(found, at=engine.clock.now())
    _show_login(found, settings, as_json=as_json)
    return 0


def _settings_of(engine: Engine, name: str) -> PlatformSettings:
    known = {one: found for one, found in engine.settings.platforms.items() if found.kind == KIND}
    if name not in known:
        remedy = (
            hint(name, sorted(known), "transports of eBay") if known else ': write [transports.x] with kind = "ebay"'
        )
        raise UsageError(f"there is no transport {name!r} of eBay{remedy}")
    return known[name]


def _exchanged(app: App, desk: TokenDesk, *, redirect: str, code: str, refresh: str) -> Credentials | None:
    """The tokens that were obtained; None when there is nothing to obtain them with yet."""
    if refresh:
        return _from_refresh_token(app, desk, refresh)
    if not redirect:
        raise UsageError("write --redirect with the RuName that eBay has given your app, or --refresh-token")
    return desk.log_in(_code_in(code), redirect=redirect) if code else None


def _from_refresh_token(app: App, desk: TokenDesk, written: str) -> Credentials:
    try:
        token = secret(app.home, app.environ)(written).reveal()
    except Wrong as wrong:
        raise UsageError(f"--refresh-token: {wrong.problem} ({wrong.remedy})") from None
    found = desk.renew(token)
    return Credentials(
        account=found.account, access=found.access, refresh=token, ends_at=found.ends_at, refresh_ends_at=found.refresh_ends_at
    )  # fmt: skip


def _code_in(written: str) -> str:
    """The code itself, or the one in the address that the page of consent led to."""
    if "://" not in written:
        return written
    found = parse_qs(urlsplit(written).query).get("code", [""])[0]
    if not found:
        raise UsageError("--code: there is no code in this address (it ends in …code=…&expires_in=299)")
    return found


def _show_page(desk: TokenDesk, name: str, redirect: str, *, as_json: bool) -> None:
    url = desk.consent_url(redirect=redirect, state=secrets.token_hex(8))
    if as_json:
        print_json({"account": desk.account, "consent_url": url})
        return
    click.echo(f"1. Open this page, log in as the seller, and agree:\n\n{url}\n")
    click.echo("2. It leads to a page of yours. Within five minutes, give its whole address, in quotes:\n")
    click.echo(f"messenger ebay login {name} --redirect {redirect} --code 'https://…'")


def _show_login(found: Credentials, settings: PlatformSettings, *, as_json: bool) -> None:
    if as_json:
        ends = {"ends_at": told(found.ends_at), "refresh_ends_at": told(found.refresh_ends_at)}
        print_json({"account": account_of(settings), **ends})
        return
    until = f"; it renews itself until {found.refresh_ends_at:%Y-%m-%d}" if found.refresh_ends_at else ""
    click.echo(f"messenger writes on eBay for {settings.shop}{until}")
