"""Making adapters from settings: what carries, composes and signs."""

from __future__ import annotations

from collections import defaultdict

from messenger.bootstrap.platforms import Means, platform_transports
from messenger.config.mailboxes import MailboxSettings
from messenger.config.settings import Settings
from messenger.config.transports import TransportSettings
from messenger.domain.messages import EMAIL, PLATFORM
from messenger.errors import ConfigurationError
from messenger.intake.mailbox import MailboxAccess
from messenger.mail.mime import MimeComposer
from messenger.mail.smtp import Login, Mechanism, Security, SmtpSettings, SmtpTransport, Timeouts
from messenger.platforms.composing import PlatformComposer
from messenger.ports import Composer, Transport
from messenger.services.accounts import Limits
from messenger.services.composing import ByChannel


def composer_of(settings: Settings) -> Composer:
    """What makes the finished messages, with the keys that sign them.

    Raises:
        ConfigurationError: a key cannot be used; every such key is named.
    """
    return ByChannel({EMAIL: _mail_composer(settings), PLATFORM: PlatformComposer()})


def _mail_composer(settings: Settings) -> MimeComposer:
    if not settings.signing:
        return MimeComposer()
    from messenger.config.keys import key_findings, private_key  # noqa: PLC0415  # only where mail is signed
    from messenger.mail.dkim import Signer  # noqa: PLC0415  # the same

    if mistakes := key_findings(settings.signing):
        raise ConfigurationError(mistakes)
    signers: defaultdict[str, list[Signer]] = defaultdict(list)
    for one in settings.signing:
        signers[one.domain].append(Signer(one.domain, one.selector, private_key(one)))
    return MimeComposer(signers)


def access_to(one: MailboxSettings) -> MailboxAccess:
    """Return how a mailbox for bounces is read."""
    return MailboxAccess(
        host=one.host, port=one.port, security=str(one.security), username=one.username,
        password=one.password.reveal() if one.password else "", ca_file=one.ca_file, folder=one.folder, done=one.done,
    )  # fmt: skip


def limits_of(settings: Settings) -> dict[str, Limits]:
    """Return how much each transport may carry at a time, by its name."""
    return {
        name: Limits(connections=one.connections, whole=one.rate, domains=one.domain_rates)
        for name, one in settings.transports.items()
    } | {name: Limits(connections=one.connections, whole=one.rate) for name, one in settings.platforms.items()}


def transports_of(settings: Settings, means: Means) -> dict[str, Transport]:
    """Return every transport that carries by itself, by its name."""
    servers: dict[str, Transport] = {name: transport_of(name, one) for name, one in settings.transports.items()}
    return servers | platform_transports(settings, means)


def transport_of(name: str, one: TransportSettings) -> Transport:
    """Return one transport."""
    return SmtpTransport(smtp_settings(name, one))


def smtp_settings(name: str, one: TransportSettings) -> SmtpSettings:
    """Return how a mail server is used."""
    return SmtpSettings(
        name=name, host=one.host, port=one.port, security=Security(one.security), insecure=one.insecure, login=_login(one),
        connections=one.connections, messages_per_connection=one.messages_per_connection, idle=one.idle, is_dsn_wanted=one.dsn,
        timeouts=Timeouts(connect=one.timeout, **one.timeouts), redirect_to=one.redirect_to, ca_file=str(one.ca_file or ""),
        local_hostname=one.hello,
    )  # fmt: skip


def _login(one: TransportSettings) -> Login | None:
    mechanism = Mechanism.XOAUTH2 if one.token else Mechanism(one.auth)
    secret = one.token or one.password
    return Login(username=one.username, secret=secret.reveal, mechanism=mechanism) if secret else None
