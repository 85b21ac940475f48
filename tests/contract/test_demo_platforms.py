"""``messenger demo --platforms``: three shops on small platforms, from polls and posts to messages by hand, by call and by mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from messenger.cli.main import main


@pytest.mark.timeout(300)
def test_messages_leave_every_way_and_a_lost_answer_makes_no_second_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--platforms", "--output", str(tmp_path / "demo")])
    said = capsys.readouterr().out
    texts = (tmp_path / "demo" / "messages.txt").read_text(encoding="utf-8").split("--- ")

    assert ended.value.code == 0
    ways = [line.split()[0] for line in said.splitlines() if " through " in line or " by mail" in line]
    assert all(int(count) > 0 for count in ways)
    assert len(ways) == 3
    assert "the answer to 1 was lost, the conversation was read, and it was there" in said
    by_ebay = [text for text in texts if text.startswith("eBay")]
    assert len(by_ebay) == len(set(by_ebay)) == int(ways[1])
    assert "we wrote: customs-arrived, in es" in said
    assert "we wrote: delivery-failed, in en" in said
    assert "we wrote: delivered, in pt-BR" in said
    assert list((tmp_path / "demo" / "mail").glob("*.eml"))
