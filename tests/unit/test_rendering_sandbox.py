"""Authors are not trusted with the machine: what they write is refused by the allow-list, and by the sandbox without it."""

from __future__ import annotations

import os
import time
import tomllib
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.orders import Buyer, Item, Order
from messenger.domain.shops import Shop
from messenger.errors import RenderError, TemplateError
from messenger.rendering.catalogue import Catalogue, Chosen, load, reloaded
from messenger.rendering.compile import Compiled, compile_template, environment
from messenger.rendering.context import words_for
from messenger.rendering.lint import check_catalogue
from messenger.rendering.locales import Choice
from messenger.rendering.render import LARGEST, RenderedMessage, render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.source import read_source

PAYLOADS: Final = Path(__file__).parent / "payloads"
ESCAPES: Final = (PAYLOADS / "escapes.txt").read_text(encoding="utf-8").splitlines()
BOMBS: Final = [
    one.get("head", "") + one.get("part", "") * one.get("times", 0) + one.get("tail", "")
    for one in tomllib.loads((PAYLOADS / "bombs.toml").read_text(encoding="utf-8"))["bomb"]
]
LAYOUT: Final = "<html><head><title>{{ subject }}</title></head><body><p>{{ preheader }}</p>{{ body }}</body></html>"
SHOP: Final = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")
CANARY: Final = "canary-6f1d"
MOST_MEMORY: Final = 20 * 1024 * 1024


def short(payload: str) -> str:
    return repr(payload[:50])[1:-1]


def compiled(body: str, subject: str = "Hello") -> Compiled:
    source = read_source("en/x.md", f"+++\nsubject = '''{subject}'''\n+++\n{body}".encode())
    return compile_template(source, name="x", locale="en", variant="", layout=LAYOUT)


def rendered(made: Compiled, order: Order = SAMPLES["typical"], shop: Shop = SHOP) -> RenderedMessage:
    words = words_for(order, shipment_id=None, shop=shop, now=SAMPLE_NOW, greetings={"greeting_named": "Hello {name},"})
    chosen = Chosen(compiled=made, choice=Choice(locale="en", wished="", because="", tried=()), passed_over=())
    return render(chosen, words, phrases={}, country="ES", zone=ZoneInfo("UTC"))


def without_lint(text: str) -> Compiled:
    """The text compiled by the sandbox alone."""
    plain, rich = (environment(escaping=escaping).from_string(text) for escaping in (False, True))
    return replace(compiled("x"), text=plain, html=rich)


def soon_and_small(work: Callable[[], object]) -> None:
    """Do the work twice: within a second, and without taking much memory."""
    started = time.process_time()
    work()
    assert time.process_time() - started < 1
    tracemalloc.start()
    try:
        work()
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_there_are_enough_of_them() -> None:
    assert len(set(ESCAPES)) >= 60
    assert len(set(BOMBS)) >= 60
    assert len(set(PATHS)) >= 60
    assert len(set(DATA)) >= 150


@pytest.mark.parametrize("payload", [*ESCAPES, *BOMBS], ids=short)
def test_a_hostile_text_is_refused_by_the_allow_list(payload: str) -> None:
    def work() -> None:
        with pytest.raises(TemplateError):
            compiled(payload)

    soon_and_small(work)


@pytest.mark.parametrize("payload", ESCAPES, ids=short)
def test_an_escape_is_refused_by_the_sandbox_alone(payload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", CANARY)

    def work() -> None:
        with pytest.raises(Exception) as refused:  # noqa: PT011  # whatever it raises, nothing was written
            rendered(without_lint(payload))
        assert CANARY not in str(refused.value)
        assert "root:" not in str(refused.value)

    soon_and_small(work)


@pytest.mark.parametrize("payload", BOMBS, ids=short)
def test_a_bomb_does_no_harm_to_the_sandbox_alone(payload: str) -> None:
    def work() -> None:
        try:
            made = rendered(without_lint(payload))
        except Exception:  # noqa: BLE001  # refused: that is the point
            return
        assert len(made.text) <= LARGEST

    soon_and_small(work)


def with_items(count: int) -> Order:
    return replace(SAMPLES["typical"], items=tuple(Item(title=f"t{one}") for one in range(count)))


INNER: Final = (
    "{% for a in order.items %}{% for b in order.items %}{% if a.title == b.title %}{% endif %}{% endfor %}{% endfor %}"
)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{% for a in order.items %}{% for b in order.items %}{% endfor %}{% endfor %}", id="that say nothing"),
        pytest.param(INNER, id="that compare"),
        pytest.param(INNER * 50, id="many of them"),
        pytest.param("{% for a in order.items %}{% if a.sku %}{% endif %}{% for b in order.items %}" + "{% if b.sku %}{% endif %}" * 300
                     + "{% endfor %}{% endfor %}", id="with much in them"),
    ],
)  # fmt: skip
def test_loops_within_loops_over_long_lists_are_refused_soon(body: str) -> None:
    def work() -> None:
        with pytest.raises(RenderError, match="loops within loops"):
            rendered(made, order)

    made, order = compiled(body + "x"), with_items(1000)

    soon_and_small(work)


def test_loops_within_loops_over_usual_lists_are_written() -> None:
    assert rendered(compiled(INNER + "x"), with_items(100)).text == "x\n"


def test_a_loop_over_a_long_list_is_written_whole() -> None:
    made = rendered(compiled("{% for a in order.items %}{{ a.title }} {% endfor %}"), with_items(1000))

    assert made.text.split() == [f"t{one}" for one in range(1000)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "templates"
    for name, content in {
        "_layout/email.html": LAYOUT,
        "en/_phrases.toml": 'greeting_named = "Hi {name},"\ngreeting_plain = "Hi,"\n',
        "en/good.md": '+++\nsubject = "Good"\n+++\n{{ greeting }} {{ order.number }}\n',
    }.items():
        put(root, name, content.encode())
    return root


def put(root: Path, name: str, content: bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def choose(catalogue: Catalogue, template: str, locale: str | None = None, **selectors: str) -> Chosen:
    return catalogue.choose(
        template, buyer=locale, conversation=None, country=None, countries={}, shop_language="en", selectors=selectors
    )  # fmt: skip


HEAD: Final = b'+++\nsubject = "x"\n+++\n'
BROKEN: Final = {
    "a recursion": HEAD + b"{{ " + b"(" * 3000 + b"greeting" + b")" * 3000 + b" }}",
    "an indentation": HEAD + b"{% if greeting %}" * 120 + b"x" + b"{% endif %}" * 120,
    "an open tag": HEAD + b"{% if greeting %}",
    "a wrong end": HEAD + b"{% endfor %}",
    "not UTF-8": HEAD + b"\xff\xfe\x00",
    "UTF-16": '+++\nsubject = "x"\n+++\nx'.encode("utf-16"),
    "nothing": b"",
    "no front matter": b"Hello",
    "half a front matter": b'+++\nsubject = "x"\n',
    "broken TOML": b"+++\nsubject = \n+++\nx",
    "a table for a subject": b"+++\n[subject]\nx = 1\n+++\nx",
    "a number for a subject": b"+++\nsubject = 7\n+++\nx",
    "a NUL in a tag": HEAD + b"{{ gree\x00ting }}",
    "too large": HEAD + b"x" * 70_000,
    "very large": HEAD + b"x" * 10_000_000,
    "only a tag opened": HEAD + b"{{",
    "a string never closed": HEAD + b"{{ 'x }}",
    "a bomb": HEAD + b"{{ 'a' * 300000000 }}",
    "a huge number": b'+++\nsubject = "x"\npromises = [' + b"9" * 5000 + b"]\n+++\nx {{ nothing }}",
    "deep TOML": b"+++\nsubject = " + b"[" * 3000 + b"\n+++\nx",
    "deep Markdown": HEAD + b"> " * 3000 + b"{{ nothing }}",
    "deep lists": HEAD + b"".join(b" " * at + b"- x\n" for at in range(0, 600, 2)) + b"{{ nothing }}",
    "many brackets": HEAD + b"[" * 20_000 + b"{{ nothing }}",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_breaks_the_compiler_stops_no_other(folder: Path, content: bytes) -> None:
    put(folder, "en/broken.md", content)

    started = time.process_time()
    catalogue = load(folder)

    assert time.process_time() - started < 1
    assert {one.file for one in catalogue.findings if one.severity == "error"} == {"templates/en/broken.md"}
    assert choose(catalogue, "good").compiled.name == "good"
    with pytest.raises(LookupError):
        choose(catalogue, "broken")


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_breaks_leaves_its_last_good_version(folder: Path, content: bytes) -> None:
    before = load(folder)
    put(folder, "en/good.md", content)

    after = reloaded(before, folder)

    assert choose(after, "good").compiled.version == choose(before, "good").compiled.version


PATHS: Final = [
    "../secret", "../../etc/passwd", "..", ".", "", "/etc/passwd", "//etc/passwd", "good/../secret", "./good", "good/", "/good", "good.md",
    "..%2fsecret", "%2e%2e/secret", "..\\secret", "..\\..\\secret", "C:\\secret", "good\x00", "good\n", "good ", " good", "ｇｏｏｄ", "GOOD",
    "good@shop=..", "good@shop=../x", "_layout", "_phrases", "STYLE", "en/good", "*", "g*", "[g]ood", "~", "~root", "$HOME", "${HOME}", "`id`",
    "$(id)", "|id", ";id", "&id", "file:///etc/passwd", "http://x/", "con", "nul", "aux", "good:stream", "good::$DATA", "..;/secret", "....//secret",
    "%00", "\u202egood", "good\u200b", "g\u006fod\u0301", "-good", "--help", "good--", "a" * 5000, "good.", "...", "／etc／passwd", "‥／secret",
    "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", PATHS, ids=short)
def test_no_name_and_no_locale_leads_out_of_the_folder(folder: Path, name: str) -> None:
    put(folder.parent, "secret.md", HEAD + CANARY.encode())
    put(folder.parent, "secret/good.md", HEAD + CANARY.encode())
    catalogue = load(folder)

    with pytest.raises(LookupError):
        choose(catalogue, name)
    assert choose(catalogue, "good", name).compiled.file == "templates/en/good.md"
    assert choose(catalogue, "good", None, shop=name, country=name, method=name, carrier=name).compiled.variant == ""


@pytest.mark.parametrize("what", ["en/link.md", "de", "en/_phrases.toml", "_layout/email.html", "en/_phrases.toml+"])
def test_a_link_out_of_the_folder_is_not_followed(folder: Path, what: str) -> None:
    secret = put(folder.parent, "secret/good.md", HEAD + CANARY.encode())
    put(folder.parent, "secret/_phrases.toml", f'footer = "{CANARY}"'.encode())
    path = folder / what.removesuffix("+")
    if path.exists():
        path.unlink()
    if what.endswith("+"):
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to(secret.parent if what == "de" else secret)

    catalogue = load(folder)

    assert any("out of the template folder" in one.problem for one in catalogue.findings)
    assert CANARY not in repr(catalogue.phrases)
    assert all(CANARY not in rendered(choose(catalogue, name).compiled).html for name in catalogue.templates)


def test_what_is_no_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "en" / "pipe.md")
    (folder / "en" / "dir.md").mkdir()

    catalogue = load(folder)

    assert {one.file for one in catalogue.findings} == {"templates/en/pipe.md", "templates/en/dir.md"}
    assert choose(catalogue, "good").compiled.name == "good"


@pytest.mark.parametrize("what", ["en/_phrases.toml", "_layout/email.html"])
@pytest.mark.parametrize(("how", "told"), [("pipe", "is no file"), ("folder", "is no file"), ("large", "100000 bytes")])
def test_phrases_and_layout_that_are_no_files_or_too_large_are_not_read(
    folder: Path, what: str, how: str, told: str
) -> None:
    path = folder / what
    path.unlink()
    make: dict[str, Callable[[], object]] = {
        "pipe": lambda: os.mkfifo(path), "folder": path.mkdir, "large": lambda: path.write_bytes(b" " * 100_000),
    }  # fmt: skip
    make[how]()

    catalogue = load(folder)

    assert [(one.file, told in one.problem) for one in catalogue.findings] == [(f"templates/{what}", True)]
    assert choose(catalogue, "good").compiled.name == "good"


@pytest.mark.parametrize("name", ["..", "e n", "en\n", "english", "x" * 200, "12", "en-", "ｅｎ"])
def test_a_folder_that_is_no_locale_is_told(folder: Path, name: str) -> None:
    if name != "..":
        put(folder, f"{name}/good.md", HEAD + b"x")

    found = [one for one in check_catalogue(folder, platforms=["none"]) if "is not a locale" in one.problem]

    assert (found == []) is (name == "..")


BREAKERS: Final = ("", '">', "'>", "-->", "]]>", "</title>", "</style></head>", "</bdi></p>")
VECTORS: Final = (
    "<script>alert(1)</script>", "<script src=//evil.example/x.js></script>", "<img src=//evil.example/x.png onerror=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>", "<a href=javascript:alert(1)>x</a>", "<body onload=alert(1)>",
    "<object data=//evil.example>", "<embed src=//evil.example>", "<video><source onerror=alert(1)></video>",
    "<input autofocus onfocus=alert(1)>", "<template><script>alert(1)</script></template>", "<noscript><p title='</noscript><img src=x>'>",
)  # fmt: skip
DATA: Final = [
    *(breaker + vector for breaker in BREAKERS for vector in VECTORS),
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "\"><script>alert(1)</script>", "' onmouseover='alert(1)", "\" onmouseover=\"alert(1)", "javascript:alert(1)",
    "[click](javascript:alert(1))", "[click](https://evil.example)", "![x](https://evil.example/x.png)",
    "<a href='https://evil.example'>x</a>", "</p></body></html>", "<!--", "-->", "<![CDATA[x]]>", "&lt;script&gt;",
    "&#60;script&#62;", "\\<script\\>", "**bold**", "_x_", "`code`", "# title", "- item", "1. item", "> quote",
    "---", "<style>*{display:none}</style>", "<base href=//evil>", "<iframe src=//evil>",
    "<form action=//evil><input>", "<meta http-equiv=refresh content=0>", "<link rel=stylesheet href=//evil>",
    "<details open ontoggle=alert(1)>", "<math><mi xlink:href=javascript:alert(1)>", "{{ 7*7 }}",
    "{% if 1 %}x{% endif %}", "{# x #}", "{{ order.number }}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "O'Brien & Söhne <3", "a < b > c", "a & b", "\"quoted\"", "‘’“”", "<", ">", "&", "&&amp;",
    "=?utf-8?q?a=0D=0ABcc:_x@y?=", "x\r\nBcc: y@z.example", "x\nSubject: y", "x\r\n\r\nbody", "x\x00y", "x\x0by",
    "x\x85y", "x\u2028y", "x\u2029y", "\u202egnp.exe", "\u200bx", "x\x1b[31m", "\ufeffx",
    "zq000000000000s0zq000000000000", "zzmessengerbodyzz", "<\x00script>", "＜script＞", "%3Cscript%3E",
    "data:text/html,x", "x" * 3000,
]  # fmt: skip


class Shape(HTMLParser):
    """The tags and attributes of a page, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


TEXT: Final = """{{ greeting }}

**{{ shop.name }}** {{ buyer.name }} {{ order.items | list('title') }}

- {{ shipment.place }}

[x]({{ links.tracking }})
"""


def with_data(told: str) -> RenderedMessage:
    typical = SAMPLES["typical"]
    parcel = replace(typical.shipments[0], place=told, carrier=told)
    order = replace(
        typical, items=(Item(title=told),), buyer=replace(typical.buyer, name=f"A {told}"), shipments=(parcel,)
    )
    return rendered(
        compiled(TEXT, "{{ greeting }} {{ order.items | list('title') }}"), order, replace(SHOP, name=told or "x")
    )


@pytest.mark.parametrize("told", DATA, ids=short)
def test_what_a_buyer_typed_is_never_markup_and_never_a_header(told: str) -> None:
    try:
        made = with_data(told)
    except RenderError:  # nothing is left of it once it is cleaned
        return

    assert Shape(made.html).tags == Shape(with_data("benign").html).tags
    assert not any(ord(one) < 32 or one in "\x85\u2028\u2029" for one in made.subject + made.preheader)
    assert "49" not in made.text.replace(told, "")


@pytest.mark.parametrize("told", ["O'Brien & Söhne <3", "a < b > c", 'AT&T "x"', "&amp; &lt;", "{{ x }}", "**x**"])
def test_plain_text_and_subject_hold_exactly_what_was_typed(told: str) -> None:
    made = with_data(told)

    assert made.text.count(told) >= 3
    assert told in made.subject
    assert told in Shape(made.html).words


def test_a_buyer_without_anything_is_no_trouble() -> None:
    order = replace(SAMPLES["typical"], buyer=Buyer(), items=())

    assert rendered(compiled("{{ order.number }}"), order).text
