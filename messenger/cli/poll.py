"""``messenger poll``: asks sources for news now, whoever else would do it later."""

from __future__ import annotations

from collections.abc import Sequence

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.errors import UsageError
from messenger.ports import Poller
from messenger.services.finding import hint


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@json_option
@click.pass_obj
def poll(app: App, sources: Sequence[str], *, as_json: bool) -> int:
    """Ask these sources for news now (default: all that are asked from time to time); exit 1 when one cannot be read."""
    with open_app(app.home, app.environ) as engine:
        found = _chosen(engine, sources)
        documents = [_asked(engine, one) for one in found]
        engine.ingest.take_in()
    for one in documents:
        print_json(one) if as_json else click.echo(_line(one))
    return 1 if any(one["problem"] for one in documents) else 0


def _chosen(engine: Engine, wanted: Sequence[str]) -> list[Poller]:
    known = {one.name: one for one in engine.polling.pollers()}
    for name in wanted:
        if name not in known:
            where = hint(name, sorted(known), "sources that are asked") if known else ": no source is asked"
            raise UsageError(f"there is no source {name!r} that could be asked{where}")
    return [known[name] for name in dict.fromkeys(wanted or sorted(known))]


def _asked(engine: Engine, poller: Poller) -> dict[str, object]:
    report = engine.polling.run(poller, is_asked=True)
    state = engine.store.polls().get(poller.name)
    problem = state.problem if state is not None else ""
    if report is None:
        return {
            "source": poller.name,
            "received": 0,
            "new": 0,
            "problem": problem or "another process is just asking it",
            "next_at": None,
        }
    return {
        "source": poller.name, "received": report.received, "new": report.new, "problem": problem,
        "next_at": told(state.next_at) if state is not None else None,
    }  # fmt: skip


def _line(one: dict[str, object]) -> str:
    text = f"{one['source']}: {one['received']} read, {one['new']} new"
    return f"{text}; {one['problem']}" if one["problem"] else text
