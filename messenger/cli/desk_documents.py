"""The desk as programs read it."""

from __future__ import annotations

from datetime import datetime

from messenger.cli.output import told
from messenger.services.desk import DeskRefused, Found, Gone, Lying, Said, Sheet
from messenger.services.queueing import name_of


def sheet_document(sheet: Sheet, now: datetime) -> dict[str, object]:
    """Return a message as JSON shows it."""
    row, buyer = sheet.row, sheet.order.buyer
    return {
        "id": row.id, "shop": row.key.shop, "order": row.order, "rule": row.key.rule, "step": row.key.step, "template": row.template,
        "urgent": row.urgent, "priority": row.priority,
        "buyer": {"name": buyer.name, "country": buyer.country, "language": buyer.language},
        "link": sheet.link or None, "text": sheet.text, "locale": sheet.opening.letter.locale, "edited": bool(sheet.opening.edited),
        "meaning": sheet.meaning or None, "meaning_locale": sheet.meaning_locale or None, "along": list(sheet.along),
        "until": told(sheet.opening.until), "by": sheet.opening.person, "local": now.astimezone(sheet.clock).isoformat(),
        "is_its_hour": sheet.is_its_hour, "edit_lost": sheet.is_edit_lost, "warnings": [str(one) for one in sheet.warnings],
    }  # fmt: skip


def gone_document(gone: Gone) -> dict[str, object]:
    """Return a message that is not sent as JSON shows it."""
    row = gone.row
    return {
        "id": row.id, "shop": row.key.shop, "order": row.order, "rule": row.key.rule, "step": row.key.step, "state": row.state,
        "reason": row.reason, "because": row.because, "event": gone.event or None,
    }  # fmt: skip


def found_document(found: Found, now: datetime) -> dict[str, object]:
    """Return what the desk had as JSON shows it."""
    return {
        "message": sheet_document(found.sheet, now) if found.sheet else None, "gone": [gone_document(one) for one in found.gone],
        "left": found.left, "in_other_hands": found.in_other_hands, "later": found.later, "next_at": told(found.next_at),
        "paused": found.paused,
    }  # fmt: skip


def said_document(said: Said, *, undone: bool = False) -> dict[str, object]:
    """Return what came of a person's word as JSON shows it."""
    row = said.row
    return {
        "id": row.id, "shop": row.key.shop, "order": row.order, "rule": row.key.rule, "step": row.key.step, "said": said.word,
        "by": said.by, "undone": undone, "was": said.was, "state": row.state, "reason": row.reason, "because": row.because,
        "second": said.is_second,
    }  # fmt: skip


def lying_document(one: Lying) -> dict[str, object]:
    """Return a line of the list as JSON shows it."""
    row = one.row
    return {
        "id": row.id, "shop": row.key.shop, "order": row.order, "rule": row.key.rule, "step": row.key.step, "template": row.template,
        "name": name_of(row.key), "urgent": row.urgent, "priority": row.priority, "transport": row.transport,
        "wanted_at": told(row.wanted_at), "expires_at": told(row.expires_at), "by": one.person or None, "until": told(one.until),
    }  # fmt: skip


def refused_document(error: DeskRefused) -> dict[str, object]:
    """Return why the answer is no as JSON shows it."""
    return {
        "refused": error.obstacle, "why": str(error), "person": error.person or None, "until": told(error.until),
        "breaches": [{"rule": one.rule.id, "severity": one.severity, "why": str(one), "right": one.rule.right} for one in error.breaches],
    }  # fmt: skip
