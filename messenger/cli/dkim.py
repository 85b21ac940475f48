"""``messenger dkim``: keys that mail is signed with, and the records that publish them."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Final

import click

from messenger.bootstrap import load_settings_only
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.config.keys import private_key
from messenger.config.signing import SigningKey, mail_domain, selector
from messenger.config.tables import Wrong
from messenger.errors import UsageError
from messenger.mail.dkim import ED25519, RSA, PrivateKey, new_key, pem_of, record_of

FOLDER: Final = "dkim"
PIECE: Final = 255
"""Octets that one string of a TXT record holds; a longer record is several strings. Source: RFC 7208, 3.3."""


@click.group()
def dkim() -> None:
    """Make keys that mail is signed with, and show the DNS records that publish them."""


@dkim.command()
@click.argument("domain")
@click.option("--selector", "chosen", help="The key's name in the DNS; default: the first of m1, m2, … that is free.")
@click.option(
    "--kind", type=click.Choice([RSA, ED25519]), default=RSA, show_default=True, help="Every receiver knows rsa."
)
@json_option
@click.pass_obj
def new(app: App, domain: str, chosen: str | None, kind: str, *, as_json: bool) -> int:
    """Make a key for mail from DOMAIN, in a file that only its owner can read, and print the record to publish."""
    try:
        name = mail_domain(domain)
        label = selector(chosen) if chosen else _free_selector(app.home, name)
    except Wrong as wrong:
        raise UsageError(f"{wrong.problem} ({wrong.remedy})" if wrong.remedy else wrong.problem) from None
    key = new_key(kind)
    path = _file(app.home, name, label)
    _write(path, pem_of(key))
    document = _document(f"{label}._domainkey.{name}", key) | {"file": str(path)}
    if as_json:
        print_json(document)
        return 0
    click.echo(f"made {path}, mode 600: keep a copy somewhere safe, give it to nobody\n", err=True)
    _print_record(document)
    click.echo(
        f'\nThen write into messenger.toml:\n\n[[signing."{name}"]]\nselector = "{label}"\nkey = "file:{FOLDER}/{path.name}"'
    )
    return 0


@dkim.command()
@json_option
@click.pass_obj
def show(app: App, *, as_json: bool) -> int:
    """Print the record of every key in messenger.toml, as the DNS should have it; exit 1 when there is none."""
    keys = load_settings_only(app.home, app.environ).signing
    documents = [_document(one.host, private_key(one)) | _told(one) for one in keys]
    if as_json:
        print_json(documents)
    for document in documents if not as_json else ():
        _print_record(document)
    if not documents:
        click.echo("no mail is signed: messenger dkim new DOMAIN makes a key", err=True)
    return 0 if documents else 1


def _told(one: SigningKey) -> dict[str, str]:
    return {"domain": one.domain, "selector": one.selector}


def _file(home: Path, domain: str, label: str) -> Path:
    return home / FOLDER / f"{domain}.{label}.pem"


def _free_selector(home: Path, domain: str) -> str:
    return next(label for number in itertools.count(1) if not _file(home, domain, label := f"m{number}").exists())


def _write(path: Path, content: bytes) -> None:
    """Write a new file of mode 600; one that is there is never overwritten, for mail may be signed with it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is there already; choose another --selector") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _document(host: str, key: PrivateKey) -> dict[str, str]:
    return {"name": host, "type": "TXT", "value": record_of(key)}


def _print_record(document: dict[str, str]) -> None:
    value = document["value"]
    pieces = " ".join(f'"{one}"' for one in re.findall(f".{{1,{PIECE}}}", value))
    click.echo(f"name   {document['name']}\ntype   TXT\nvalue  {value}")
    click.echo(f"\nThe same for a zone file:\n\n{document['name']}. IN TXT ( {pieces} )")
