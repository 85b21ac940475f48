"""``messenger init``, ``check`` and ``schema``: the home and what stands in it."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from messenger.bootstrap import make_home, template_names
from messenger.cli.main import App
from messenger.cli.output import print_json
from messenger.config import check_home, load_schedule, load_settings
from messenger.config.schema import schedules_schema
from messenger.config.signing import SigningKey
from messenger.errors import ConfigurationError, Finding
from messenger.rendering.checking import PLATFORMS, of_rules, uses_of
from messenger.rendering.lint import check_catalogue


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.pass_obj
def init(app: App, folder: Path | None) -> int:
    """Make a working home in FOLDER (default: the --home folder): configuration, rules, templates."""
    target = folder or app.home
    written = make_home(target)
    click.echo(f"made a home in {target}: {', '.join(written)}")
    click.echo('it rehearses: all is planned and shown, nothing leaves until you write mode = "live" in messenger.toml')
    return 0


@click.command()
@click.option("--as", "shape", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --as json.")
@click.pass_obj
def check(app: App, shape: str, *, as_json: bool) -> int:
    """Find every mistake in messenger.toml, schedules.toml and the templates; exit 1 when there is one."""
    found = findings_of(app)
    errors = [finding for finding in found if finding.severity == "error"]
    if as_json or shape == "json":
        print_json([_document(finding) for finding in found])
    elif shape == "github":
        for finding in found:
            click.echo(_github(finding))
    else:
        for finding in found:
            click.echo(f"{finding}" if finding.severity == "error" else f"{finding} [{finding.severity}]")
        click.echo(_total(len(errors), sum(finding.severity == "warning" for finding in found)), err=True)
    return 1 if errors else 0


def findings_of(app: App) -> list[Finding]:
    """Return every finding about a home: its files, its texts, and its texts by what the rules do with them."""
    names, texts = template_names(app.home), app.home / "templates"
    found = check_home(app.home, app.environ, names)
    try:
        settings = load_settings(app.home, app.environ)
        schedule = load_schedule(app.home / "schedules.toml", shops=settings.shops, templates=names)
    except ConfigurationError:  # told by check_home; the texts are judged by the rules of every platform then
        return [*found, *check_catalogue(texts)]
    found += _keys(settings.signing)
    platforms = frozenset(shop.platform for shop in settings.shops.values()) or frozenset(PLATFORMS)
    languages = sorted({shop.default_language for shop in settings.shops.values()})
    return [
        *found,
        *of_rules(schedule, platforms),
        *check_catalogue(texts, uses_of(schedule, platforms), platforms=platforms, languages=languages),
    ]


@click.command()
def schema() -> int:
    """Print the JSON Schema of schedules.toml, for editors."""
    click.echo(orjson.dumps(schedules_schema(), option=orjson.OPT_INDENT_2).decode())
    return 0


def _keys(keys: tuple[SigningKey, ...]) -> list[Finding]:
    if not keys:
        return []
    from messenger.config.keys import key_findings  # noqa: PLC0415  # only where mail is signed

    return key_findings(keys)


def _total(mistakes: int, warnings: int) -> str:
    """How many there are; a home with warnings only can be used."""
    told = "no mistakes" if not mistakes else f"{mistakes} mistake{'s' * (mistakes > 1)}"
    return f"{told}, {warnings} warning{'s' * (warnings > 1)}" if warnings else told


def _document(finding: Finding) -> dict[str, object]:
    return {
        "file": finding.file, "line": finding.line, "column": finding.column, "key": finding.key, "problem": finding.problem,
        "remedy": finding.remedy, "severity": finding.severity,
    }  # fmt: skip


def _github(finding: Finding) -> str:
    """A workflow command: a note beside the line, or beside the file where the whole of it is meant."""
    place = f"file={finding.file}" + (f",line={finding.line},col={max(1, finding.column)}" if finding.line else "")
    text = f"{finding.key}: {finding.problem}" if finding.key else finding.problem
    told = f"{text} ({finding.remedy})" if finding.remedy else text
    return f"::{finding.severity} {place}::{told.replace('%', '%25').replace(chr(13), '%0D').replace(chr(10), '%0A')}"
