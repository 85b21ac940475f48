"""One self-contained page that shows every mail of a local mailbox."""

from __future__ import annotations

import email
import email.policy
import email.utils
from email.message import EmailMessage
from html import escape
from pathlib import Path

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>
:root {{ font: 16px/1.5 system-ui, sans-serif; color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }}
details {{ border-top: 1px solid #8884; }}
summary {{ cursor: pointer; padding: .6rem 0; display: grid; gap: 0 1rem; grid-template-columns: 1fr auto; }}
summary small {{ opacity: .7; grid-column: 1 / -1; }}
iframe {{ width: 100%; height: 34rem; border: 1px solid #8884; border-radius: .5rem; background: #fff; }}
pre {{ white-space: pre-wrap; padding: 1rem; border: 1px solid #8884; border-radius: .5rem; }}
</style></head><body><h1>{title}</h1><p>{count} messages, in the order in which they left.</p>
{mails}
</body></html>
"""


def mail_page(folder: Path, *, title: str) -> str:
    """Return a page with every ``.eml`` of the folder; mail bodies are shown in sandboxed frames."""
    mails = [_read(path) for path in sorted(folder.glob("*.eml"))]
    mails.sort(key=lambda mail: email.utils.parsedate_to_datetime(str(mail["Date"])))
    return PAGE.format(title=escape(title), count=len(mails), mails="\n".join(map(_shown, mails)))


def _read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _shown(mail: EmailMessage) -> str:
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    frame = escape(html.get_content(), quote=True) if html else ""
    plain = escape(text.get_content()) if text else ""
    return (
        f"<details><summary><strong>{escape(str(mail['Subject']))}</strong><span>{escape(str(mail['Content-Language'] or ''))}</span>"
        f"<small>{escape(str(mail['To']))} · {escape(str(mail['Date']))}</small></summary>"
        f'<iframe sandbox loading="lazy" srcdoc="{frame}" title="the mail"></iframe>'
        f"<details><summary>as plain text</summary><pre>{plain}</pre></details></details>"
    )
