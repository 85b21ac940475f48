"""``messenger translations``: texts to translators and back, and which of them are older than their source."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.errors import Finding, UsageError
from messenger.rendering.exchange import po
from messenger.rendering.exchange.applying import Outcome
from messenger.rendering.exchange.books import book
from messenger.rendering.exchange.importing import import_file
from messenger.rendering.exchange.sheets import Sheet, locales, sheets, strangers, write
from messenger.rendering.exchange.syncing import Synced, sync
from messenger.rendering.pseudo import LOCALE, RTL_LOCALE, make
from messenger.rendering.staleness import SOURCE_LOCALE, Pair, Standing, marked
from messenger.services.finding import hint

locale_option = click.option("--locale", required=True, metavar="L", help="BCP 47 tag, for example es or pt-BR.")
_SHOWN = {Standing.STALE, Standing.MISSING, Standing.SUPERFLUOUS}


@click.group()
def translations() -> None:
    """Give texts to translators, take them back, and see which are older than their source."""


@translations.command("export")
@locale_option
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write into this file.")
@click.pass_obj
def export(app: App, locale: str, output: Path | None) -> int:
    """Write a locale's texts as a PO file, one unit for each subject, preheader, paragraph and list item."""
    folder = _folder(app)
    earlier = po.read(str(output), output.read_bytes()) if output and output.exists() else None
    there, findings = sheets(folder, locale)
    made = book(there, locale, purposes=_purposes(app.home), earlier=earlier)
    if output is None:
        click.echo(po.write(made), nl=False)
    else:
        write(output, po.write(made))
    done = sum(bool(one.text) and not one.fuzzy for one in made.entries)
    stale = sum(one.fuzzy for one in made.entries)
    click.echo(
        f"{len(made.entries)} units: {done} translated, {stale} stale, {len(made.entries) - done - stale} missing",
        err=True,
    )
    return _tell(findings)


@translations.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--locale", default="", metavar="L", help="Instead of the file's own Language.")
@json_option
@click.pass_obj
def import_(app: App, file: Path, locale: str, *, as_json: bool) -> int:
    """Take a PO file in; exit 1 when something in it was refused. What is fit is taken all the same."""
    found, outcome = import_file(_folder(app), str(file), file.read_bytes(), locale=locale)
    if as_json:
        print_json({"locale": found} | _document(outcome))
    else:
        _tell_outcome(outcome)
        click.echo(f"{found or file}: {_total(outcome)}")
    return 1 if outcome.refused else 0


@translations.command("sync")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@json_option
@click.pass_obj
def sync_(app: App, folder: Path, *, as_json: bool) -> int:
    """Bring templates and a FOLDER of PO files together, both ways; exit 1 when something was refused or is a conflict."""
    done = sync(_folder(app), folder, purposes=_purposes(app.home))
    if as_json:
        print_json([_synced(one) for one in done])
    else:
        for one in done:
            _tell_outcome(one.outcome)
            for finding in one.conflicts:
                click.echo(f"{finding} [conflict]", err=True)
            for finding in one.obsolete:
                click.echo(f"{finding} [kept as obsolete]", err=True)
            conflicts = f", {len(one.conflicts)} in conflict" if one.conflicts else ""
            click.echo(
                f"{one.locale}: {len(one.to_po)} units into the PO file; from it: {_total(one.outcome)}{conflicts}"
            )
    return 1 if any(one.outcome.refused or one.conflicts for one in done) else 0


@translations.command("stale")
@click.option("--locale", default="", metavar="L", help="Only this one.")
@json_option
@click.pass_obj
def stale(app: App, locale: str, *, as_json: bool) -> int:
    """List what is older than its source, missing, or left over from an earlier source."""
    folder = _folder(app)
    found: list[dict[str, object]] = []
    findings: list[Finding] = []
    for one in [locale] if locale else locales(folder):
        there, wrong = sheets(folder, one)
        findings += [finding for finding in wrong if finding not in findings]
        found += [_unit(one, sheet, pair) for sheet in there for pair in _listed(sheet)]
        found += [
            {"locale": one, "file": file, "line": 0, "unit": "", "standing": str(Standing.SUPERFLUOUS), "source": "", "text": ""}
            for file in strangers(folder, one)
        ]  # fmt: skip
    if as_json:
        print_json(found)
    else:
        for unit in found:
            click.echo(_line(unit))
        click.echo(_counts(found), err=True)
    return _tell(findings)


@translations.command("accept")
@click.argument("names", nargs=-1, metavar="TEMPLATE…")
@locale_option
@click.option("--all", "everything", is_flag=True, help="Every text of the locale.")
@click.pass_obj
def accept(app: App, names: tuple[str, ...], locale: str, *, everything: bool) -> int:
    """Say that translations fit their source as it is now; a name stands for all its variants."""
    if bool(names) == everything:
        raise click.UsageError("name texts, or say --all")
    there, findings = sheets(_folder(app), locale)
    known = [sheet for sheet in there if not sheet.is_phrases]
    for name in names:
        if not any(name in {sheet.stem, sheet.template} for sheet in known):
            raise UsageError(f"there is no text {name!r}{hint(name, [sheet.stem for sheet in known], 'texts')}")
    changed = missing = 0
    for sheet in known:
        if sheet.target is None or not (everything or {sheet.stem, sheet.template} & set(names)):
            continue
        text = marked(sheet.source, sheet.target)
        if text != sheet.target.raw:
            write(sheet.path, text)
            changed += 1
        missing += sum(pair.standing is Standing.MISSING for pair in sheet.pairs)
    click.echo(f"{changed} files say now that they are current")
    if missing:
        click.echo(
            f"{missing} units are missing in them all the same: messenger translations stale --locale {locale}",
            err=True,
        )
    return _tell(findings)


@translations.command("pseudo")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), default=None, help="Folder for it; default: pseudo/ in the home."
)  # fmt: skip
@click.option("--rtl", is_flag=True, help="Written from right to left.")
@click.pass_obj
def pseudo(app: App, output: Path | None, *, rtl: bool) -> int:
    """Make a small home in a language that nobody speaks, to find hard-wired text and narrow layouts."""
    _folder(app)
    target, locale = output or app.home / "pseudo", RTL_LOCALE if rtl else LOCALE
    written = make(app.home, target, locale=locale)
    click.echo(f"{len(written)} files: messenger --home {target} preview shipped --locale {locale} --as html")
    return 0


def _folder(app: App) -> Path:
    folder = app.home / "templates"
    if not (folder / SOURCE_LOCALE).is_dir():
        raise UsageError(
            f"there is no {folder / SOURCE_LOCALE}: name a home with --home, or make one with messenger init"
        )
    return folder


def _purposes(home: Path) -> dict[str, str]:
    """What each message is for, as its rules' notes say; nothing where schedules.toml cannot be read."""
    try:
        told = tomllib.loads((home / "schedules.toml").read_text(encoding="utf-8")).get("rules", {})
    except (OSError, ValueError):
        return {}
    found: dict[str, list[str]] = {}
    for rule in (one for one in told.values() if isinstance(one, dict)) if isinstance(told, dict) else ():
        if isinstance(rule.get("template"), str) and isinstance(rule.get("note"), str):
            found.setdefault(rule["template"], []).append(rule["note"])
    return {template: " / ".join(dict.fromkeys(notes)) for template, notes in found.items()}


def _listed(sheet: Sheet) -> Iterator[Pair | None]:
    """What is wrong with a file; None stands for a file that is not there at all."""
    if sheet.target is None:
        yield None
    else:
        yield from (pair for pair in sheet.pairs if pair.standing in _SHOWN)


def _unit(locale: str, sheet: Sheet, pair: Pair | None) -> dict[str, object]:
    if pair is None:
        document: dict[str, object] = {"locale": locale, "file": sheet.target_file, "line": 0, "unit": ""}
        return document | {"standing": str(Standing.MISSING), "source": sheet.source_file, "text": ""}
    shown = pair.source or pair.target
    return {
        "locale": locale, "file": sheet.target_file, "line": pair.target.line if pair.target else 0, "unit": sheet.context(pair),
        "standing": str(pair.standing), "source": f"{sheet.source_file}:{pair.source.line}" if pair.source else "",
        "text": shown.text if shown else "",
    }  # fmt: skip


def _line(unit: dict[str, object]) -> str:
    place = f"{unit['file']}:{unit['line']}" if unit["line"] else str(unit["file"])
    if not unit["unit"]:
        return f"{place}: {unit['standing']}"
    text = " ".join(str(unit["text"]).split())
    shown = text if len(text) <= 70 else f"{text[:69]}…"
    source = f" ({unit['source']})" if unit["source"] else ""
    return f"{place}: {unit['unit']}: {unit['standing']}: {shown}{source}"


def _counts(found: Iterable[dict[str, object]]) -> str:
    units = [one for one in found if one["unit"]]
    files = sum(not one["unit"] for one in found)
    by = ", ".join(f"{sum(one['standing'] == kind for one in units)} {kind}" for kind in sorted(_SHOWN))
    return f"units: {by}; files missing or superfluous: {files}"


def _total(outcome: Outcome) -> str:
    return f"{len(outcome.taken)} units taken, {len(outcome.refused)} refused, {len(outcome.written)} files written"


def _tell_outcome(outcome: Outcome) -> None:
    for line in (*map(str, outcome.refused), *outcome.waiting, *outcome.notes):
        click.echo(line, err=True)


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "taken": outcome.taken, "refused": [_finding(one) for one in outcome.refused], "written": outcome.written,
        "waiting": outcome.waiting, "notes": outcome.notes,
    }  # fmt: skip


def _synced(one: Synced) -> dict[str, object]:
    told = {"locale": one.locale, "to_po": one.to_po, "po_written": one.po_written} | _document(one.outcome)
    conflicts, obsolete = [_finding(each) for each in one.conflicts], [_finding(each) for each in one.obsolete]
    return told | {"conflicts": conflicts, "obsolete": obsolete}


def _finding(one: Finding) -> dict[str, object]:
    return {"file": one.file, "line": one.line, "unit": one.key, "problem": one.problem, "remedy": one.remedy}


def _tell(findings: Iterable[Finding]) -> int:
    wrong = list(findings)
    for finding in wrong:
        click.echo(f"{finding} [left out]", err=True)
    return 1 if wrong else 0
