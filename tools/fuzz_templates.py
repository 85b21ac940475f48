"""Fuzz the template compiler and the allow-list: ``python -m tools.fuzz_templates [MINUTES] [SEED]``.

Texts are made from the shipped templates and the hostile ones of the tests: cut, spliced, repeated, mixed with pieces of
Jinja, Markdown and TOML. Whatever comes of it, the compiler answers within a second with findings or a template; a
template renders or says what is missing; nothing of Python shows; data never becomes markup; and the sandbox alone lets
nothing out of what the allow-list refuses. The same seed gives the same texts.
"""

from __future__ import annotations

import random
import re
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.orders import Item, Order
from messenger.domain.shops import Shop
from messenger.errors import RenderError, TemplateError
from messenger.rendering.catalogue import Chosen
from messenger.rendering.checking import Use
from messenger.rendering.checking.sources import Text, of_source
from messenger.rendering.compile import Compiled, compile_template, environment
from messenger.rendering.context import words_for
from messenger.rendering.locales import Choice
from messenger.rendering.render import LARGEST, RenderedMessage, render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.source import read_source

ROOT: Final = Path(__file__).resolve().parent.parent
FOUND: Final = ROOT / "fuzz"
SLOWEST: Final = 1.0
HANGS: Final = 10
LONGEST: Final = 70_000
LEAKS: Final = re.compile(
    r"<class '|object at 0x|<function|<bound method|<module|&lt;class &#39;|zq[0-9a-f]{12}x*[sp][0-9]|zzmessengerbodyzz|Traceback \(most"
)
SHOP: Final = Shop(
    id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", url="https://toys.example/"
)
HOSTILE: Final = "<i>x</i> {{ 7 }} [a](b) \"' &amp; **x** {% if %}"
TOKENS: Final = (
    "{{ ", " }}", "{% ", " %}", "{#", "#}", "{%- ", " -%}", "{% if links.tracking %}", "{% elif order.late %}", "{% else %}",
    "{% endif %}", "{% for item in order.items %}", "{% for parcel in shipments %}", "{% endfor %}", "{% raw %}", "{% endraw %}",
    "{% set x = 1 %}", "{% include 'x' %}", "order", "order.number", "order.items", "order.total", "order.paid_at", "shipment.number",
    "links.tracking", "shop.url", "buyer.name", "greeting", "item.title", "parcel.number", "self", "loop", "formats_", "__class__",
    ".__class__", "_x", "['x']", "()", "(1)", "[0]", "**", "*", "~", "+", "-", "//", " | ", "| date", '| date("day")',
    "| money(order.currency)", "| number", "| duration", "| country", '| list("title")', '| plural(one="#", other="#")', "| safe",
    "| attr('x')", "not ", " and ", " or ", " in ", " is ", " == ", " if ", " else ", "true", "none", "'", '"', "\\", "\\{", "&#123;",
    "&lbrace;", "[", "](", ")", "[a](", "![", "<b>", "</b>", "<script>", "<!--", "`", "```\n", "~~~\n", "    ", "\t", "\n", "\n\n", "- ",
    "1. ", "> ", "# ", "---\n", "***", "| a | b |\n", "[x]: https://x.example\n", "<https://x.example>", "https://x.example",
    "javascript:", "data:", "mailto:x@y.example", "+++\n", 'subject = "x"\n', 'promises = ["refund"]\n', "source = 1\n", "\r\n", "\x00",
    "\ufeff", "\u202e", "\u2028", "\u200b", "😀", "é", "ё", "中", "\ud7ff", "\U0010ffff", "zq", "zqs0zq", "zzmessengerbodyzz", "{{ '{' }}",
    "9" * 30, "a" * 300, "{{" * 20, "(" * 40, "{# allow L10: x #}", "{# allow",
)  # fmt: skip

MILD: Final = tuple(
    one
    for one in TOKENS
    if re.search(r"[#>*`~\[\](\n<é中😀]|https|^ |{{ '|\\", one) and not re.search(r"\{%|\{\{ $|__", one)
)
"""Tokens that Markdown minds and Jinja does not: most texts made with these alone compile."""


@dataclass(slots=True)
class Tally:
    """What came of the texts so far."""

    made: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)


class _Tags(HTMLParser):
    """The tags of a page with the names of their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def corpus() -> list[str]:
    """Return what texts are made from."""
    shipped = [
        path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("templates/*/*.md")) if path.stem != "STYLE"
    ]
    payloads = ROOT / "tests" / "unit" / "payloads"
    head = '+++\nsubject = "x {{ order.number }}"\n+++\n'
    escapes = [head + one for one in (payloads / "escapes.txt").read_text(encoding="utf-8").splitlines()]
    bombs = [head + one.get("head", "") + one.get("part", "") * 20 + one.get("tail", "")
             for one in tomllib.loads((payloads / "bombs.toml").read_text(encoding="utf-8"))["bomb"]]  # fmt: skip
    return [*shipped, *escapes, *bombs]


def mutated(chance: random.Random, texts: Sequence[str]) -> str:
    """Return a text that nobody would write."""
    text = chance.choice(texts)
    is_mild = chance.random() < 0.5
    tokens = MILD if is_mild else TOKENS
    for _ in range(chance.randint(1, 2 if is_mild else 6)):
        start = max(text.find("+++", 3), 0) + 3 if is_mild else 0
        at, end = sorted(min(len(text), chance.randrange(start, max(len(text), start) + 1)) for _ in range(2))
        end = min(end, at + chance.choice((1, 3, 12, 60, 400)))
        how: Callable[[], str] = chance.choice((
            lambda at=at, text=text: text[:at] + chance.choice(tokens) + text[at:],
            lambda at=at, text=text: text[:at] + "".join(chance.choices(tokens, k=chance.randint(2, 12))) + text[at:],
            lambda at=at, end=end, text=text: text[:at] + text[end:],
            lambda at=at, end=end, text=text: text[:end] + text[at:end] * chance.choice((1, 2, 5, 40, 300)) + text[end:],
            lambda at=at, end=end, text=text: text[:at] + chance.choice(tokens) + text[end:],
            lambda at=at, text=text: text[:at] + _piece(chance, chance.choice(texts)) + text[at:],
            lambda text=text: _swapped(chance, text),
        ))  # fmt: skip
        text = how()[:LONGEST]
    return text


def _piece(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[at : at + chance.choice((5, 30, 200))]


def _swapped(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    chance.shuffle(lines) if chance.random() < 0.1 else lines.insert(
        chance.randrange(len(lines) + 1), chance.choice(lines)
    )
    return "\n".join(lines)


def wrong(text: str, locale: str, layout: str) -> tuple[str, str]:
    """Return what became of a text, and what is wrong with that; the latter empty when all is as it should be."""
    raw = text.encode("utf-8", "replace")
    try:
        source = read_source(f"{locale}/x.md", raw)
        made = compile_template(source, name="x", locale=locale, variant="", layout=layout)
    except TemplateError as error:
        lines = text.count("\n") + text.count("\r") + 2
        odd = [one for one in error.findings if not one.problem or not 0 <= one.line <= lines or not one.file]
        return "refused", f"an odd finding: {odd[0]}" if odd else _beyond_lint(text)
    list(of_source(Text(source=source, compiled=made), None, Use()))
    return "rendered", _rendered(made, text)


def _rendered(made: Compiled, text: str) -> str:
    try:
        benign, hostile = _written(made, _order("benign")), _written(made, _order(HOSTILE))
    except RenderError:
        return ""
    for one in (benign, hostile):
        leak = LEAKS.search(one.html) or LEAKS.search(one.text)
        if leak is not None and leak.group() not in text:
            return f"something of Python shows: {leak.group()}"
        if len(one.text) > LARGEST + 1 or "\n" in one.subject:
            return "a text that is too long, or a subject of two lines"
    if "==" not in "".join(made.placeholders) and _Tags(benign.html).found != _Tags(hostile.html).found:
        return "data became markup"
    return ""


def _beyond_lint(text: str) -> str:
    """What the sandbox alone would let out of a text that the allow-list refuses."""
    try:
        template = environment(escaping=False).from_string(text[:LONGEST])
        shown = _written(replace(_PLAIN(), text=template), _order("benign")).text
    except Exception:  # noqa: BLE001  # whatever it raises, nothing is let out: that is the point
        return ""
    leak = LEAKS.search(shown)
    return f"the sandbox alone lets out {leak.group()}" if leak is not None and leak.group() not in text else ""


def _PLAIN() -> Compiled:  # noqa: N802  # a constant that is made when it is first wanted
    source = read_source("en/x.md", b'+++\nsubject = "x"\n+++\nx')
    return compile_template(source, name="x", locale="en", variant="", layout="")


def _order(told: str) -> Order:
    typical = SAMPLES["typical"]
    parcel = replace(typical.shipments[0], place=told, carrier=told)
    return replace(
        typical,
        items=(Item(title=told),) * 3,
        buyer=replace(typical.buyer, name=f"A {told}", city=told),
        shipments=(parcel,),
    )


def _written(made: Compiled, order: Order) -> RenderedMessage:
    phrases = {"greeting_named": "Hello {name},", "greeting_plain": "Hello,", "footer": "x", "unsubscribe": "x"}
    words = words_for(
        order, shipment_id=None, shop=SHOP, now=SAMPLE_NOW, greetings=phrases, unsubscribe="mailto:x@y.example"
    )
    choice = Choice(locale=made.locale, wished="", because="", tried=())
    return render(
        Chosen(compiled=made, choice=choice, passed_over=()), words, phrases=phrases, country="ES", zone=ZoneInfo("UTC")
    )


class _Hanging(BaseException):
    """A text took so long that nobody waited for it."""


@contextmanager
def _watched() -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _Hanging

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)


def tried(text: str, locale: str, layout: str, tally: Tally) -> str:
    """Return what is wrong with what became of a text; empty when nothing is."""
    started = time.process_time()
    try:
        with _watched():
            outcome, problem = wrong(text, locale, layout)
    except _Hanging:
        outcome, problem = "hangs", f"took longer than {HANGS} s"
    except Exception as error:  # noqa: BLE001  # any other is a finding of the fuzzer
        outcome, problem = "fell", f"{type(error).__name__}: {error}"[:300]
    took = time.process_time() - started
    tally.made[outcome] += 1
    tally.slowest = max(tally.slowest, took)
    return problem or (f"took {took:.2f} s" if took > SLOWEST else "")


def run(minutes: float, seed: int) -> Tally:
    """Try texts for so long; every failure is kept in ``fuzz/``."""
    chance, texts, tally = random.Random(seed), corpus(), Tally()  # noqa: S311  # the same seed, the same texts
    layout = (ROOT / "templates" / "_layout" / "email.html").read_text(encoding="utf-8")
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        text, locale = mutated(chance, texts), chance.choice(("en", "ru", "zh", "es", "ar"))
        if problem := tried(text, locale, chance.choice((layout, "")), tally):
            FOUND.mkdir(exist_ok=True)
            path = FOUND / f"{sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}.md"
            path.write_bytes(text.encode("utf-8", "replace"))
            tally.failures.append(f"{path.name} ({locale}): {problem}")
            print(tally.failures[-1], flush=True)
    return tally


def main(arguments: Sequence[str]) -> int:
    """Fuzz, and say what came of it; 1 when something was found."""
    minutes = float(arguments[0]) if arguments else 1.0
    seed = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(10**6)
    tally = run(minutes, seed)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.made.items()))
    print(
        f"seed {seed}: {sum(tally.made.values())} texts in {minutes:g} min ({told}), slowest {tally.slowest:.2f} s, {len(tally.failures)} failures"
    )
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
