"""What a platform lets a seller write: judged on the finished words, in disguise or not, before a message leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from messenger.config.places import country_zones
from messenger.domain.messages import Category, Key, PlannedMessage, Reason, State
from messenger.domain.orders import Item
from messenger.domain.rules import Schedule
from messenger.domain.shops import Shop
from messenger.homes import default_home
from messenger.rendering.catalogue import load
from messenger.rendering.context import Links
from messenger.rendering.policy import Facts, accusations, judge, permitted, rulebook
from messenger.rendering.policy.book import COLUMNS, read_rulebook
from messenger.rendering.policy.normal import normal, undisguised
from messenger.rendering.policy.phrases import needles_of, phrases_of
from messenger.rendering.render import RenderedMessage
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.services.enveloping import Secrets
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable

NOW = datetime(2026, 3, 22, 10, 30, tzinfo=UTC)
NUMBER = "8134567890123456"
FACTS = Facts(channel="platform", now=NOW, order_number=NUMBER, numbers=(NUMBER,))


def message(words: str, locale: str = "en", html: str = "") -> RenderedMessage:
    text = f"Hello María,\n\n{words}\nOrder {NUMBER}. Please reply.\n\nKind regards,\nSunny Toys\n"
    return RenderedMessage(
        subject="Your order", preheader="", text=text, html=html, platform_text=text, locale=locale, variant="", version="",
        direction="ltr",
    )  # fmt: skip


def broken(
    words: str, *, platform: str = "aliexpress", locale: str = "en", template: str = "note", facts: Facts = FACTS
) -> set[str]:
    found = judge(message(words, locale), platform=platform, template=template, facts=facts)
    return {one.rule.id for one in found}


def test_there_are_27_rules_each_with_source_date_and_severity() -> None:
    rules = rulebook().rules

    assert list(rules) == [f"L{number:02}" for number in range(1, 28)]
    assert all(rule.source and rule.severity for rule in rules.values())
    assert rulebook().version


@pytest.mark.parametrize(("platform", "column"), [("amazon", "amazon"), ("none", "own"), ("shopify", "own"), ("woocommerce", "own"),
                                                  ("something-new", "own")])  # fmt: skip
def test_every_shop_of_ones_own_has_the_same_column(platform: str, column: str) -> None:
    assert rulebook().column(platform) == column
    assert column in COLUMNS


@pytest.mark.parametrize(
    "change",
    [
        pytest.param('severity = { amazon = "fatal" }', id="severity"),
        pytest.param('severity = { etsy = "error" }', id="platform"),
        pytest.param('severity = { amazon = "error" }\ncolour = "red"', id="unknown key"),
    ],
)
def test_a_rule_that_says_what_cannot_be_is_refused(change: str) -> None:
    head = 'version = "1"\n[platforms]\n[limits]\nsubject = 1\n[limits.text]\n[age]\n[hosts]\n[intents]\n[rules.L01]\n'
    rule = f'name = "x"\nfound = "x"\nright = "x"\nsource = "x"\nchecked_on = 2026-01-01\n{change}\n'

    with pytest.raises(ValueError, match="L01"):
        read_rulebook(head + rule, {})


@pytest.mark.parametrize(
    "words",
    [
        "Write to us: care@sunny-toys.example", "Write to care (at) sunny-toys (dot) com", "care at sunnytoys dot com is our address",
        "ｃａｒｅ＠ｓｕｎｎｙ．ｃｏｍ", "Add us on WhatsApp", "Add us on W h a t s A p p", "Add us on wh4ts4pp", "Add us on What\u200bsApp",
        "Add us on WhаtsApp", "加我们的微信 sunny_toys", "пишите в телеграм", "Call +86 138 1234 5678", "phone: 555 12 34 56 78",
        "８９１６１２３４５６７", "8 9 1 6 1 2 3 4 5 6 7", "eight nine one six one two three four five six seven", "(555) 123-45-67",
        "find @sunny_toys there", "our phone is in the parcel",
    ],
)  # fmt: skip
def test_contact_data_is_found_in_any_disguise(words: str) -> None:
    assert "L03" in broken(words)


@pytest.mark.parametrize(
    "words",
    [
        "Your parcel LP00123456789CN has been at customs for 12 days, since 2 March 2026.", "It costs US$1,234.50 in all.",
        "We look at this point by point. Com parcels are small.", "Sizes 36 37 38 39 40 41 are in stock.", "It left on 12.03.2026 at 14:30.",
        "The place is Kraków 1. It is still at customs. We are sorry.", "The number of the parcel is 1Z999AA10123456784.",
        "iPhone 11 12 13 14 15 cases", "That is 3 of 4 parcels.",
    ],
)  # fmt: skip
def test_numbers_dates_and_places_are_no_contact_data(words: str) -> None:
    facts = replace(FACTS, numbers=(NUMBER, "LP00123456789CN", "1Z999AA10123456784"))

    assert broken(words, facts=facts) == set()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("See https://sunny-toys.example/sale", "L01"), ("See www.sunny-toys.com now", "L01"), ("See sunny-toys dot com", "L01"),
        ("See https://aliexpress.com.evil.example/", "L01"),
        ("See https://t.17track.net/en#nums=1", "L02"),
    ],
)  # fmt: skip
def test_a_link_is_judged_by_its_host(words: str, expected: str) -> None:
    assert broken(words) == {expected}


def test_a_name_before_the_host_deceives_nobody() -> None:
    assert "L01" in broken("See https://aliexpress.com@evil.example/")


def test_a_link_to_the_platform_itself_is_fine() -> None:
    assert broken("See https://www.aliexpress.com/p/order/1") == set()
    assert broken(
        "See https://t.17track.net/en#nums=1", template="shipped", facts=replace(FACTS, tracking=("LP1",))
    ) == {"L22"}


def test_links_that_a_platform_forbids_are_empty_before_a_text_is_written() -> None:
    links = Links(
        tracking="https://t.17track.net/en#nums=1",
        order="https://shop.example/1",
        survey="https://x.example",
        unsubscribe="mailto:a@b.c",
    )

    assert permitted(links, "none") == links
    assert permitted(links, "ebay") == Links(tracking=links.tracking, unsubscribe=links.unsubscribe)


@pytest.mark.parametrize(
    ("words", "locale", "expected"),
    [
        ("Leave 5 stars and get a gift!", "en", {"L05", "L06", "L21"}), ("Поставьте 5 звёзд и получите подарок", "ru", {"L05", "L06", "L21"}),
        ("Deje una reseña y reciba un cupón", "es", {"L05", "L10", "L21"}), ("留下评价即可获得红包", "zh", {"L05", "L10"}),
        ("Please change your review, we will refund you.", "en", {"L05", "L08", "L21"}),
    ],
)  # fmt: skip
def test_a_reward_for_a_review_is_found_in_four_languages(words: str, locale: str, expected: set[str]) -> None:
    assert broken(words, locale=locale) == expected


def test_asking_for_another_review_is_worse_with_a_reward() -> None:
    alone = judge(message("Please change your review."), platform="ebay", template="note", facts=FACTS)
    paid = judge(
        message("Please change your review and take a gift card."), platform="ebay", template="note", facts=FACTS
    )

    assert [(one.rule.id, one.severity) for one in alone] == [("L08", "warning")]
    assert ("L08", "error") in [(one.rule.id, one.severity) for one in paid]


@pytest.mark.parametrize(
    ("words", "facts", "platform", "expected"),
    [
        pytest.param("Please confirm receipt.", FACTS, "aliexpress", {"L19"}, id="receipt before delivery"),
        pytest.param("Please confirm receipt.", replace(FACTS, is_delivered=True), "aliexpress", set(), id="receipt after delivery"),
        pytest.param("x " * 600, FACTS, "aliexpress", {"L16"}, id="long for AliExpress"),
        pytest.param("x " * 600, replace(FACTS, channel="email"), "aliexpress", set(), id="an e-mail may be long"),
        pytest.param("x " * 600, FACTS, "ebay", set(), id="not long for eBay"),
        pytest.param("We refund it.", FACTS, "none", {"L21"}, id="an undeclared promise"),
        pytest.param("We refund it.", replace(FACTS, promises=frozenset({"refund"})), "none", set(), id="a declared promise"),
        pytest.param("We will not refund it.", FACTS, "none", set(), id="no promise"),
        pytest.param("Hi.", replace(FACTS, buyer_language="pl"), "amazon", {"L14"}, id="another language"),
        pytest.param("Hi.", replace(FACTS, buyer_language="en-GB"), "amazon", set(), id="the same language"),
        pytest.param("Hi.", replace(FACTS, order_number="999"), "amazon", {"L13"}, id="no order number"),
        pytest.param("Leave a review.", replace(FACTS, asked_before=True), "amazon", {"L09"}, id="asked again"),
        pytest.param("Hi.", replace(FACTS, moments={"completed_at": NOW - timedelta(days=31)}), "amazon", {"L15"}, id="too late"),
        pytest.param("Hi.", replace(FACTS, moments={"completed_at": NOW - timedelta(days=29)}), "amazon", set(), id="in time"),
        pytest.param("Leave a review.", replace(FACTS, moments={"received_at": NOW - timedelta(days=40)}), "aliexpress", {"L15"}, id="late review"),
        pytest.param("Hi.", replace(FACTS, moments={"received_at": NOW - timedelta(days=40)}), "aliexpress", set(), id="late word"),
        pytest.param("Hi.", replace(FACTS, category=Category.PROMOTIONAL), "none", {"L25"}, id="no way out"),
        pytest.param("Hi. mailto:u", replace(FACTS, category=Category.PROMOTIONAL, unsubscribe="mailto:u"), "none", set(), id="a way out"),
        pytest.param("A <b>gift</b>", FACTS, "aliexpress", {"L17"}, id="markup"),
        pytest.param("Card 4111 1111 1111 1111", FACTS, "ebay", {"L26"}, id="a card"),
        pytest.param("Dear ,", FACTS, "none", {"L23"}, id="nobody"),
        pytest.param("Hello None,", FACTS, "none", {"L23"}, id="none"),
        pytest.param("Hello {{ name }},", FACTS, "none", {"L23"}, id="braces"),
        pytest.param("Смотрите зaказ", FACTS, "none", {"L27"}, id="a Latin a in a Cyrillic word"),
        pytest.param("WE HAVE SENT YOUR PARCEL TODAY", FACTS, "none", {"L24"}, id="capitals"),
        pytest.param("Sent!!!!", FACTS, "none", {"L24"}, id="exclamation marks"),
        pytest.param("Sent 🎁", FACTS, "none", {"L18"}, id="emoji"),
    ],
)  # fmt: skip
def test_what_is_known_about_the_message_decides(words: str, facts: Facts, platform: str, expected: set[str]) -> None:
    assert broken(words, facts=facts, platform=platform) == expected


def test_profanity_is_an_error_on_ebay_and_capitals_are_not() -> None:
    rude = judge(message("You idiot."), platform="ebay", template="note", facts=FACTS)
    loud = judge(message("WE HAVE SENT YOUR PARCEL TODAY"), platform="ebay", template="note", facts=FACTS)

    assert [one.severity for one in (*rude, *loud)] == ["error", "warning"]


@pytest.mark.parametrize(("template", "platform", "expected"), [
    ("shipped", "amazon", {"L11"}), ("shipped", "aliexpress", {"L22"}), ("review-thanks", "amazon", {"L12"}), ("review-thanks", "none", set()),
])  # fmt: skip
def test_what_a_template_is_for_can_be_forbidden(template: str, platform: str, expected: set[str]) -> None:
    assert broken("Sent.", template=template, platform=platform) == expected


def test_titles_are_no_advertising_but_may_not_hold_contact_data() -> None:
    title = "NEW ARRIVAL HOT SALE DISCOUNT Gift Box 🎁"
    contact = "Puzzle, write to boss@evil.com"
    facts = replace(FACTS, told=(title, contact))

    assert broken(f"- {title}", facts=facts, platform="amazon") == set()
    found = judge(message(f"- {contact}"), platform="ebay", template="note", facts=facts)
    assert [(one.rule.id, one.is_own) for one in found] == [("L03", False)]
    assert "evil" not in str(found[0])


def test_a_title_in_any_language_is_read() -> None:
    title = "Пазл, оплатите вне площадки"

    assert broken(f"- {title}", facts=replace(FACTS, told=(title,)), platform="ebay") == {"L04"}


def test_an_allowance_silences_a_rule() -> None:
    assert broken("A new collection", platform="ebay") == {"L10"}
    assert broken("A new collection", platform="ebay", facts=replace(FACTS, allowed=frozenset({"L10"}))) == set()


def test_several_platforms_are_judged_at_once() -> None:
    found = accusations(message("Buy with a coupon"), platforms=("amazon", "none"), template="note", facts=FACTS)

    assert {(one.platform, one.rule.id, one.severity) for one in found if one.rule.id == "L10"} == {
        ("amazon", "L10", "error"), ("none", "L10", "warning"),
    }  # fmt: skip


@pytest.mark.parametrize(("text", "plain"), [
    ("W\u200bhats\u00adApp", "whatsapp"), ("ＷｈａｔｓＡｐｐ", "whatsapp"),
])  # fmt: skip
def test_text_is_normalised(text: str, plain: str) -> None:
    assert normal(text) == plain


@pytest.mark.parametrize(("text", "plain"), [
    ("w h a t s a p p", "whatsapp"), ("wh4t5app", "whatsapp"), ("whаtsapp", "whatsapp"), ("lp00123456789cn", "lp00123456789cn"),
    ("nothing here", "nothing here"), ("телегрaм", "телеграм"),
])  # fmt: skip
def test_disguises_are_undone(text: str, plain: str) -> None:
    assert undisguised(text) == plain


@pytest.mark.parametrize(
    ("phrase", "needles"),
    [("(open|start) (a |any )?dispute*", ("dispute",)), ("% off", ("off",)), ("скидк*", ("скидк",)),
     ("\\d+ (st|road)", ("st", "road")), ("\\d{3,}", ("",))],
)  # fmt: skip
def test_a_phrase_is_tried_only_where_it_can_be(phrase: str, needles: tuple[str, ...]) -> None:
    assert needles_of(phrase) == needles


def test_phrases_are_what_staff_would_write() -> None:
    found = phrases_of(["@ask ... review*", "(5|five) stars"], {"ask": ["leave", "give"]}, spaced=True)

    assert found.search("please leave us a short review") is not None
    assert found.search("leave. a review") is None
    assert found.search("believe reviewers") is None
    assert found.search("15 stars") is None


def _shop(platform: str) -> Shop:
    return Shop(
        id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", platform=platform, channels={"email": "main", "platform": "desk"}
    )  # fmt: skip


@pytest.fixture(scope="module")
def home() -> Home:
    with default_home() as folder:
        catalogue = load(folder / "templates", known_good=True)
    return Home(shops={}, schedule=Schedule(rules=()), catalogue=catalogue, zones=country_zones())


def _row(template: str) -> PlannedMessage:
    return PlannedMessage(
        key=Key("toys", "rule", NUMBER, 1), order=NUMBER, template=template, category=Category.TRANSACTIONAL, trigger="test",
        trigger_at=SAMPLE_NOW, shipment=None, wanted_at=SAMPLE_NOW, due_at=SAMPLE_NOW, expires_at=SAMPLE_NOW, stale_at=SAMPLE_NOW,
    )  # fmt: skip


@pytest.mark.parametrize("platform", ["aliexpress", "ebay"])
@pytest.mark.parametrize(
    ("title", "rule"),
    [
        ("Puzzle, write to boss@evil.com", "L03"), ("Puzzle - W.h.a.t.s.A.p.p us", "L03"), ("Leave 5 stars and get a gift", "L05"),
        ("好评返现 联系微信", "L03"), ("Visit https://evil.example/ for more", "L01"),
    ],
)  # fmt: skip
def test_a_message_whose_final_text_breaks_a_rule_is_left_out(home: Home, platform: str, title: str, rule: str) -> None:
    order = replace(SAMPLES["typical"], items=(Item(title=title),))
    row = _row("shipped")

    written = Postman(home, Secrets.pretended(b"x")).compose(
        row, order=order, shop=_shop(platform), channel="email", recipient="m@example.com", now=SAMPLE_NOW
    )

    assert isinstance(written, Unwritable)
    left_out = written.applied_to(row, SAMPLE_NOW)
    assert (left_out.state, left_out.reason) == (State.SKIPPED, Reason.POLICY)
    assert left_out.because is not None
    assert left_out.because.startswith(rule)
    assert "evil" not in left_out.because


def test_the_same_message_leaves_from_a_shop_of_ones_own(home: Home) -> None:
    order = replace(SAMPLES["typical"], items=(Item(title="Puzzle, write to boss@evil.com"),))

    written = Postman(home, Secrets.pretended(b"x")).compose(
        _row("shipped"), order=order, shop=_shop("none"), channel="email", recipient="m@example.com", now=SAMPLE_NOW
    )

    assert not isinstance(written, Unwritable)
