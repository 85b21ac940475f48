"""Keys for DKIM: where they are kept, and that nobody else can read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from messenger.config.keys import key_findings, private_key
from messenger.config.secrets import Secret
from messenger.config.settings import load_settings, read_settings
from messenger.config.signing import SigningKey
from messenger.errors import ConfigurationError

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@mail.toys.example>"\n'
ED = ed25519.Ed25519PrivateKey.generate()
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505  # it is refused
RSA_2048 = rsa.generate_private_key(65537, 2048)


def pem(
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, password: str = ""
) -> bytes:
    locked = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is found when the text begins on line 4."""
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    return [str(one).removeprefix(f"{folder}/messenger.toml:") for one in read_settings(folder, {})[1]]


def signing(folder: Path, text: str) -> tuple[SigningKey, ...]:
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    return load_settings(folder, {}).signing


ONE = '[signing."toys.example"]\nselector = "m1"\nkey = "file:dkim/m1.pem"\n'


def test_one_key(tmp_path: Path) -> None:
    (key,) = signing(tmp_path, ONE)

    assert key == SigningKey(domain="toys.example", selector="m1", secret=Secret("file:dkim/m1.pem", tmp_path))
    assert (key.line, key.key, key.host) == (6, 'signing."toys.example".key', "m1._domainkey.toys.example")


def test_several_keys_of_one_domain_and_keys_of_another(tmp_path: Path) -> None:
    text = (
        '[[signing."toys.example"]]\nselector = "m1"\nkey = "file:m1.pem"\n'
        '[[signing."Toys.Example"]]\nselector = "E1"\nkey = "env:DKIM"\n'
        '[signing."mail.toys.example"]\nselector = "m1"\nkey = "file:m1.pem"\n'
    )

    assert [(one.domain, one.selector, one.line) for one in signing(tmp_path, text)] == [
        ("toys.example", "m1", 6), ("toys.example", "e1", 9), ("mail.toys.example", "m1", 12),
    ]  # fmt: skip


def test_a_domain_beyond_ascii_is_kept_in_its_ascii_form(tmp_path: Path) -> None:
    shop = SHOP.replace("mail.toys.example", "почта.рф")
    (tmp_path / "messenger.toml").write_text(shop + ONE.replace("toys.example", "почта.рф"), encoding="utf-8")
    settings, findings = read_settings(tmp_path, {})

    assert [one.domain for one in settings.signing] == ["xn--80a1acny.xn--p1ai"]
    assert findings == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[signing."toys"]\nselector = "m1"\nkey = "env:K"', "4:10: signing.toys: is not a domain: 'toys' (for example sunny-toys.example)"),
        (
            '[signing."toys.example"]\nkey = "env:K"',
            '4:10: signing."toys.example".selector: is missing (write selector = "m1")',
        ),
        (
            '[signing."toys.example"]\nselector = "m1"',
            '4:10: signing."toys.example".key: is missing (write key = "file:dkim/toys.example.m1.pem")',
        ),
        (
            '[signing."toys.example"]\nselector = "m 1"\nkey = "env:K"',
            ("5:12: signing.\"toys.example\".selector: is not a selector: 'm 1'"
            " (letters, digits and - only, for example m1)"),
        ),
        (
            '[signing."toys.example"]\nselector = "m1"\nkey = "-----BEGIN PRIVATE KEY-----"',
            '6:7: signing."toys.example".key: a secret does not stand in this file (write env:NAME or file:PATH)',
        ),
        (
            ONE.replace("[", "[[").replace("]", "]]") * 2,
            "8:12: signing.\"toys.example\".selector: 'm1' is there twice (each key has a selector of its own)",
        ),
        (
            f"{ONE}algorithm = 1",
            "7:1: signing.\"toys.example\".algorithm: unknown key (known: key, selector)",
        ),
        ('signing = 3', "4:1: shops.toys.signing: unknown key"),
        ('[signing]\n"toys.example" = "m1"', "5:18: signing.\"toys.example\": must be a table, got 'm1'"),
        ('[signing]\n"toys.example" = ["m1"]', "5:19: signing.\"toys.example\": must be a table, got 'm1'"),
        ('[signing."other.example"]\nselector = "m1"\nkey = "env:K"', '4:10: signing."other.example": no shop writes from this domain'),
        ('[signing."oys.example"]\nselector = "m1"\nkey = "env:K"', '4:10: signing."oys.example": no shop writes from this domain'),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert any(one.startswith(expected) for one in mistakes(tmp_path, text)), mistakes(tmp_path, text)


def kept(folder: Path, content: bytes, mode: int = 0o600) -> SigningKey:
    path = folder / "key.pem"
    path.write_bytes(content)
    path.chmod(mode)
    return SigningKey(domain="toys.example", selector="m1", secret=Secret("file:key.pem", folder), file="messenger.toml", line=6,
                      key='signing."toys.example".key')  # fmt: skip


@pytest.mark.parametrize("key", [ED, RSA_2048, rsa.generate_private_key(65537, 3072)], ids=["ed25519", "2048", "3072"])
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_that_only_its_owner_reads_is_opened(
    tmp_path: Path, key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, mode: int
) -> None:
    opened = private_key(kept(tmp_path, pem(key), mode))

    assert pem(opened) == pem(key)


def test_a_key_may_come_from_the_environment() -> None:
    secret = Secret("env:DKIM", environ={"DKIM": pem(ED).decode()})

    assert pem(private_key(SigningKey(domain="toys.example", selector="m1", secret=secret))) == pem(ED)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o777])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    (found,) = key_findings([kept(tmp_path, pem(ED), mode)])

    assert str(found) == (
        f'messenger.toml:6: signing."toys.example".key: {tmp_path}/key.pem has mode {mode:o}: others can read the key'
        f" (chmod 600 {tmp_path}/key.pem)"
    )


PUBLIC = ED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
NEW = "messenger dkim new toys.example makes one"


@pytest.mark.parametrize(
    ("content", "problem", "remedy"),
    [
        pytest.param(pem(SHORT), "an RSA key of 1024 bits: receivers want 2048 to 4096", NEW, id="1024"),
        pytest.param(pem(ec.generate_private_key(ec.SECP256R1())), "is neither an RSA nor an Ed25519 key", NEW, id="EC"),
        pytest.param(pem(ED, password="pw"), "the key is protected by a password", "keep it without one, in a file of mode 600", id="locked"),
        pytest.param(PUBLIC, "holds no private key in PEM form", NEW, id="public"),
        pytest.param(b"nonsense", "holds no private key in PEM form", NEW, id="nonsense"),
        pytest.param(b"", "is not set or empty", "write the secret into it", id="empty"),
    ],
)  # fmt: skip
def test_what_receivers_would_not_accept_is_refused(tmp_path: Path, content: bytes, problem: str, remedy: str) -> None:
    (found,) = key_findings([kept(tmp_path, content)])

    assert (found.problem, found.remedy) == (problem, remedy)


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    one = SigningKey(domain="toys.example", selector="m1", secret=Secret("file:none.pem", tmp_path))
    (found,) = key_findings([one])

    assert (found.problem, found.remedy) == (f"{tmp_path}/none.pem: there is no such file", NEW)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    one = SigningKey(domain="toys.example", selector="m1", secret=Secret("file:.", tmp_path))

    assert [found.problem for found in key_findings([one])] == [f"{tmp_path} is not a file"]


def test_a_variable_that_is_not_set_is_named() -> None:
    one = SigningKey(domain="toys.example", selector="m1", secret=Secret("env:DKIM"))

    assert [(found.problem, found.remedy) for found in key_findings([one])] == [("is not set or empty", "set DKIM")]


def test_no_error_repeats_the_key(tmp_path: Path) -> None:
    whole = pem(RSA_2048)
    with pytest.raises(ConfigurationError) as caught:
        private_key(kept(tmp_path, whole.replace(b"M", b"_", 3)))

    lines = [line for line in whole.decode().split("\n") if line and "-" not in line]
    shown = repr(caught.value) + str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert [line for line in lines if line in shown] == []
