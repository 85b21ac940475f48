"""A log line is one line, whatever stands in it."""

from __future__ import annotations

import logging

import pytest

from messenger.cli.logs import LineFormatter


def line(message: str, **fields: object) -> str:
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", "created": 1772446500.123, **fields})
    return LineFormatter().format(record)


def test_an_event_is_told_with_its_fields() -> None:
    assert line("valve_closed", intake=12, messages=312) == (
        "2026-03-02T10:15:00.123Z info valve_closed intake=12 messages=312"
    )


@pytest.mark.parametrize(
    "value", ["a\nfake line", "a\r\nb", "\x1b[31mred", "\u202eright to left", "two words", "", 'a "quote"', "a=b"]
)
def test_no_value_can_end_the_line_or_reach_the_terminal(value: str) -> None:
    told = line("intake_failed", error=value)

    assert told.isprintable()
    assert told.startswith("2026-03-02T10:15:00.123Z info intake_failed error=")


def test_a_name_with_controls_is_made_harmless() -> None:
    assert "\n" not in line("two\nlines")
