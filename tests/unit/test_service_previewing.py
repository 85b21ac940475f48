"""What a preview shows: the very text of production, how it was chosen, and nobody's personal data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from messenger.domain.events import LastMile
from messenger.domain.orders import Buyer, Deadline, Dispute, Item, Order, OrderStatus, Review, Shipment
from messenger.domain.rules import Merge, OnDeadline, OnEvent, Rule, Same
from messenger.domain.shops import Shop
from messenger.errors import TemplateError, UsageError
from messenger.homes import simulated_home
from messenger.ports import Store
from messenger.rendering.child import Draft, Reader
from messenger.rendering.killable import Limits
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.scenes import ORDINARY, companions, occasion_of, sample_for, scene
from messenger.rendering.veiling import initials, veiled, veiled_address
from messenger.services.home import Home
from messenger.services.previewing import Preview, real_scene, stale_units, text_of_version
from messenger.services.publishing import edition_of
from messenger.storage import migrate, open_store

ROOT = Path(__file__).parents[2]
SHOP = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", channels={"email": "main"})
NOW = datetime(2026, 3, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def home() -> Home:
    return simulated_home(None, {SHOP.id: SHOP})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'messenger.db'}"
    migrate(url)
    opened = open_store(url)
    yield opened
    opened.close()


def texts() -> list[str]:
    return sorted(
        {
            path.stem
            for path in (ROOT / "templates" / "en").glob("*.md")
            if path.stem != "STYLE" and "@" not in path.stem
        }
    )


@pytest.mark.parametrize("name", texts())
def test_every_text_can_be_shown_as_it_is(home: Home, name: str) -> None:
    shown = Preview(home).template(
        name, locale="en", scene=scene(name, home.schedule.rules), shop=SHOP, channel="email"
    )

    assert shown.file == f"templates/en/{name}.md"
    assert not shown.choice.is_fallback
    assert not [one for one in shown.findings if one.severity == "error"]


def test_it_tells_what_was_chosen_and_what_was_passed_over(home: Home) -> None:
    setting = scene("shipped")
    mail = Preview(home).template("shipped", locale="es", scene=setting, shop=SHOP, channel="email")
    chat = Preview(home).template("shipped", locale="es", scene=setting, shop=SHOP, channel="platform")

    assert (mail.file, mail.passed_over) == ("templates/es/shipped.md", ("templates/es/shipped@channel=platform.md",))
    assert (chat.file, chat.passed_over) == ("templates/es/shipped@channel=platform.md", ("templates/es/shipped.md",))
    assert mail.choice.because == "asked for"


def test_it_tells_the_chain_of_languages(home: Home) -> None:
    shown = Preview(home).template("shipped", locale="pt-PT", scene=scene("shipped"), shop=SHOP, channel="email")

    assert (shown.letter.locale, shown.choice.tried) == ("pt-BR", ("pt-PT", "pt"))
    assert shown.choice.is_fallback


def test_a_text_that_needs_more_than_the_order_tells_is_refused(home: Home) -> None:
    with pytest.raises(UsageError, match=r"not known: shipment\.number"):
        Preview(home).template(
            "shipped", locale="en", scene=scene("shipped", sample="minimal"), shop=SHOP, channel="email"
        )


@pytest.mark.parametrize("at", [SAMPLE_NOW, SAMPLE_NOW + timedelta(days=3)])
def test_a_text_is_shown_as_of_any_time(home: Home, at: datetime) -> None:
    setting = scene("care", home.schedule.rules, at=at)

    shown = Preview(home).template("care", locale="en", scene=setting, shop=SHOP, channel="email")

    assert f"{(at - datetime(2026, 3, 4, 11, tzinfo=UTC)).days} days" in shown.letter.text


# --- scenes -------------------------------------------------------------------------------------------------------


def test_a_text_of_ones_own_is_shown_where_its_rule_writes() -> None:
    lost = Rule(name="r", template="own", trigger=OnEvent(types=("shipment.exception",)))
    due = Rule(name="r", template="own", trigger=OnDeadline(deadline=Deadline.SHIP_BY, before=True))

    assert (sample_for("own", [lost]), sample_for("own", [due])) == ("lost", "not-sent")
    assert sample_for("own") == ORDINARY


def test_the_deadline_is_the_orders_own() -> None:
    due = Rule(name="r", template="own", trigger=OnDeadline(deadline=Deadline.ANSWER_BY, before=True))

    told = occasion_of(SAMPLES["dispute"], [due], NOW).deadline

    assert told is not None
    assert (told.name, told.at) == ("answer_by", datetime(2026, 3, 25, 18, tzinfo=UTC))


@pytest.mark.parametrize(("same", "numbers"), [(Same.BUYER, 2), (Same.ORDER, 1)])
def test_a_rule_that_merges_is_shown_with_what_it_takes_along(same: Same, numbers: int) -> None:
    rule = Rule(
        name="r", template="own", trigger=OnEvent(types=("x",)), merge=Merge(within=timedelta(hours=1), same=same)
    )
    order = SAMPLES["two-parcels"]

    along = companions(order, [rule])

    assert len({order.number, *(one.number for one, _ in along)}) == numbers
    assert len(along) == (1 if same is Same.BUYER else 2)


# --- unsaved texts ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader(Limits(seconds=5.0))
    yield made
    made.stop()


def draft(text: str, name: str = "shipped") -> Draft:
    layout = (ROOT / "templates" / "_layout" / "email.html").read_text(encoding="utf-8")
    return Draft(text=text, file="draft.md", name=name, locale="es", layout=layout)


@pytest.mark.parametrize("name", ["shipped", "review-request", "shop-closed"])
def test_an_unsaved_text_makes_the_very_letter_that_the_saved_one_would(home: Home, reader: Reader, name: str) -> None:
    text = (ROOT / "templates" / "es" / f"{name}.md").read_text(encoding="utf-8")
    setting = scene(name, home.schedule.rules)
    saved = Preview(home).template(name, locale="es", scene=setting, shop=SHOP, channel="email")

    shown = Preview(home).draft(draft(text, name), reader, scene=setting, shop=SHOP, channel="email")

    assert shown.letter == saved.letter
    assert shown.version == saved.version


def test_an_unsaved_text_with_mistakes_is_refused_with_their_lines(home: Home, reader: Reader) -> None:
    with pytest.raises(TemplateError, match=r"draft\.md:4:4: .*never closed"):
        Preview(home).draft(
            draft('+++\nsubject = "x"\n+++\n{% if order.url %}\n'),
            reader,
            scene=scene("shipped"),
            shop=SHOP,
            channel="email",
        )


# --- personal data ------------------------------------------------------------------------------------------------

CANARIES = ("Zacarías", "Quintero", "zq.private", "+34 600 123 987", "28013", "Chueca", "b-77120")


def private_order() -> Order:
    name, email, phone, postcode, city, id_ = (
        "Zacarías Quintero",
        "zq.private@example.com",
        CANARIES[3],
        "28013",
        "Chueca",
        "b-77120",
    )
    buyer = Buyer(
        id=id_,
        name=name,
        email=email,
        phone=phone,
        postcode=postcode,
        city=city,
        country="ES",
        language="es",
        tags=("vip",),
    )
    parcel = Shipment(
        id="1", number="LP00123456789CN", place="C/ Mayor 1, 28013", reason="left with ZACARÍAS", tracking_url=f"https://t.example/?m={email}",
        last_mile=LastMile(number="PK1", carrier="Correos"),
    )  # fmt: skip
    return replace(
        SAMPLES["typical"], status=OrderStatus.SHIPPED, buyer=buyer, shipments=(parcel,), review=Review(stars=5, text=f"Thanks, {name}!"),
        url="https://shop.example/?mail=zq.private%40example.com", items=(Item(title="Mug “Zacarías”"),),
        disputes=(Dispute(id="d", opened_at=NOW, reason=f"call {phone}"),),
    )  # fmt: skip


@pytest.mark.parametrize("canary", CANARIES)
def test_nothing_personal_is_left_in_a_veiled_order(canary: str) -> None:
    assert canary.casefold() not in repr(veiled(private_order())).casefold()


def test_numbers_and_what_says_nothing_of_a_person_stay() -> None:
    order = veiled(private_order())

    assert (order.number, order.shipments[0].number) == ("8134567890123456", "LP00123456789CN")
    assert (order.buyer.name, order.buyer.email, order.buyer.country) == ("Z. Q.", "z***@example.com", "ES")


@pytest.mark.parametrize(
    ("name", "told"), [("María López", "M. L."), ("o'brien", "o. b."), ("李小龙", "李."), ("***", "")]
)
def test_initials(name: str, told: str) -> None:
    assert initials(name) == told


@pytest.mark.parametrize(
    ("address", "told"),
    [("maria@example.com", "m***@example.com"), ("ольга@example.com", "x***@example.com"), ("odd", "o***")],
)
def test_a_veiled_address_is_still_one(address: str, told: str) -> None:
    assert veiled_address(address) == told


def test_a_preview_of_a_veiled_order_names_nobody(home: Home, store: Store) -> None:
    setting = real_scene(home, store, veiled(private_order()), "shipped", NOW)

    letter = Preview(home).template("shipped", locale=None, scene=setting, shop=SHOP, channel="email").letter

    assert letter.recipient_name == "Z. Q."
    assert not [one for one in CANARIES if one.casefold() in repr(letter).casefold()]


def test_a_real_order_is_shown_with_what_is_known_of_it_only(home: Home, store: Store) -> None:
    setting = real_scene(home, store, SAMPLES["typical"], "care", NOW)

    assert setting.occasion.lane is None
    assert setting.occasion.closure is None


# --- versions -----------------------------------------------------------------------------------------------------


def test_the_text_of_an_earlier_version_is_found(tmp_path: Path, store: Store, home: Home) -> None:
    folder = tmp_path / "home"
    own = folder / "templates" / "es"
    own.mkdir(parents=True)
    (folder / "templates" / "_layout").mkdir()
    for name in ("_layout/email.html", "es/shipped.md", "es/shipped@channel=platform.md"):
        (folder / "templates" / name).write_bytes((ROOT / "templates" / name).read_bytes())
    version = home.catalogue.templates["shipped"]["es"][""].version
    chat = home.catalogue.templates["shipped"]["es"]["channel=platform"].version
    before = (own / "shipped.md").read_text(encoding="utf-8")
    store.publish(edition_of(folder, at=NOW, by="ana"))
    (own / "shipped.md").write_text(before.replace("Enviamos", "Ya enviamos"), encoding="utf-8")
    store.publish(edition_of(folder, at=NOW + timedelta(days=1), by="ana"))

    assert text_of_version(store, "shipped", "es", "", version) == before
    assert text_of_version(store, "shipped", "es", "channel=platform", chat) == (
        own / "shipped@channel=platform.md"
    ).read_text(encoding="utf-8")
    assert text_of_version(store, "shipped", "es", "", chat) is None
    assert text_of_version(store, "shipped", "es", "", "") is None


def test_a_stale_text_tells_how_many_of_its_pieces_are(home: Home) -> None:
    known = home.catalogue
    source = known.contents["templates/en/shipped.md"]
    newer = dict(known.contents) | {"templates/en/shipped.md": source.replace(b"very little", b"next to nothing")}

    assert stale_units(known, "shipped", "es", "") == 0
    assert stale_units(replace(known, contents=newer), "shipped", "es", "") == 1
    assert stale_units(known, "shipped", "en", "") == 0


# --- the layout ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("locale", "direction", "side"), [("ar", "rtl", "right"), ("es", "ltr", "left")])
def test_the_layout_tells_direction_and_side_where_webmail_keeps_it(
    home: Home, reader: Reader, locale: str, direction: str, side: str
) -> None:
    text = '+++\nsubject = "x"\n+++\nنص {{ order.number }}\n'
    layout = (ROOT / "templates" / "_layout" / "email.html").read_text(encoding="utf-8")
    one = Draft(text=text, file="draft.md", name="own", locale=locale, layout=layout)

    html = Preview(home).draft(one, reader, scene=scene("own"), shop=SHOP, channel="email").letter.html

    assert re.search(rf'<table class="page"[^>]* lang="{locale}" dir="{direction}"', html)
    assert html.count(f'align="{side}"') == 3


def test_what_a_platform_forbids_is_shown_with_what_is_wrong(home: Home, reader: Reader) -> None:
    text = '+++\nsubject = "{{ order.number }}"\n+++\n{{ order.number }}: write to care@sunny.example\n'
    ebay = replace(SHOP, platform="ebay")

    shown = Preview(home).draft(draft(text, "own"), reader, scene=scene("own"), shop=ebay, channel="platform")

    assert "care@sunny.example" in shown.letter.platform_text
    assert any(one.severity == "error" for one in shown.findings)
