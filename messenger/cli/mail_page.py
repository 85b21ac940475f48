"""One self-contained page that shows every mail of a local mailbox."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from messenger.mail.inbox import InboxMessage, listed

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>
:root {{ font: 16px/1.5 system-ui, sans-serif; color-scheme: light dark; --line: #8884; --mark: light-dark(#8f3f1c, #f0a27c); }}
body {{ max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }}
p {{ margin: 0 0 1rem; }}
fieldset {{ border: 0; margin: 0 0 1rem; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }}
label {{ padding: .25rem 0; cursor: pointer; }}
input, summary::marker {{ accent-color: var(--mark); color: var(--mark); }}
.mail {{ border-top: 1px solid var(--line); }}
.mail > summary {{ cursor: pointer; padding: .6rem 0; }}
.mail > summary strong {{ font-weight: 600; }}
.mail > summary small {{ display: block; padding-inline-start: 1.1rem; opacity: .75; }}
.text summary {{ cursor: pointer; padding: .4rem 0 .8rem; }}
iframe {{ box-sizing: border-box; display: block; width: 100%; height: 38rem; border: 1px solid var(--line); border-radius: .5rem; }}
pre {{ white-space: pre-wrap; margin: 0 0 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; }}
@media (max-width: 480px) {{ iframe {{ height: 50rem; }} }}
{filters}
</style></head><body><h1>{title}</h1><p>{count} messages, in the order in which they left. Times are UTC.</p>
<fieldset><legend hidden>Language</legend>{choices}</fieldset>
{mails}
</body></html>
"""


def mail_page(folder: Path, *, title: str) -> str:
    """Return a page with every ``.eml`` of the folder; mail bodies are shown in sandboxed frames."""
    mails = sorted((listed(path) for path in folder.glob("*.eml")), key=lambda mail: (_when(mail), mail.path.name))
    locales = Counter(mail.locale for mail in mails)
    return PAGE.format(
        title=escape(title),
        count=len(mails),
        filters="\n".join(map(_filter, locales)),
        choices="".join([_choice("", len(mails)), *(_choice(name, number) for name, number in locales.most_common())]),
        mails="\n".join(map(_shown, mails)),
    )


def _when(mail: InboxMessage) -> datetime:
    return mail.date or datetime.max.replace(tzinfo=UTC)


def _filter(locale: str) -> str:
    """Choosing a language hides the others, without a script."""
    return f'body:has(#l-{escape(locale)}:checked) .mail:not([lang="{escape(locale)}"]) {{ display: none; }}'


def _choice(locale: str, count: int) -> str:
    name, checked = (escape(locale), "") if locale else ("all", " checked")
    return f'<label><input type="radio" name="locale" id="l-{name}"{checked}> {name} {count}</label>'


def _shown(mail: InboxMessage) -> str:
    bodies = mail.bodies()
    when = f"{mail.date.astimezone(UTC):%a %d %b %Y, %H:%M}" if mail.date else ""
    return (
        f'<details class="mail" lang="{escape(mail.locale)}"><summary><strong>{escape(mail.subject)}</strong>'
        f'<small lang="en">{escape(mail.to)} · {when} · {escape(mail.locale)}</small></summary>'
        f'<iframe sandbox loading="lazy" srcdoc="{escape(bodies.get("html", ""), quote=True)}" title="the mail"></iframe>'
        f'<details class="text" lang="en"><summary>as plain text</summary>'
        f'<pre lang="{escape(mail.locale)}">{escape(bodies.get("plain", ""))}</pre></details></details>'
    )
