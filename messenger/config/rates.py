"""Reading how much a mail server may be given: ``rate`` in all, ``domain_rates`` to single domains."""

from __future__ import annotations

from collections.abc import Mapping

from messenger.config.signing import mail_domain
from messenger.config.tables import Table, Wrong, any_text, shown
from messenger.domain.pacing import Rate, parsed_rate


def rate(value: object) -> Rate:
    """Return a rate such as ``300/m``."""
    text = any_text(value)
    try:
        return parsed_rate(text)
    except ValueError:
        raise Wrong(f"cannot read {shown(text)}", "write 5/s, 300/m, 2000/h or 10000/d") from None


def read_domain_rates(table: Table) -> Mapping[str, Rate]:
    """Return the rates of single domains."""
    inner = table.table("domain_rates")
    found: dict[str, Rate] = {}
    for name in inner.values:
        told = inner.take(name, rate, None)
        try:
            domain = mail_domain(name)
        except Wrong as wrong:
            inner.wrong(name, wrong.problem, wrong.remedy, at_key=True)
        else:
            if told is not None:
                found[domain.casefold()] = told
    return found
