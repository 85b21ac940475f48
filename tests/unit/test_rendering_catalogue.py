"""The template folder: which texts there are, which one a message gets, and what is wrong with the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from messenger.rendering.catalogue import Catalogue, Chosen, load, reloaded
from messenger.rendering.lint import check_catalogue

LAYOUT = "<!doctype html><html><head><title>{{ subject }}</title></head><body>{{ body }}</body></html>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "templates"
    put(root, "_layout/email.html", LAYOUT)
    for locale in ("en", "es"):
        put(root, f"{locale}/_phrases.toml", 'greeting_named = "Hi {name},"\ngreeting_plain = "Hi,"\n')
        put(root, f"{locale}/shipped.md", text(f"{locale} {{{{ order.number }}}}"))
    return root


def put(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def text(body: str) -> str:
    return f'+++\nsubject = "Shipped"\n+++\n{body}\n'


def chosen(catalogue: Catalogue, buyer: str | None = "en", **selectors: str) -> Chosen:
    return catalogue.choose(
        "shipped", buyer=buyer, conversation=None, country=None, countries={}, shop_language="en", selectors=selectors
    )  # fmt: skip


@pytest.mark.parametrize(
    ("variants", "selectors", "expected"),
    [
        pytest.param(["@method=epacket"], {}, "", id="no reason for a variant"),
        pytest.param(["@method=epacket"], {"method": "EPacket"}, "method=epacket", id="a variant fits"),
        pytest.param(["@shop=a", "@country=br@method=m"], {"shop": "a", "country": "BR", "method": "m"},
                     "country=br@method=m", id="most selectors"),
        pytest.param(["@country=br", "@shop=a"], {"shop": "a", "country": "BR"}, "shop=a", id="a tie goes to the shop"),
        pytest.param(["@channel=platform", "@carrier=c"], {"channel": "platform", "carrier": "c"}, "carrier=c", id="carrier"),
        pytest.param(["@shop=a@country=br"], {"shop": "a"}, "", id="half of it does not fit"),
    ],
)  # fmt: skip
def test_the_variant_with_most_matching_selectors_speaks(
    folder: Path, variants: list[str], selectors: dict[str, str], expected: str
) -> None:
    for variant in variants:
        put(folder, f"en/shipped{variant}.md", text(variant))

    assert chosen(load(folder), **selectors).compiled.variant == expected


def test_the_locale_is_chosen_before_the_variant(folder: Path) -> None:
    put(folder, "en/shipped@shop=a.md", text("variant"))

    found = chosen(load(folder), buyer="es-MX", shop="a")

    assert (found.compiled.locale, found.compiled.variant) == ("es", "")
    assert found.choice.tried == ("es-MX", "es-419")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("en/broken.md", text("{{ order.nubmer }}")), ("en/broken.md", text("{% if %}")), ("en/broken.md", "no front matter"),
        ("en/broken.md", "+++\nsubject = \n+++\n"), ("en/broken.md", '+++\nsubject = ""\n+++\n'), ("en/broken.md", '+++\nx = 1\n+++\n'),
        ("en/broken.md", text("{% if greeting %}" * 120 + "{% endif %}" * 120)), ("en/broken.md", text("x" * 70_000)),
        ("en/Bad Name.md", text("x")), ("en/..md", text("x")), ("en/shipped@size=1.md", text("x")), ("en/shipped@shop.md", text("x")),
        ("xx-nowhere/shipped.md", text("x")),
    ],
    ids=range(13),
)  # fmt: skip
def test_one_broken_file_stops_no_other(folder: Path, name: str, content: str) -> None:
    put(folder, name, content)

    catalogue = load(folder)

    assert chosen(catalogue).compiled.file == "templates/en/shipped.md"
    assert any(name.partition("/")[0] in one.file for one in catalogue.findings)


def test_nothing_outside_the_folder_is_read(folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "secret.md", text("secret"))
    (folder / "en" / "linked.md").symlink_to(tmp_path / "secret.md")
    (folder / "fr").symlink_to(tmp_path)

    catalogue = load(folder)

    assert set(catalogue.templates) == {"shipped"}
    assert {one.file for one in catalogue.findings} >= {"templates/en/linked.md", "templates/fr/secret.md"}


def test_the_last_good_version_stays_when_a_file_breaks(folder: Path) -> None:
    before = load(folder)
    good = chosen(before).compiled.version
    put(folder, "en/shipped.md", text("{{ nothing }}"))
    (folder / "es" / "shipped.md").unlink()

    after = reloaded(before, folder)

    assert chosen(after).compiled.version == good
    assert list(after.templates["shipped"]) == ["en"]
    assert [one.file for one in after.findings] == ["templates/en/shipped.md"]


def test_the_version_changes_with_the_text_and_with_the_layout(folder: Path) -> None:
    versions = [chosen(load(folder)).compiled.version]
    put(folder, "en/shipped.md", text("other"))
    versions.append(chosen(load(folder)).compiled.version)
    put(folder, "_layout/email.html", LAYOUT.replace("<body>", "<body class='x'>"))
    versions.append(chosen(load(folder)).compiled.version)

    assert len(set(versions)) == 3
    assert {len(one) for one in versions} == {12}


def test_a_hostile_layout_is_told_and_not_used(folder: Path) -> None:
    put(folder, "_layout/email.html", LAYOUT + "{{ 'a' * 300000000 }}")

    catalogue = load(folder)

    assert [one.file for one in catalogue.findings] == ["templates/_layout/email.html"]
    assert chosen(catalogue).compiled.locale == "en"


def test_a_good_folder_has_no_findings(folder: Path) -> None:
    for locale in ("en", "es"):
        put(folder, f"{locale}/shipped.md", text(f"{locale} {{{{ order.number }}}} {{{{ shipment.number }}}}"))

    assert check_catalogue(folder, platforms=["none"]) == []


@pytest.mark.parametrize(
    ("name", "content", "problem", "severity"),
    [
        ("es/paid.md", text("x"), "is missing", "warning"),
        ("en/paid.md", text("x"), "has 1 of 2 messages", "notice"),
        ("es/shipped.md", text("x"), "does not speak of order.number", "warning"),
        ("es/shipped.md", text("{{ order.number }} {{ shop.name }}"), "speaks of shop.name", "warning"),
        ("en/shipped.md", text('{{ order.days_since_paid | plural(one="#") }} {{ order.number }}'), "lacks other", "error"),
        ("en/shipped.md", text("{{ order.number }} {{ order.paid_at }}"), "a moment is not written as it is", "error"),
    ],
)  # fmt: skip
def test_the_check_tells_what_a_reader_would_stumble_over(
    folder: Path, name: str, content: str, problem: str, severity: str
) -> None:
    put(folder, name, content)

    assert any(problem in one.problem and one.severity == severity for one in check_catalogue(folder))
