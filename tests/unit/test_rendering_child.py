"""Unsaved texts are rendered in a process that knows nothing, may use little, and does not outlive its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from messenger.domain.messages import Category
from messenger.domain.shops import Shop
from messenger.errors import RenderError, TemplateError
from messenger.rendering.child import Circumstances, Draft, Overrun, Reader
from messenger.rendering.context import Words, words_for
from messenger.rendering.killable import Killable, Limits
from messenger.rendering.render import RenderedMessage
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.scenes import scene

ROOT = Path(__file__).parents[2]
SHOP = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")
PROBE = "tests.killable_probe:act"
CANARY = "canary-7f3a"
MET = Circumstances(
    platform="aliexpress", channel="platform", category=Category.TRANSACTIONAL, now=SAMPLE_NOW, language="es", country="ES",
    zone="Europe/Madrid",
)  # fmt: skip
SLOW_MACHINE = Limits(seconds=5.0)
BOMB = "{% for a in order.items %}{% if a.title == 'x' %}{% endif %}{% endfor %}" * 190


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader(SLOW_MACHINE)
    yield made
    made.stop()


@pytest.fixture
def probe() -> Iterator[Killable]:
    made = Killable(PROBE, Limits(seconds=1.0, memory=256 * 1024 * 1024))
    yield made
    made.stop()


def words(sample: str = "typical") -> Words:
    met = scene("shop-closed", sample=sample)
    return words_for(
        met.order,
        shipment_id=None,
        shop=SHOP,
        now=met.now,
        greetings={"greeting_named": "Hola, {name}:"},
        occasion=met.occasion,
    )


def draft(body: str = "{{ greeting }}", *, subject: str = "Pedido {{ order.number }}") -> Draft:
    text = f'+++\nsubject = "{subject}"\n+++\n{body}\n'
    return Draft(text=text, file="draft.md", name="draft", locale="es", layout="<html><body>{{ body }}</body></html>")


def rendered(reader: Reader, one: Draft, said: Words | None = None) -> RenderedMessage:
    return reader.read(one, said or words(), phrases={}, met=MET).message


def test_a_draft_becomes_a_message(reader: Reader) -> None:
    made = rendered(reader, draft('Abrimos el {{ closure.reopens | date("day") }}: {{ order.total | money("USD") }}'))

    assert (made.subject, made.text) == ("Pedido 8134567890123456", "Abrimos el 30 de marzo: 38,70\xa0US$\n")


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_the_process_is_told_every_word_as_it_is(sample: str) -> None:
    from messenger.rendering.child import _plain, _shaped  # noqa: PLC0415

    order = SAMPLES[sample]
    said = words_for(order, shipment_id=None, shop=SHOP, now=SAMPLE_NOW, greetings={}, along=[(order, None)])

    assert _shaped(_plain(said), Words) == said


def test_what_the_platform_forbids_is_told_with_the_message(reader: Reader) -> None:
    judged = reader.read(
        draft("Pedido {{ order.number }}: escríbanos a care@example.com"), words(), phrases={}, met=MET
    )

    assert judged.message.subject == "Pedido 8134567890123456"
    assert any(one.severity == "error" and one.key.startswith("L") for one in judged.findings)


def test_mistakes_come_back_with_their_places(reader: Reader) -> None:
    with pytest.raises(TemplateError) as refused:
        rendered(reader, draft("Hola\n\n{{ order.nmber }}"))

    assert [str(one) for one in refused.value.findings] == [
        "draft.md:6:4: order.nmber: there is no such placeholder (did you mean 'order.number'?)"
    ]


def test_what_the_order_lacks_is_named(reader: Reader) -> None:
    with pytest.raises(RenderError, match=r"not known: dispute\.id"):
        rendered(reader, draft("{{ dispute.id }}"))


def test_a_text_without_end_is_stopped_and_the_next_one_is_rendered() -> None:
    one = Reader(Limits(seconds=0.5))
    try:
        said = words()
        many = replace(said, order=replace(said.order, items=said.order.items * 50_000))
        rendered(one, draft())
        started = time.monotonic()
        with pytest.raises(Overrun, match=r"draft\.md: it took longer than 500 ms and was stopped"):
            rendered(one, draft(BOMB), many)
        stopped_after = time.monotonic() - started

        assert rendered(one, draft()).text == "Hola, María López:\n"
        assert stopped_after < 3
    finally:
        one.stop()


def test_more_memory_than_allowed_is_told(probe: Killable) -> None:
    with pytest.raises(Overrun, match="it needed more than 256 MiB and was stopped"):
        probe.ask({"do": "grow"})

    assert probe.ask({"do": "echo", "value": [1, "é"]}) == [1, "é"]


@pytest.mark.parametrize(
    ("act", "told"),
    [("hang", "took longer than 1000 ms"), ("die", "ended without an answer"), ("flood", "longer than")],
)
def test_a_process_that_misbehaves_is_replaced(probe: Killable, act: str, told: str) -> None:
    with pytest.raises(Overrun, match=told):
        probe.ask({"do": act})

    assert probe.ask({"do": "echo", "value": "again"}) == "again"


def test_a_request_that_is_too_large_is_not_sent(probe: Killable) -> None:
    with pytest.raises(Overrun, match="at most 8388608"):
        probe.ask({"do": "echo", "value": "x" * 9_000_000})


def test_the_process_knows_no_secrets_and_holds_no_files(
    probe: Killable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MESSENGER_SMTP_PASSWORD", CANARY)
    secret = tmp_path / "messenger.toml"
    secret.write_text(f'password = "{CANARY}"', encoding="utf-8")

    with secret.open(encoding="utf-8") as held:
        held.read()
        told = probe.ask({"do": "tell"})

    assert told["environ"].keys() <= {"LC_CTYPE"}
    assert told["cwd"] == "/"
    assert CANARY not in str(told)
    assert not [one for one in told["opened"] if one.startswith(str(tmp_path))]


@pytest.mark.parametrize(
    "body",
    [
        "{{ environ }}",
        "{{ config.password }}",
        "{{ order.__class__ }}",
        "{{ cycler.__init__.__globals__ }}",
        '{% include "x" %}',
    ],
)
def test_no_text_reaches_beyond_its_words(reader: Reader, body: str) -> None:
    with pytest.raises(TemplateError):
        rendered(reader, draft(body))


def test_a_text_that_is_too_long_is_refused_here(reader: Reader) -> None:
    with pytest.raises(TemplateError, match="the text has"):
        rendered(reader, draft("x" * 70_000))
