"""``messenger coverage``: which texts each language has, and how many buyers get another one than theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from messenger.bootstrap import load_settings_only, open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.errors import UsageError
from messenger.services.coverage import Cell, Coverage, Covered, Fallback, texts


@click.command()
@json_option
@click.pass_obj
def coverage(app: App, *, as_json: bool) -> int:
    """Tell which texts each language has, and how many buyers of the last 30 days get another language than theirs."""
    folder = app.home / "templates"
    if not folder.is_dir():
        raise UsageError(f"there is no {folder}: name a home with --home, or make one with messenger init")
    if _has_database(app):
        with open_app(app.home, app.environ) as engine:
            found = Coverage(engine.store, engine.home, engine.clock.now()).weighed(folder)
    else:
        found = texts(folder)
    for finding in found.findings:
        click.echo(f"{finding} [left out]", err=True)
    if as_json:
        print_json(_document(found))
    else:
        for line in (*_languages(found), *_buyers(found)):
            click.echo(line)
    return 0


def _has_database(app: App) -> bool:
    """Whether there is one already: looking at texts makes none."""
    if not (app.home / "messenger.toml").exists():
        return False
    url = load_settings_only(app.home, app.environ).database_url
    return not url.startswith("sqlite:") or Path(url.removeprefix("sqlite:///").partition("?")[0]).exists()


def _languages(found: Covered) -> Iterator[str]:
    yield f"{'':10}{'have':>6}{'stale':>7}{'missing':>9}{'variants missing':>18}"
    for locale in sorted({cell.locale for cell in found.cells}):
        cells = [cell for cell in found.cells if cell.locale == locale]
        have, stale, missing = ([one for one in cells if one.standing == kind] for kind in ("have", "stale", "missing"))
        lacking = [f"{one.template}@{variant}" for one in cells if one.units for variant in one.variants_missing]
        yield f"{locale:10}{len(have):6}{len(stale):7}{len(missing):9}{len(lacking):18}"
        yield from _names("stale", (f"{one.template} ({_parts(one)})" for one in stale))
        yield from _names("missing", (one.template for one in missing))
        yield from _names("variants missing", lacking)


def _parts(cell: Cell) -> str:
    told = [f"{count} {word}" for count, word in ((cell.stale, "stale"), (cell.missing, "missing")) if count]
    return f"{', '.join(told)} of {cell.units + cell.missing}"


def _names(what: str, names: Iterator[str] | list[str]) -> Iterator[str]:
    listed = ", ".join(names)
    if listed:
        yield f"    {what}: {listed}"


def _buyers(found: Covered) -> Iterator[str]:
    if found.since is None:
        yield "no database yet: how many buyers this concerns is not known"
        return
    told = ", ".join(f"{count} {tag}" for tag, count in found.buyers.items())
    yield f"buyers since {found.since:%Y-%m-%d}, by the language they should have: {told or 'none'}"
    far = [one for one in found.fallbacks if not one.is_near]
    near = [one for one in found.fallbacks if one.is_near]
    for pair in dict.fromkeys((one.wished, one.got) for one in far):
        yield from _fallback(pair, [one for one in far if (one.wished, one.got) == pair])
    if not far:
        yield "every one of them gets a language of theirs"
    for pair in dict.fromkeys((one.wished, one.got) for one in near):
        those = [one for one in near if (one.wished, one.got) == pair]
        yield f"{pair[0]} is written as {pair[1]}: up to {max(map(_most, those))} buyers, {len(those)} messages"


def _fallback(pair: tuple[str, str], those: list[Fallback]) -> Iterator[str]:
    yield f"{pair[0]} should be, {pair[1]} is: up to {max(map(_most, those))} buyers, {len(those)} messages"
    for one in those:
        yield f"    {one.template}: {one.buyers_got} got it, {one.buyers_would} would"


def _most(one: Fallback) -> int:
    return max(one.buyers_got, one.buyers_would)


def _document(found: Covered) -> dict[str, object]:
    return {
        "texts": [
            {
                "template": one.template, "locale": one.locale, "standing": one.standing, "units": one.units,
                "stale": one.stale, "missing": one.missing, "variants_missing": list(one.variants_missing),
            }
            for one in found.cells
        ],
        "since": told(found.since),
        "buyers": dict(found.buyers),
        "fallbacks": [
            {
                "template": one.template, "wished": one.wished, "got": one.got, "near": one.is_near,
                "buyers_got": one.buyers_got, "buyers_would": one.buyers_would,
            }
            for one in found.fallbacks
        ],
    }  # fmt: skip
