"""A template file is read as it is, or refused with its place."""

from __future__ import annotations

import pytest

from messenger.errors import TemplateError
from messenger.rendering.source import read_source

HEAD = b'+++\nsubject = "Hello"\n+++\n'


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x85", "\u2028", "\ufffe", "\r"])
def test_a_character_that_buyers_would_see_as_a_box_is_refused(character: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read_source("en/note.md", HEAD + f"one\n\ntwo {character} three\n".encode())

    (finding,) = refused.value.findings
    assert (finding.line, finding.problem) == (6, f"has the control character U+{ord(character):04X}")


def test_tabs_and_both_kinds_of_line_ends_are_none() -> None:
    assert read_source("en/note.md", HEAD.replace(b"\n", b"\r\n") + b"one\ttwo\r\n").body == "one\ttwo\n"
