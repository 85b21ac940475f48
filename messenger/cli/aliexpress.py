"""``messenger aliexpress``: letting messenger read a shop there, and trying again what the platform did not let it do."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

import click

from messenger.bootstrap import Engine, open_app
from messenger.bootstrap.aliexpress import Access, accesses, desk_of
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.config.sources_aliexpress import AliExpressSettings
from messenger.errors import UsageError
from messenger.platforms.aliexpress.failures import CallFailed
from messenger.ports import Credentials
from messenger.services.finding import hint


@click.group()
def aliexpress() -> None:
    """Log in at AliExpress, and try again what it did not let us do."""


@aliexpress.command()
@click.argument("shop")
@click.option(
    "--redirect", default="", help="The page that your app leads to after the login; default: as in messenger.toml."
)
@click.option("--code", default="", help="The code, or the whole address, that the login led to.")
@json_option
@click.pass_obj
def login(app: App, shop: str, redirect: str, code: str, *, as_json: bool) -> int:
    """Let messenger work for SHOP; without a code, say where the seller agrees to it. Exit 1 when AliExpress does not accept the code."""
    with open_app(app.home, app.environ) as engine:
        access, usual = _access(engine, shop)
        desk = desk_of(access, engine.clock)
        try:
            if not code:
                url = desk.authorize_url(redirect=redirect or usual, state=secrets.token_hex(8))
                _show_page(url, shop, as_json=as_json)
                return 0
            found = desk.log_in(_code_in(code), redirect=redirect or usual)
        except CallFailed as error:
            click.echo(f"messenger: AliExpress does not accept it: {error}", err=True)
            return 1
        finally:
            access.line.close()
        engine.store.keep_credentials(found, at=engine.clock.now())
        _wake(engine, shop)
    _show_login(found, shop, as_json=as_json)
    return 0


@aliexpress.command()
@click.argument("shop")
@json_option
@click.pass_obj
def again(app: App, shop: str, *, as_json: bool) -> int:
    """Try again what AliExpress did not let SHOP do, such as after it has given a permission; exit 1 when there is nothing."""
    with open_app(app.home, app.environ) as engine:
        access, _ = _access(engine, shop)
        shut = engine.store.shut_doors(access.account)
        opened = [door for door in shut if engine.store.open_door(access.account, door)]
        _wake(engine, shop)
    if as_json:
        print_json([{"what": door or "everything", "problem": shut[door]} for door in opened])
    for door in opened if not as_json else ():
        click.echo(f"{door or 'everything'} is tried again; last time it was: {shut[door]}")
    if not opened:
        click.echo(f"AliExpress lets {shop} do everything it was asked for", err=True)
    return 0 if opened else 1


def _wake(engine: Engine, shop: str) -> None:
    """Let the shop be read at once."""
    for name, one in engine.settings.sources.items():
        if isinstance(one, AliExpressSettings) and one.shop == shop:
            engine.store.wake_poll(name, at=engine.clock.now())


def _access(engine: Engine, shop: str) -> tuple[Access, str]:
    known = accesses(engine.settings)
    if shop not in known:
        remedy = (
            hint(shop, sorted(known), "shops there")
            if known
            else f': write [sources.{shop}-ae] with kind = "aliexpress" and shop = "{shop}"'
        )
        raise UsageError(f"there is no shop {shop!r} with AliExpress{remedy}")
    return known[shop]


def _code_in(written: str) -> str:
    """The code itself, or the one in the address that the login led to."""
    if "://" not in written:
        return written
    found = parse_qs(urlsplit(written).query).get("code", [""])[0]
    if not found:
        raise UsageError("--code: there is no code in this address (it ends in …code=…)")
    return found


def _show_page(url: str, shop: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"shop": shop, "authorize_url": url})
        return
    click.echo(f"1. Open this page, log in as the seller, and agree:\n\n{url}\n")
    click.echo("2. It leads to a page of yours. Within half an hour, give its whole address, in quotes:\n")
    click.echo(f"messenger aliexpress login {shop} --code 'https://…'")


def _show_login(found: Credentials, shop: str, *, as_json: bool) -> None:
    if as_json:
        ends = {"ends_at": told(found.ends_at), "refresh_ends_at": told(found.refresh_ends_at)}
        print_json({"shop": shop, "holder": found.holder, **ends})
        return
    until = f"; it renews itself until {found.refresh_ends_at:%Y-%m-%d}" if found.refresh_ends_at else ""
    click.echo(f"messenger works for {shop} at AliExpress as {found.holder or 'the seller'}{until}")
