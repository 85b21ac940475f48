"""Reading ``[signing."<domain>"]``: with which keys mail from a domain is signed (DKIM).

Only where the keys are is read here; ``config.keys`` opens them, where mail is about to leave.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import idna

from messenger.config.reader import dotted
from messenger.config.secrets import Secret, secret
from messenger.config.tables import Table, Wrong, a_table, a_text, shown
from messenger.domain.addresses import is_email_address
from messenger.domain.shops import Shop

_SELECTOR = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key of one domain, by where it is kept.

    Args:
        domain: whose mail it signs, in its ASCII form and small letters.
        selector: under which name its public half stands in the domain name system.
        secret: the private key, PEM.
        file: where this is written, as a person would type it.
        line: the line in that file.
        key: the dotted key there.
    """

    domain: str
    selector: str
    secret: Secret
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    key: str = field(default="", compare=False)

    @property
    def host(self) -> str:
        """The name of the TXT record that publishes the key. Source: RFC 6376, 3.6.2.1."""
        return f"{self.selector}._domainkey.{self.domain}"


def read_signing(
    root: Table, *, home: Path, environ: Mapping[str, str], shops: Iterable[Shop]
) -> tuple[SigningKey, ...]:
    """Return every key as far as it can be read, in the order of the file; mistakes are noted.

    Args:
        root: the whole file.
        home: where ``file:`` starts from.
        environ: what ``env:`` names.
        shops: whose mail it is about.
    """
    outer = root.table("signing")
    senders = [_domain_of(shop) for shop in shops]
    found: list[SigningKey] = []
    for name in outer.values:
        try:
            domain = mail_domain(name)
        except Wrong as wrong:
            outer.wrong(name, wrong.problem, wrong.remedy, at_key=True)
            domain = ""
        else:
            if not any(_is_within(sender, domain) for sender in senders):
                outer.slip(name, "no shop writes from this domain", at_key=True)
        for table in _tables(outer, name):
            found += _read_key(table, domain, found, home=home, environ=environ)
    return tuple(found)


def mail_domain(value: object) -> str:
    """Return a domain that can receive mail, in its ASCII form and small letters."""
    text = a_text(value)
    try:
        domain = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        domain = ""
    if not is_email_address(f"postmaster@{domain}"):
        raise Wrong(f"is not a domain: {shown(text)}", "for example sunny-toys.example")
    return domain


def _domain_of(shop: Shop) -> str:
    try:
        return mail_domain(shop.sender.rpartition("@")[2].rstrip("> "))
    except Wrong:  # told where the sender stands
        return ""


def _is_within(domain: str, other: str) -> bool:
    return domain == other or domain.endswith(f".{other}")


def _tables(outer: Table, name: str) -> Iterator[Table]:
    """The one table of a domain, or each of several ([[signing."…"]])."""
    value = outer.take(name, lambda given: given, None)
    if not isinstance(value, list):
        yield outer.table(name)
        return
    for index, given in enumerate(value):
        try:
            yield Table(outer.document, (*outer.path, name, index), a_table(given))
        except Wrong as wrong:
            outer.wrong(name, wrong.problem, wrong.remedy, inside=(index,))


def _read_key(
    table: Table, domain: str, others: Collection[SigningKey], *, home: Path, environ: Mapping[str, str]
) -> list[SigningKey]:
    chosen = table.need("selector", selector, "", remedy='write selector = "m1"')
    if chosen in {one.selector for one in others if one.domain == domain}:
        table.wrong("selector", f"{shown(chosen)} is there twice", "each key has a selector of its own")
    kept = table.need(
        "key", secret(home, environ), None, remedy=f'write key = "file:dkim/{domain or "example.com"}.m1.pem"'
    )
    table.close()
    if not (domain and chosen and kept):
        return []
    place = (*table.path, "key")
    document = table.document
    return [
        SigningKey(
            domain=domain,
            selector=chosen,
            secret=kept,
            file=document.file,
            line=document.line(place),
            key=dotted(place),
        )
    ]


def selector(value: object) -> str:
    """Return the name of a key in the domain name system. Source: RFC 6376, 3.1."""
    text = a_text(value)
    if not _SELECTOR.fullmatch(text) or len(text) > 100:
        raise Wrong(f"is not a selector: {shown(text)}", "letters, digits and - only, for example m1")
    return text.lower()
