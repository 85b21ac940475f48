"""What counts as one e-mail address.

Deliberately narrower than RFC 5322: no quoted local parts, no comments, no lists. Mail libraries repair odd addresses
in silence (``a@x,b@x`` becomes ``a@x``); a repaired address is a message to the wrong person, so we refuse instead.
"""

from __future__ import annotations

import re

_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\xa0\"(),:;<>@\[\\\]\u2028\u2029\u200b-\u200f\ufeff]{1,64}")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")


def is_email_address(text: str) -> bool:
    """Return whether ``text`` is exactly one address that can be put into an SMTP command unchanged.

    Source: RFC 5321, 4.5.3.1 (local part 64, domain 255 octets); RFC 6531 for letters beyond ASCII.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        return False
    local, at, domain = text.rpartition("@")
    if not at or len(local.encode()) > 64 or len(domain.encode()) > 255 or len(text.encode()) > 254:
        return False
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        return False
    labels = domain.split(".")
    return len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
