"""The language that nobody speaks: everything in it is changed, and nothing in it is broken."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.shops import Shop
from messenger.errors import UsageError
from messenger.rendering.blocks import TAG
from messenger.rendering.catalogue import Chosen, load
from messenger.rendering.context import words_for
from messenger.rendering.locales import Choice
from messenger.rendering.pseudo import LOCALE, RTL_LOCALE, make, pseudo
from messenger.rendering.render import render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param("Hello", "⟦Ĥéļļö ļ⟧", id="words"),
    pytest.param("{{ greeting }}", "{{ greeting }}", id="no words"),
    pytest.param("Hello {name}, how are you today?", "⟦Ĥéļļö {name}, ĥöŵ åŕé ýöû ţöðåý? ļöŕéɱ î⟧", id="a phrase"),
    pytest.param("[Track it]({{ links.tracking }})", "⟦[Ţŕåçķ îţ]({{ links.tracking }}) ļ⟧", id="a link"),
    pytest.param("See https://a.example/b", "⟦Šéé https://a.example/b ļ⟧", id="an address"),
    pytest.param("Big\n---", "⟦Ɓîĝ ļ⟧\n---", id="a heading underlined"),
    pytest.param('In {{ n | plural(one="# day", other="# days") }}', '⟦Îñ {{ n | plural(one="# ðåý", other="# ðåýš") }} ļ⟧', id="a plural"),
])  # fmt: skip
def test_words_are_changed_and_the_rest_is_not(text: str, expected: str) -> None:
    assert pseudo(text) == expected


def test_right_to_left_gets_the_plural_forms_of_its_language() -> None:
    made = pseudo('In {{ n | plural(one="# day", other="# days") }}', locale=RTL_LOCALE)

    assert made == '⟦טנ {{ n | plural(one="# דאג", other="# דאגק", two="# דאגק") }} ל⟧'


def test_the_home_itself_is_never_filled_with_it(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="is the home itself"):
        make(tmp_path, tmp_path / "x" / "..")


@given(text=st.text(alphabet=st.sampled_from("abc xyz{}%#[]()|.,\n*_-<>&;\"'=é"), max_size=60))
def test_tags_stay_whatever_stands_around_them(text: str) -> None:
    assert [one for one in TAG.findall(pseudo(text)) if "plural" not in one] == TAG.findall(text)


@pytest.mark.parametrize("locale", [LOCALE, RTL_LOCALE])
def test_every_shipped_text_compiles_renders_and_is_a_third_longer(locale: str, tmp_path: Path) -> None:
    written = make(ROOT, tmp_path, locale=locale)
    catalogue = load(tmp_path / "templates")
    english = [path for path in (ROOT / "templates" / "en").glob("*.md") if path.stem != "STYLE"]

    assert [one for one in catalogue.findings if one.severity == "error"] == []
    assert len(written) == 1 + len(english)
    phrases = catalogue.phrase(locale)
    words = words_for(
        SAMPLES["typical"],
        shipment_id=None,
        shop=Shop(id="toys", name="Sunny Toys", sender="a@toys.example"),
        now=SAMPLE_NOW,
        greetings=phrases,
    )
    longer = []
    for name in ("shipped", "customs-arrived", "order-paid", "care"):
        made = [
            render(
                Chosen(compiled=found, choice=Choice(locale=one, wished=one, because="", tried=()), passed_over=()),
                words,
                phrases=phrases,
                country=None,
                zone=ZoneInfo("UTC"),
            )
            for one in ("en", locale)
            for found in [catalogue.templates[name][one][""]]
        ]
        assert made[1].direction == ("rtl" if locale == RTL_LOCALE else "ltr")
        assert made[1].subject.startswith("⟦")
        assert "Kind regards" not in made[1].text
        longer.append(len(made[1].text) / len(made[0].text))
    assert 1.2 < sum(longer) / len(longer) < 1.5
