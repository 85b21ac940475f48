"""CloudEvents 1.0 over HTTP: structured, binary and batched. Source: docs/sources.md, S1 and S28."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from messenger.domain.json_text import parsed
from messenger.errors import EventError

BATCH: Final = "application/cloudevents-batch"
STRUCTURED: Final = "application/cloudevents"
JSON: Final = "application/json"
PREFIX: Final = "ce-"
REQUIRED: Final = ("id", "source", "specversion", "type")
MOST: Final = 1000
"""Events of one batch."""

Document = dict[str, object]


def is_cloudevents(headers: Mapping[str, str]) -> bool:
    """Return whether a request holds CloudEvents, in any of the three ways."""
    has_all = all(f"{PREFIX}{name}" in headers for name in REQUIRED)
    return headers.get("content-type", "").strip().lower().startswith(STRUCTURED) or has_all


def read_events(headers: Mapping[str, str], body: bytes) -> list[Document]:
    """Return the events of a request, each in structured form and not yet judged.

    Args:
        headers: by name in small letters.
        body: the raw bytes.

    Raises:
        EventError: it holds none, or they are not written as CloudEvents are.
    """
    kind = headers.get("content-type", "").strip().lower()
    if kind.startswith(BATCH):
        return _batch(parsed(body))
    if kind.startswith(STRUCTURED):
        _check_is_json(kind)
        return [_structured(parsed(body), "")]
    if is_cloudevents(headers):
        return [_binary(headers, body)]
    raise EventError(
        "", f'holds no CloudEvent: the content type is "{kind[:60]}", and not all of {_ce(REQUIRED)} are there'
    )


def header_text(value: str) -> str:
    """Return what the value of a ``ce-`` header stands for.

    Quotes around it and backslashes are those of older senders; percent-encoding is undone exactly once.

    Raises:
        EventError: it is not written as it has to be.
    """
    text = value.strip()
    if not re.fullmatch(r"[\x20-\x7e]*", text):
        raise EventError("", f"holds a character that has to be percent-encoded: {ascii(text)[:60]}")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise EventError("", f"holds a % that begins no encoded byte: {text[:60]}")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise EventError("", f"is not UTF-8 when its percent-encoding is undone: {text[:60]}") from None


def _batch(found: object) -> list[Document]:
    if not isinstance(found, list):
        raise EventError("", "a batch is a JSON list of events")
    if len(found) > MOST:
        raise EventError("", f"a batch holds {MOST} events at most, this one {len(found)}")
    return [_structured(one, f"[{index}]") for index, one in enumerate(found)]


def _structured(found: object, place: str) -> Document:
    if not isinstance(found, dict):
        raise EventError(place, "an event is a JSON object")
    document = dict(found)
    packed = document.pop("data_base64", None)
    if packed is None:
        return document
    if "data" in document:
        raise EventError(f"{place}.data".lstrip("."), "stands beside data_base64: one of the two holds the data")
    try:
        document["data"] = parsed(base64.b64decode(str(packed), validate=True))
    except binascii.Error:
        raise EventError(f"{place}.data_base64".lstrip("."), "is not base64") from None
    except EventError as error:
        raise EventError(f"{place}.data_base64".lstrip("."), error.problem) from None
    return document


def _binary(headers: Mapping[str, str], body: bytes) -> Document:
    if f"{PREFIX}datacontenttype" in headers:
        raise EventError(f"{PREFIX}datacontenttype", "must not be there: the content type says what the data is")
    document: Document = {}
    for name, value in headers.items():
        if name.startswith(PREFIX):
            document[_attribute(name)] = _decoded(name, value)
    kind = headers.get("content-type", JSON).strip().lower()
    _check_is_json(kind)
    if body.strip():
        document["data"] = parsed(body)
    return document


def _attribute(header: str) -> str:
    name = header.removeprefix(PREFIX)
    if not re.fullmatch(r"[a-z0-9]{1,40}", name, re.ASCII):
        raise EventError(header[:60], "names an attribute that is not of small letters and digits")
    return name


def _decoded(name: str, value: str) -> str:
    try:
        return header_text(value)
    except EventError as error:
        raise EventError(name, error.problem) from None


def _check_is_json(kind: str) -> None:
    bare = kind.partition(";")[0].strip()
    if bare != JSON and not bare.endswith("+json"):
        raise EventError("content-type", f'"{bare[:60]}" cannot be read: write {STRUCTURED}+json or {JSON}')


def _ce(names: tuple[str, ...]) -> str:
    return ", ".join(f"{PREFIX}{name}" for name in names)
