"""What the use cases need from the outside, as protocols. Adapters implement them and pass the shared contract suites."""

from messenger.domain.messages import Reason
from messenger.domain.orders import Payment
from messenger.ports.accounts import Accounts
from messenger.ports.alarms import Alarms, Bulletin, HeldBack, Needs, Notifier, Space, Telling
from messenger.ports.credentials import Credentials, Vault
from messenger.ports.feed import Feed
from messenger.ports.feedback import Feedback, KeptReport, Returns
from messenger.ports.news import News
from messenger.ports.outside import Clock, Committing, Composer, Done, NotNow, Transport, Verifier
from messenger.ports.polling import Hint, Page, Perhaps, Poller, Polls, PollState, Turn, TurnOver
from messenger.ports.store import Claims, Generations, Inbox, Keeping, Lanes, Reading, Store
from messenger.ports.unit import Unit
from messenger.ports.users import Session, User, Users
from messenger.ports.values import (
    BuyerKey,
    Change,
    Commitment,
    Edition,
    Entry,
    Frozen,
    InboxCounts,
    Line,
    OrderKey,
    Pause,
    Pulse,
    Rejected,
    Result,
    Settlement,
    Verdict,
)  # fmt: skip

__all__ = [
    "Accounts",
    "Alarms",
    "Bulletin",
    "BuyerKey",
    "Change",
    "Claims",
    "Clock",
    "Commitment",
    "Committing",
    "Composer",
    "Credentials",
    "Done",
    "Edition",
    "Entry",
    "Feed",
    "Feedback",
    "Frozen",
    "Generations",
    "HeldBack",
    "Hint",
    "Inbox",
    "InboxCounts",
    "Keeping",
    "KeptReport",
    "Lanes",
    "Line",
    "Needs",
    "News",
    "NotNow",
    "Notifier",
    "OrderKey",
    "Page",
    "Pause",
    "Payment",
    "Perhaps",
    "PollState",
    "Poller",
    "Polls",
    "Pulse",
    "Reading",
    "Reason",
    "Rejected",
    "Result",
    "Returns",
    "Session",
    "Settlement",
    "Space",
    "Store",
    "Telling",
    "Transport",
    "Turn",
    "TurnOver",
    "Unit",
    "User",
    "Users",
    "Vault",
    "Verdict",
    "Verifier",
]
