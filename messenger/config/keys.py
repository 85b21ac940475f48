"""Opening the keys that mail is signed with: only where mail is about to leave, and where ``check`` looks."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from messenger.config.signing import SigningKey
from messenger.errors import ConfigurationError, Finding

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

SMALLEST: Final = 2048
"""Bits of an RSA key. Source: RFC 8301, 3.2; large providers refuse less."""
LARGEST: Final = 4096


def private_key(one: SigningKey) -> PrivateKey:
    """Return a key, ready to sign. Nothing of the key itself is ever in the message of an error.

    Raises:
        ConfigurationError: others could read its file, or it is no key that receivers accept; with what to do about it.
    """
    _check_file(one)
    try:
        pem = one.secret.reveal()
    except ConfigurationError as error:
        found = error.findings[0]
        raise _mistake(one, found.problem, found.remedy) from None
    try:
        key = load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise _mistake(
            one, "the key is protected by a password", "keep it without one, in a file of mode 600"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _mistake(one, "holds no private key in PEM form", _make_one(one)) from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise _mistake(one, "is neither an RSA nor an Ed25519 key", _make_one(one))
    if not SMALLEST <= key.key_size <= LARGEST:
        raise _mistake(
            one, f"an RSA key of {key.key_size} bits: receivers want {SMALLEST} to {LARGEST}", _make_one(one)
        )
    return key


def key_findings(keys: Iterable[SigningKey]) -> list[Finding]:
    """Return what is wrong with each key."""
    found: list[Finding] = []
    for one in keys:
        try:
            private_key(one)
        except ConfigurationError as error:
            found += error.findings
    return found


def _check_file(one: SigningKey) -> None:
    """Refuse a file that anybody but its owner can read."""
    kind, _, name = one.secret.source.partition(":")
    if kind != "file":
        return
    path = (one.secret.home / name).expanduser()
    try:
        found = path.stat()
    except OSError as problem:
        why = "there is no such file" if isinstance(problem, FileNotFoundError) else problem.strerror
        raise _mistake(one, f"{path}: {why}", _make_one(one)) from None
    if not stat.S_ISREG(found.st_mode):
        raise _mistake(one, f"{path} is not a file", _make_one(one))
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise _mistake(one, f"{path} has mode {mode:o}: others can read the key", f"chmod 600 {path}")


def _make_one(one: SigningKey) -> str:
    return f"messenger dkim new {one.domain} makes one"


def _mistake(one: SigningKey, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError([Finding(one.file, one.line, 0, one.key, problem, remedy)])
