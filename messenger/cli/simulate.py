"""``messenger simulate``: plays events on a virtual clock; nothing is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import click

from messenger.cli.main import App
from messenger.cli.output import instant, json_option, print_json, progress_bar
from messenger.cli.simulate_desk import desk_hours
from messenger.cli.simulate_input import Told, home_at, read_files, read_store
from messenger.cli.simulate_sheet import Findings, findings_of, without_mutes
from messenger.config.spans import length
from messenger.config.tables import Wrong
from messenger.domain.messages import State
from messenger.intake.formats import AUTO, FORMATS
from messenger.services.clocks import SystemClock
from messenger.services.comparing import Change, Different, compare
from messenger.services.home import Home
from messenger.services.simulating import Line, Played, Simulator, Workload
from messenger.services.speaking.words import LANGUAGES
from messenger.services.wording import sentence


class Instant(click.ParamType[datetime]):
    """A time with an offset."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ARG002  # click's signature
        """Return the instant in UTC."""
        return instant(str(value), param.opts[0] if param else "time")


class Length(click.ParamType[timedelta]):
    """A length of time such as ``30d``."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return it as elapsed time."""
        try:
            return length(str(value))
        except Wrong as wrong:
            self.fail(f"{wrong.problem}{wrong.remedy and f' ({wrong.remedy})'}", param, ctx)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True, dir_okay=False))
@click.option("--from", "start", type=Instant(), help="Leave out what ends before this instant.")
@click.option("--to", "end", type=Instant(), help="Stop the clock here; without it it runs until nothing waits.")
@click.option("--last", type=Length(), help="Instead of --from and --to: so long before now, for example 30d.")
@click.option(
    "--at", type=Instant(), help="Take everything in at this instant, as ingest would; else at each event's own time."
)
@click.option(
    "--against", type=click.Path(path_type=Path, file_okay=False), metavar="HOME",
    help="Tell what buyers would get otherwise than by the schedules and texts of this home; exit 1 when there is anything.",
)  # fmt: skip
@click.option(
    "--staff", type=click.IntRange(min=0), metavar="N",
    help="So many people send by hand at each desk; 0 leaves their work waiting. Default: all is done at once.",
)  # fmt: skip
@click.option(
    "--per-message", "each", type=Length(), default="30s", show_default=True, metavar="SPAN",
    help="What it takes one of them to open, read, copy, send and confirm one message.",
)  # fmt: skip
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default=AUTO, show_default=True, help="What the files are."
)
@click.option("--shop", default="", help="Shop of events that name none, and of sheets.")
@click.option(
    "--zone", default="", help="Of times in sheets that have no offset, such as Asia/Shanghai; default: the platform's."
)
@click.option("--as", "shape", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of texts and pages.")
@json_option
@click.pass_obj
def simulate(
    app: App, files: tuple[str, ...], start: datetime | None, end: datetime | None, last: timedelta | None, at: datetime | None,
    against: Path | None, staff: int | None, each: timedelta, format_: str, shop: str, zone: str, shape: str, language: str, *, as_json: bool,
) -> int:  # fmt: skip
    """Play the events of FILES (or all stored ones) and tell what buyers would get, when, and what not, and why.

    FILES are JSON Lines, or order exports of AliExpress, Shopify and eBay (.xls, .xlsx, .csv).

    Needs no home: without messenger.toml the default rules and texts speak for whatever shops the events name.
    """
    shape = "json" if as_json else shape
    start, end = _span(start, end, last)
    if against is not None and shape == "html":
        raise click.UsageError("--against is told as text or json")
    told = read_files(app, files, format_=format_, shop=shop, zone=zone) if files else read_store(app)
    findings = findings_of(told)
    if findings is not None:
        told.home = without_mutes(told.home, findings)
    play = _Play(told, at=at, start=start, end=end, staff=staff, each=each, detailed=shape == "html")
    for problem in (*told.problems, *told.notes):
        click.echo(problem, err=True)
    if against is not None:
        differs = _compare(play, told.home, home_at(app, against, told.home.shops), shape=shape, language=language)
        return 1 if differs or told.problems else 0
    played = play.by(told.home, "playing")
    if shape == "json":
        for line in played.lines:
            print_json(line.document())
    elif shape == "html":
        _print_page(played, told.home, language, findings)
    else:
        _show(played, language)
    _show_desk(played.workload, told.home, to_stderr=shape != "text")
    return 1 if told.problems else 0


def _span(
    start: datetime | None, end: datetime | None, last: timedelta | None
) -> tuple[datetime | None, datetime | None]:
    """From when to when the play is told."""
    if last is not None:
        if start or end:
            raise click.UsageError("either --last, or --from and --to")
        end = SystemClock().now()
        start = end - last
    if start and end and end < start:
        raise click.UsageError("--to lies before --from")
    return start, end


class _Play:
    """The same events under the same conditions, played by any home."""

    def __init__(
        self, told: Told, *, at: datetime | None, start: datetime | None, end: datetime | None, staff: int | None, each: timedelta,
        detailed: bool,
    ) -> None:  # fmt: skip
        self._events = told.events
        self._at = at
        self._start = start
        self._end = end
        self._staff = staff
        self._each = each
        self._detailed = detailed

    def by(self, home: Home, label: str) -> Played:
        """Return what comes of it, showing how far it is."""
        with progress_bar(label, len(self._events)) as move:
            simulator = Simulator(
                home, at=self._at, start=self._start, end=self._end, staff=self._staff, each=self._each,
                detailed=self._detailed, progress=move,
            )  # fmt: skip
            return simulator.played(self._events)


# --- one play --------------------------------------------------------------------------------------------------------


def _show(played: Played, language: str) -> None:
    for line in played.lines:
        click.echo(_row(line, language))
    counts = Counter(line.outcome for line in played.lines)
    total = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())) or "no messages"
    click.echo(f"simulated, nothing has left: {total}", err=True)


def _row(line: Line, language: str) -> str:
    locale = f" [{line.locale}]" if line.locale else ""
    told = sentence(line.outcome, line.reason or "", language)
    why = f" ({line.because})" if line.because and line.outcome != State.SENT else ""
    return f"{_when(line)}  {line.shop}/{line.order}  {_rule(line.rule, line.step)}{locale}  {told}{why}"


def _when(line: Line) -> str:
    return f"{line.local:%a %Y-%m-%d %H:%M %z}"


def _rule(name: str, step: int) -> str:
    return f"{name}/{step}" if step > 1 else name


def _show_desk(load: Workload, home: Home, *, to_stderr: bool) -> None:
    """What people had to do by hand, if there was anything for them to do."""
    busiest = load.busiest
    if not load.is_any:
        return
    told = []
    if busiest is not None:
        day, messages = busiest
        people = "" if load.people is None else f", {_hours(load.time_each(messages))} for each of {load.people}"
        told.append(f"busiest day {day} with {messages} messages{people}")
        told.append(f"{sum(load.messages.values())} messages on {len(load.messages)} days")
    if load.people:
        told.append(f"{load.each // timedelta(seconds=1)} s a message")
        told.append(f"longest wait {_hours(load.longest_wait)}")
    if load.expired:
        told.append(f"{load.expired} expired unsent")
    if load.left_out:
        told.append(f"{load.left_out} left out, the desk was full")
    told += desk_hours(home.shops.values())
    click.echo(f"the desk: {'; '.join(told)}", err=to_stderr)


def _hours(span: timedelta) -> str:
    minutes = round(span / timedelta(minutes=1))
    return f"{minutes // 60} h {minutes % 60:02} min"


def _print_page(played: Played, home: Home, language: str, findings: Findings | None) -> None:
    from messenger.cli.simulate_page import simulate_page  # noqa: PLC0415  # only where a page is made

    click.echo(simulate_page(played, home, language=language, findings=findings).encode(), nl=False)


# --- two plays -------------------------------------------------------------------------------------------------------


def _compare(play: _Play, home: Home, other: Home, *, shape: str, language: str) -> bool:
    renamed = {**other.schedule.aliases, **home.schedule.aliases}
    before, after = play.by(other, "playing the other home"), play.by(home, "playing this home")
    found = compare(before.lines, after.lines, renamed=renamed)
    if shape == "json":
        for one in found:
            print_json(one.document())
    else:
        _show_differences(found, language)
    return bool(found)


def _show_differences(found: Sequence[Different], language: str) -> None:
    for (shop, order), differences in groupby(found, key=lambda one: (one.line.shop, one.line.order)):
        click.echo(f"{shop}/{order}")
        for one in differences:
            click.echo(f"  {one.change:9} {_rule(one.rule, one.line.step)}  {_difference(one, language)}")
    counts = Counter(one.change for one in found)
    orders = len({(one.line.shop, one.line.order) for one in found})
    told = [f"{counts[change]} {change}" for change in Change if counts[change]]
    click.echo(f"{', '.join(told)} in {orders} order{'s' * (orders > 1)}" if told else "no difference", err=True)


def _difference(one: Different, language: str) -> str:
    match one.change:
        case Change.ADDED:
            return f"{_when(one.line)}{_fate(one.before, 'otherwise', language)}"
        case Change.REMOVED:
            return f"{_when(one.line)}{_fate(one.after, 'now', language)}"
        case Change.MOVED:
            return f"{_when(one.before)} → {_when(one.line)}" if one.before else ""
        case Change.REWORDED:
            parts = [f"{name} {was or '-'} → {now or '-'}" for name, (was, now) in one.rewording().items()]
            return f"{_when(one.line)}  {'; '.join(parts) or 'another text'}"


def _fate(line: Line | None, when: str, language: str) -> str:
    return "" if line is None else f"  ({when} it {sentence(line.outcome, line.reason or '', language)})"
