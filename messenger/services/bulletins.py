"""Bulletins: alerts, and what waits for a person, in the words of the people of a shop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.notices import Notice
from messenger.domain.shops import Shop
from messenger.ports import Bulletin, Needs
from messenger.services.speaking.words import Words

OURSELVES: Final = "messenger"
SHOW: Final = "messenger alerts"
DONE: Final = "messenger alerts done {id}"
INDENT: Final = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Says what is the matter.

    Args:
        words: in whose language.
        shops: by id.
        zone: on whose clock, where an alert is not a shop's.
    """

    words: Words
    shops: Mapping[str, Shop]
    zone: ZoneInfo

    # --- one alert ----------------------------------------------------------------------------------------------

    def what(self, alert: Alert) -> str:
        """Return what is the matter, and with what, without a full stop."""
        said = self.words.sentence(f"alerts.kinds.{alert.kind}")
        is_one_of_many = (
            alert.subject and alert.kind is not AlertKind.STAND_STILL
        )  # whose subject is only a word of ours
        return self.words.say("alerts.about", what=said, subject=alert.subject) if is_one_of_many else said

    def facts(self, alert: Alert) -> str:
        """Return since when, who waits, what is lost and whether it can wait, without a full stop."""
        return self.words.say("clause_separator").join(self._facts(alert))

    def line(self, alert: Alert) -> str:
        """Return everything about an alert on one line."""
        told = self.words.say("alerts.full", what=self.what(alert), facts=_capital(self.facts(alert)))
        shop, said = self._shop(alert), " ".join([told, *self._detail(alert)])
        return self.words.say("alerts.of_shop", shop=shop, text=said) if shop else said

    def _facts(self, alert: Alert) -> Iterator[str]:
        since, zone = self._moment(alert.since, alert), self._zone(alert).key
        if alert.ended_at is not None:
            until = self.words.say("alerts.in_zone", time=self._moment(alert.ended_at, alert), zone=zone)
            yield self.words.say("alerts.facts_over", since=since, until=until)
            if alert.ended_by:
                yield self.words.say("alerts.by", who=alert.ended_by)
            return
        if f"alerts.so.{alert.kind}" in self.words:
            yield self.words.say(f"alerts.so.{alert.kind}")
        yield self.words.say("alerts.facts", since=self.words.say("alerts.in_zone", time=since, zone=zone))
        if alert.buyers:
            yield self.words.count("alerts.buyers.waiting", alert.buyers)
        yield self.words.say(f"alerts.lost.{alert.loss}")
        yield self.words.say(f"alerts.wait.{'yes' if alert.can_wait else 'no'}")

    def _detail(self, alert: Alert) -> list[str]:
        return [self.words.quoted(" ".join(alert.detail.split()))] if alert.detail and alert.is_open else []

    def _moment(self, at: datetime, alert: Alert) -> str:
        local, locale = at.astimezone(self._zone(alert)), self.words.locale
        date, time = format_date(local, "medium", locale=locale), format_time(local, "short", locale=locale)
        return self.words.say("alerts.moment", date=date, time=time)

    def _zone(self, alert: Alert) -> ZoneInfo:
        shop = self.shops.get(alert.shop)
        return ZoneInfo(shop.zone) if shop else self.zone

    def _shop(self, alert: Alert) -> str:
        shop = self.shops.get(alert.shop)
        return shop.name if shop else alert.shop

    # --- a notice -----------------------------------------------------------------------------------------------

    def bulletin(self, notice: Notice, needs: Mapping[str, Needs]) -> Bulletin | None:
        """Return a notice in words, with what waits for a person; None when there is nothing to say."""
        waiting = {shop: one for shop, one in needs.items() if one != Needs()}
        if not notice and not waiting:
            return None
        text = "\n\n".join("\n".join(part) for part in self._parts(notice, waiting))
        return Bulletin(subject=self._subject(notice, waiting), text=f"{text}\n", language=self.words.language)

    def test(self) -> Bulletin:
        """Return a bulletin that says that nothing is the matter."""
        say = self.words.say
        return Bulletin(
            subject=say("alerts.test_subject"), text=f"{say('alerts.test')}\n", language=self.words.language
        )

    def _parts(self, notice: Notice, needs: Mapping[str, Needs]) -> Iterator[list[str]]:
        for name, alerts in (("opened", notice.opened), ("again", notice.again), ("over", notice.over)):
            if alerts:
                yield [self.words.say(f"alerts.heads.{name}"), *self._listed(alerts)]
        if needs:
            yield [self.words.say("alerts.heads.needs"), *self._needed(needs)]
        more = [self.words.count("alerts.more", notice.others)] if notice.others > 0 else []
        yield [*more, self.words.say("alerts.footer", command=SHOW)]

    def _listed(self, alerts: Iterable[Alert]) -> Iterator[str]:
        for one in alerts:
            shop, what = self._shop(one), self.what(one)
            yield f"- {self.words.say('alerts.of_shop', shop=shop, text=what) if shop else what}"
            yield INDENT + _capital(self.facts(one))
            yield from (INDENT + detail for detail in self._detail(one))
            if one.is_open and not one.ends_by_itself:
                yield INDENT + self.words.say("alerts.done", command=DONE.format(id=one.id))

    def _needed(self, needs: Mapping[str, Needs]) -> Iterator[str]:
        for shop, one in needs.items():
            counts = {name: number for name, number in asdict(one).items() if number}
            said = self.words.say("clause_separator").join(
                self.words.count(f"alerts.needs.{name}", number) for name, number in counts.items()
            )
            name = self.shops[shop].name if shop in self.shops else shop
            yield f"- {self.words.say('alerts.of_shop', shop=name, text=said)}"

    def _subject(self, notice: Notice, needs: Mapping[str, Needs]) -> str:
        told = [("opened", one) for one in notice.opened]
        told += [("again", one) for one in notice.again] + [("over", one) for one in notice.over]
        who = self._who([one for _, one in told], needs)
        if len(told) == 1 and not needs:
            ((kind, alert),) = told
            return self.words.say(f"alerts.subject.{kind}", who=who, what=self.what(alert))
        numbers = {
            "opened": len(notice.opened), "again": len(notice.again), "over": len(notice.over),
            "needs": sum(sum(asdict(one).values()) for one in needs.values()),
        }  # fmt: skip
        counted = [
            self.words.count(f"alerts.subject.{name}_number", number) for name, number in numbers.items() if number
        ]
        return self.words.say("alerts.subject.several", who=who, what=self.words.both(counted))

    def _who(self, alerts: Iterable[Alert], needs: Iterable[str]) -> str:
        """The one shop it is about, else ourselves."""
        shops = {one.shop for one in alerts} | set(needs)
        if len(shops) != 1 or "" in shops:
            return OURSELVES
        (shop,) = shops
        return self.shops[shop].name if shop in self.shops else shop


def alert_document(alert: Alert, speaker: Speaker) -> dict[str, object]:
    """Return an alert as JSON shows it; instants are told as they are."""
    return {
        "id": alert.id, "kind": str(alert.kind), "subject": alert.subject, "shop": alert.shop or None,
        "sentence": speaker.what(alert), "since": alert.since, "seen_at": alert.seen_at, "times": alert.times,
        "buyers": alert.buyers, "detail": alert.detail, "lost": str(alert.loss), "can_wait": alert.can_wait,
        "ends_by_itself": alert.ends_by_itself, "open": alert.is_open, "ended_at": alert.ended_at,
        "ended_by": alert.ended_by or None, "told_at": alert.told_at,
    }  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
