"""The desk on a terminal: one message after the other, one key each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import click

from messenger.bootstrap import Engine
from messenger.cli.desk_sheet import found_lines, gone_line, refused_lines, said_line, sheet_lines
from messenger.cli.desk_words import DeskWords, desk_words, language_of
from messenger.cli.desktop import copy, open_link
from messenger.services.desk import Desk, DeskRefused, Found, Gone, Obstacle, Said, Sheet, Word

ON_A_RUSSIAN_KEYBOARD: Final[Mapping[str, str]] = {
    "с": "c", "щ": "o", "ы": "s", "у": "e", "л": "k", "и": "b", "к": "r", "ф": "a", "д": "l", "г": "u", "й": "q",
}  # fmt: skip
"""The same keys when the keyboard is switched to Russian."""
STAYS: Final = frozenset({Obstacle.NOTHING_TO_UNDO, Obstacle.MOVED_ON})
"""After such a no the same message still lies before the person."""
INTERRUPT: Final = frozenset({"\x03", "\x04", "q"})


def edited(text: str) -> str | None:
    """Return the text as a person leaves it in their $EDITOR; None when it is as it was."""
    found: str | None = click.edit(text, extension=".txt")
    return found


@dataclass(slots=True)
class DeskLoop:
    """One person at work until there is nothing left for them, or they stop.

    Args:
        engine: the running program; a newer generation of rules and texts is taken up between two messages.
        person: who.
        shop: only of this one; None for all.
        language: of what is said; None for that of each shop's staff.
        key: waits for a key.
        edit: lets the person edit a text; None when they left it as it was.
        launch: opens a link, if there is a screen for it.
    """

    engine: Engine
    person: str
    shop: str | None = None
    language: str | None = None
    key: Callable[[], str] = click.getchar
    edit: Callable[[str], str | None] = field(default=edited)
    launch: Callable[[str], bool] = open_link
    _desk: Desk = field(init=False)
    _passed: set[int] = field(default_factory=set)
    _draft: str = ""
    """What the person wrote last and the platform would not take."""
    _counts: Counter[Word] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._desk = self._opened()

    def _opened(self) -> Desk:
        return Desk(self.engine.store, self.engine.home, self.engine.clock)

    def run(self) -> None:
        """Work."""
        look_for_edits = self.engine.reloading()
        goes_on = True
        while goes_on:
            if look_for_edits() is not None:
                self._desk = self._opened()
            found = self._desk.next(self.person, shop=self.shop, passing=self._passed)
            for one in found.gone:
                self._say([gone_line(one, self._words(), self.engine.home)])
            goes_on = self._work_at(found.sheet) if found.sheet is not None else self._rest(found)
        others = sum(self._counts.values()) - self._counts[Word.SENT]
        self._say([self._words().say("total", sent=str(self._counts[Word.SENT]), others=str(others))])

    def _rest(self, found: Found) -> bool:
        """There is nothing to send; returns whether the person goes on, by taking back what they said last."""
        shops = self.engine.home.shops
        named = shops.get(self.shop or "") or next(iter(shops.values()), None)
        self._say(found_lines(found, self._words(), named, self.engine.clock.now()))
        if not sum(self._counts.values()):
            return False
        self._say([self._words().say("keys_at_rest")])
        if self._key() != "u":
            return False
        try:
            self._take_back(None)
        except DeskRefused as error:
            self._say(refused_lines(error, self._words(), self.engine.home))
            return False
        return True

    # --- one message --------------------------------------------------------------------------------------------

    def _work_at(self, sheet: Sheet) -> bool:
        """Deal with one message; returns whether the person goes on."""
        self._draft = ""
        self._show(sheet)
        current = sheet
        while True:
            key = self._key()
            if key in INTERRUPT:
                self._put_back(current)
                return False
            try:
                then = self._done(key, current)
            except click.Abort:  # a question was not answered
                then = current
            except DeskRefused as error:
                self._say(refused_lines(error, self._words(current), self.engine.home, current.row.id))
                then = current if error.obstacle in STAYS else None
            if then is None:
                return True
            current = then

    def _done(self, key: str, sheet: Sheet) -> Sheet | None:
        """Do what a key asks for; returns what lies before the person then, None for the next message."""
        act = self._acts().get(key)
        if act is None:
            words = self._words(sheet)
            if key.isprintable() and key.strip():
                self._say([words.say("unknown_key", pressed=key)])
            self._say([words.say("keys")])
            return sheet
        return act(sheet)

    def _acts(self) -> Mapping[str, Callable[[Sheet], Sheet | None]]:
        return {
            "c": self._copy, "o": self._open_link, "s": self._sent, "e": self._edit, "k": self._skip, "b": self._buyer_wrote,
            "r": self._refused, "a": self._already_told, "l": self._later, "u": self._undo,
        }  # fmt: skip

    def _copy(self, sheet: Sheet) -> Sheet:
        self._desk.renew(sheet.row.id, self.person)
        how, words = copy(sheet.text.strip()), self._words(sheet)
        self._say([words.say("copied", how=how) if how else words.say("not_copied")])
        return sheet

    def _open_link(self, sheet: Sheet) -> Sheet:
        self._desk.renew(sheet.row.id, self.person)
        words = self._words(sheet)
        has_opened = bool(sheet.link) and self.launch(sheet.link)
        link = words.say("opened_link", link=sheet.link) if has_opened else sheet.link
        self._say([link or words.say("no_link")])
        return sheet

    def _sent(self, sheet: Sheet) -> None:
        self._note(self._desk.confirm(sheet.row.id, self.person), sheet)

    def _skip(self, sheet: Sheet) -> None:
        why = self._asked("why", sheet)
        self._note(self._desk.skip(sheet.row.id, self.person, why=why), sheet)

    def _refused(self, sheet: Sheet) -> None:
        why = self._asked("their_words", sheet)
        self._note(self._desk.refused(sheet.row.id, self.person, why=why), sheet)

    def _already_told(self, sheet: Sheet) -> None:
        self._note(self._desk.already_told(sheet.row.id, self.person), sheet)

    def _buyer_wrote(self, sheet: Sheet) -> None:
        text = self._asked("buyers_words", sheet)
        self._note(self._desk.buyer_wrote(sheet.row.id, self.person, text=text), sheet)

    def _later(self, sheet: Sheet) -> None:
        self._passed.add(sheet.row.id)
        self._put_back(sheet)

    def _edit(self, sheet: Sheet) -> Sheet | None:
        try:
            text = self.edit(self._draft or sheet.text)
        except click.ClickException as error:  # there is no editor
            self._say([error.message])
            text = None
        if text is None:
            self._say([self._words(sheet).say("unchanged")])
            return sheet
        self._draft = text
        try:
            changed = self._desk.edit(sheet.row.id, self.person, text)
        except DeskRefused as error:
            if error.obstacle in {Obstacle.TEXT, Obstacle.NOT_PLAIN}:
                self._say(
                    [*refused_lines(error, self._words(sheet), self.engine.home), self._words(sheet).say("edit_again")]
                )
                return sheet
            raise
        self._draft = ""
        if isinstance(changed, Gone):
            self._say([gone_line(changed, self._words(sheet), self.engine.home)])
            return None
        self._show(changed)
        return changed

    def _undo(self, sheet: Sheet) -> None:
        """Take back the last word; what it was about lies before the person then."""
        if self._take_back(sheet) != sheet.row.id:
            self._put_back(sheet)

    def _take_back(self, sheet: Sheet | None) -> int:
        said = self._desk.undo(self.person)
        self._counts[said.word] -= 1
        self._passed.discard(said.row.id)
        self._say([said_line(said, self._words(sheet), undone=True)])
        return said.row.id

    # --- saying and asking --------------------------------------------------------------------------------------

    def _note(self, said: Said, sheet: Sheet) -> None:
        self._counts[said.word] += 1
        self._passed.add(said.row.id)
        self._say([said_line(said, self._words(sheet))])

    def _put_back(self, sheet: Sheet) -> None:
        try:
            self._desk.put_back(sheet.row.id, self.person)
        except DeskRefused as error:  # it is somebody else's already, or over
            self._say(refused_lines(error, self._words(sheet), self.engine.home, sheet.row.id))

    def _key(self) -> str:
        try:
            pressed = self.key()
        except (KeyboardInterrupt, EOFError):
            return "\x03"
        key = pressed.casefold()
        return ON_A_RUSSIAN_KEYBOARD.get(key, key)

    def _asked(self, question: str, sheet: Sheet) -> str:
        told: str = click.prompt(self._words(sheet).say(question), default="", show_default=False)
        return told

    def _show(self, sheet: Sheet) -> None:
        words = self._words(sheet)
        self._say(["", *sheet_lines(sheet, words, self.engine.home, self.engine.clock.now()), words.say("keys")])

    def _words(self, sheet: Sheet | None = None) -> DeskWords:
        return desk_words(language_of(self.engine.home, self.language, sheet.shop if sheet else None))

    @staticmethod
    def _say(lines: Iterable[str]) -> None:
        for line in lines:
            click.echo(line)
