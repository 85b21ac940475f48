"""``messenger preview``: what the buyer would get; and a sheet of every text in every language."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from messenger.bootstrap import load_home, load_settings_only, open_app, simulated_home
from messenger.cli.main import App
from messenger.cli.output import instant, json_option, print_json, progress_bar, told
from messenger.cli.preview_draft import draft_of, is_file
from messenger.domain.shops import Shop
from messenger.errors import UsageError
from messenger.mail.mime import MimeComposer
from messenger.ports import OrderKey
from messenger.rendering.child import Reader
from messenger.rendering.samples import SAMPLES
from messenger.rendering.scenes import Scene, scene
from messenger.rendering.veiling import veiled
from messenger.services.home import Home
from messenger.services.previewing import Preview, Shown, headers_of, real_scene

SAMPLE_SHOP = Shop(
    id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", channels={"email": "main"}
)


@click.command()
@click.argument("template", required=False)
@click.option("--locale", help="BCP 47 tag, for example ru or pt-BR; without it the buyer's own language.")
@click.option("--order", "order_name", metavar="SHOP/N", help="A real order; its personal data is hidden.")
@click.option("--sample", help="A sample order; default: one that fits the text.", type=click.Choice(sorted(SAMPLES)))
@click.option("--shop", help="Who writes; default: the order's shop.")
@click.option("--channel", type=click.Choice(["email", "platform"]), default="email", show_default=True)
@click.option("--as", "shape", type=click.Choice(["text", "html", "eml"]), default="text", show_default=True)
@click.option("--at", "at_text", help="As of this instant.")
@click.option("--unmask", is_flag=True, help="Show the personal data of a real order.")
@click.option("--all", "everything", is_flag=True, help="Write one page with every text in every language.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=Path("contact-sheet.html"), show_default=True,
              help="Where --all writes its page.")  # fmt: skip
@click.option("--locales", help="Languages for --all, with commas between them; default: all.")
@json_option
@click.pass_obj
def preview(
    app: App, template: str | None, locale: str | None, order_name: str | None, sample: str | None, shop: str | None, channel: str,
    shape: str, at_text: str | None, output: Path, locales: str | None, *, unmask: bool, everything: bool, as_json: bool,
) -> int:  # fmt: skip
    """Show what a buyer would get from TEMPLATE: the name of a text, or a file that nobody has to have saved in the home."""
    if everything == bool(template):
        raise click.UsageError("either the name of a text, or --all")
    if order_name and sample:
        raise click.UsageError("either --order or --sample, not both")
    if template is None:
        return _sheet(app, shop=shop, locales=locales, output=output)
    at = instant(at_text, "--at") if at_text else None
    name = Path(template).stem.partition("@")[0] if is_file(template) else template
    if order_name:
        home, setting = _real(app, order_name, name, at)
        setting = setting if unmask else Scene(
            order=veiled(setting.order), now=setting.now, occasion=setting.occasion,
            along=tuple((veiled(one), parcel) for one, parcel in setting.along),
        )  # fmt: skip
    else:
        home = _home(app)
        setting = scene(name, home.schedule.rules, sample=sample, at=at)
    writer = _shop(home, shop or setting.order.shop, named=shop is not None)
    if is_file(template):
        shown = _draft(app, home, template, locale, setting, writer, channel)
    else:
        shown = Preview(home).template(name, locale=locale, scene=setting, shop=writer, channel=channel)
    is_hidden = bool(order_name) and not unmask
    _show(shown, setting, shape="json" if as_json else shape, channel=channel, is_hidden=is_hidden)
    return 0


def _draft(
    app: App, home: Home, path: str, locale: str | None, setting: Scene, shop: Shop, channel: str
) -> Shown:  # fmt: skip
    reader = Reader()
    reader.start()
    try:
        draft = draft_of(path, app.home, locale, home.catalogue.locales)
        return Preview(home).draft(draft, reader, scene=setting, shop=shop, channel=channel)
    finally:
        reader.stop()


def _show(shown: Shown, setting: Scene, *, shape: str, channel: str, is_hidden: bool) -> None:
    letter = shown.letter
    if shape == "json":
        print_json(_document(shown, setting, is_hidden=is_hidden))
    elif shape == "text":
        for name, value in [*headers_of(letter), *_about(shown, setting, is_hidden=is_hidden)]:
            click.echo(f"{name}: {value}")
        click.echo(f"\n{letter.platform_text if channel == 'platform' else letter.text}")
        for finding in shown.findings:
            click.echo(str(finding))
    else:
        for name, value in _about(shown, setting, is_hidden=is_hidden):
            if name in _WORTH_SAYING:
                click.echo(f"{name}: {value}", err=True)
        for finding in shown.findings:
            click.echo(str(finding), err=True)
        sys.stdout.flush()
        sys.stdout.buffer.write(letter.html.encode() if shape == "html" else MimeComposer().compose(letter).content)
        sys.stdout.buffer.flush()


_WORTH_SAYING = frozenset({"Fallback", "Too old", "Hidden"})


def _about(shown: Shown, setting: Scene, *, is_hidden: bool) -> list[tuple[str, str]]:
    """How the text was chosen, and what it was shown with."""
    choice = shown.choice
    lines = [("Text", f"{shown.file} (version {shown.version})"), ("Because", choice.because)]
    if choice.tried:
        lines.append(("Tried before", ", ".join(choice.tried)))
    if choice.is_fallback:
        lines.append(("Fallback", f"{choice.wished} is not there: {choice.locale}, {choice.because}"))
    if shown.passed_over:
        lines.append(("Passed over", ", ".join(shown.passed_over)))
    if shown.stale:
        told_ = f"{shown.stale} of its pieces are older than their source, missing or left over"
        lines.append(("Too old", f"{told_}: messenger translations stale --locale {choice.locale}"))
    about = f"sample {setting.sample}" if setting.sample else f"order {setting.order.number}"
    lines.append(("Shown with", f"{about}, as of {setting.now:%Y-%m-%d %H:%M} UTC"))
    if is_hidden:
        lines.append(("Hidden", "the buyer's personal data; --unmask shows it"))
    return lines


def _document(shown: Shown, setting: Scene, *, is_hidden: bool) -> dict[str, object]:
    letter, choice = shown.letter, shown.choice
    fallbacks = [f"{choice.wished} is not there: {choice.locale}, {choice.because}"] if choice.is_fallback else []
    return {
        "subject": letter.subject, "text": letter.text, "html": letter.html, "platform_text": letter.platform_text,
        "locale": letter.locale, "variant": shown.variant, "version": shown.version, "file": shown.file, "because": choice.because,
        "tried": list(choice.tried), "fallbacks": fallbacks, "passed_over": list(shown.passed_over), "stale": shown.stale,
        "findings": [str(one) for one in shown.findings], "sample": setting.sample or None, "order": setting.order.number,
        "at": told(setting.now), "masked": is_hidden,
    }  # fmt: skip


def _sheet(app: App, *, shop: str | None, locales: str | None, output: Path) -> int:
    from messenger.cli.contact_sheet import contact_sheet  # noqa: PLC0415  # only where a sheet is made

    home = _home(app)
    writer = _shop(home, shop or SAMPLE_SHOP.id, named=shop is not None)
    there = home.catalogue.locales
    wanted = [one.strip() for one in locales.split(",")] if locales else list(there)
    if unknown := [one for one in wanted if one not in there]:
        raise UsageError(f"there are no texts in {', '.join(unknown)} (there are: {', '.join(there)})")
    with progress_bar("texts", len(home.catalogue.templates)) as step:
        page = contact_sheet(home, writer, wanted, step)
    output.write_text(page, encoding="utf-8")
    click.echo(f"{output}: {len(home.catalogue.templates)} messages in {', '.join(wanted)}", err=True)
    return 0


def _home(app: App) -> Home:
    if (app.home / "messenger.toml").exists():
        return load_home(app.home, load_settings_only(app.home, app.environ), known_good=True)
    return simulated_home(app.home if (app.home / "schedules.toml").exists() else None, {SAMPLE_SHOP.id: SAMPLE_SHOP})


def _real(app: App, name: str, template: str, at: datetime | None) -> tuple[Home, Scene]:
    shop, _, number = name.partition("/")
    key = OrderKey(shop=shop, number=number)
    with open_app(app.home, app.environ) as engine:
        events = engine.store.events_of([key]).get(key, [])
        now = at or datetime.now(UTC)
        order = engine.home.order([event for event in events if at is None or event.time <= at])
        if order is None:
            raise UsageError(f"no event has named the order {name}{'' if at is None else ' by then'}")
        return engine.home, real_scene(engine.home, engine.store, order, template, now)


def _shop(home: Home, name: str, *, named: bool) -> Shop:
    found = home.shops.get(name)
    if found is not None:
        return found
    if named or not home.shops:
        raise UsageError(f"there is no shop {name!r} in messenger.toml (known: {', '.join(home.shops) or 'none'})")
    return next(iter(home.shops.values()))
