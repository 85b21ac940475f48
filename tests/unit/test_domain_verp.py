"""Envelope senders that name their message: only ours are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.addresses import is_email_address
from messenger.domain.verp import address_for, read

SECRET = b"bounce-secret"
KNOWN = "b-42-6f7fb12652@bounce.example.com"


def test_the_known_address() -> None:
    assert address_for(42, domain="bounce.example.com", secret=SECRET) == KNOWN
    assert read(KNOWN, SECRET) == 42


@given(number=st.integers(min_value=1, max_value=2**63 - 1), secret=st.binary(min_size=16, max_size=32))
def test_every_number_comes_back_and_every_address_is_one(number: int, secret: bytes) -> None:
    address = address_for(number, domain="bounce.example.com", secret=secret)

    assert read(address, secret) == number
    assert is_email_address(address)


@pytest.mark.parametrize(
    "address",
    [KNOWN.upper(), f"<{KNOWN}>", f" {KNOWN} ", KNOWN.replace("bounce.example.com", "relay.example.net")],
)  # fmt: skip
def test_what_servers_do_to_an_address_on_its_way_does_no_harm(address: str) -> None:
    assert read(address, SECRET) == 42


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("b-43-6f7fb12652@bounce.example.com", id="another number"),
        pytest.param("b-42-6f7fb12653@bounce.example.com", id="another tag"),
        pytest.param("b-42-6f7fb1265@bounce.example.com", id="a tag too short"),
        pytest.param("b-42-6f7fb126520@bounce.example.com", id="a tag too long"),
        pytest.param("b-042-6f7fb12652@bounce.example.com", id="a number with a zero before it"),
        pytest.param("b-\u0664\u0662-6f7fb12652@bounce.example.com", id="digits of another script"),
        pytest.param("b--42-6f7fb12652@bounce.example.com", id="a number below zero"),
        pytest.param("xb-42-6f7fb12652@bounce.example.com", id="something before it"),
        pytest.param("b-42-6f7fb12652", id="no domain"),
        pytest.param("care@toys.example", id="the shop's own address"),
        pytest.param("b-" + "9" * 5000 + "-6f7fb12652@bounce.example.com", id="endless digits"),
        pytest.param("", id="the null sender"),
    ],
)
def test_an_address_that_is_not_ours_names_nothing(address: str) -> None:
    assert read(address, SECRET) is None


@given(number=st.integers(min_value=1, max_value=10**9))
def test_another_installation_cannot_make_ours(number: int) -> None:
    assert read(address_for(number, domain="bounce.example.com", secret=b"another"), SECRET) is None


@pytest.mark.parametrize("number", [0, -1])
def test_a_message_that_is_no_row_has_no_address(number: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        address_for(number, domain="bounce.example.com", secret=SECRET)
