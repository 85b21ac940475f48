"""Mails that come back, in the manner of the servers that write them. All of it made up; the forms are theirs."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from textwrap import dedent

from messenger.domain.reports import Kind

ID = "0d72ac4127c191d4493d4d909432fb85@sunny-toys.example"
BUYER = "ana@buyer.example"


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail, and what it reports."""

    name: str
    raw: bytes
    kind: Kind
    recipient: str = BUYER
    status: str = ""
    code: int = 0


def dsn(
    fields: str,
    *,
    common: str = "Reporting-MTA: dns; mx.buyer.example\n",
    headers: str = "From: Mail Delivery System <MAILER-DAEMON@mx.buyer.example>\nSubject: Undelivered Mail Returned to Sender\n",
    text: str = "I could not deliver your message.",
    original: str = "text/rfc822-headers",
    to: str = "care@sunny-toys.example",
    encoding: str = "",
) -> bytes:
    """Return a delivery report as RFC 3464 has it."""
    status = f"{common}\n{fields}"
    transfer = ""
    if encoding == "base64":
        status, transfer = base64.encodebytes(status.encode()).decode(), "Content-Transfer-Encoding: base64\n"
    quoted = f"Message-ID: <{ID}>\nSubject: Your order\nTo: {BUYER}\n"
    third = quoted if original != "message/rfc822" else f"{quoted}\nthe text of before\n"
    return (
        f"{headers}To: {to}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\n\n'
        f"--b1\nContent-Type: text/plain; charset=us-ascii\n\n{text}\n\n"
        f"--b1\nContent-Type: message/delivery-status\n{transfer}\n{status}\n"
        f"--b1\nContent-Type: {original}\n\n{third}\n--b1--\n"
    ).encode()


def plain(headers: str, body: str, *, to: str = "care@sunny-toys.example") -> bytes:
    """Return a report in a server's own words."""
    return f"{dedent(headers).strip()}\nTo: {to}\nContent-Type: text/plain; charset=utf-8\n\n{dedent(body).strip()}\n".encode()


def failed(status: str, diagnostic: str, *, action: str = "failed", recipient: str = BUYER, more: str = "") -> str:
    """Return the fields of one recipient."""
    return f"{more}Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: {diagnostic}\n"


QUOTED = f"\nMessage-ID: <{ID}>\nSubject: Your order\n"
GOOGLE = "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nSubject: Delivery Status Notification ({})\n"

SAMPLES = [
    Sample("postfix", dsn(failed("5.1.1", "smtp; 550 5.1.1 <ana@buyer.example>: Recipient address rejected: User unknown")), Kind.BOUNCE,
           status="5.1.1", code=550),
    Sample("postfix, folded diagnostic", dsn(failed("5.1.1", "smtp; 550 5.1.1 <ana@buyer.example>:\n    Recipient address rejected")),
           Kind.BOUNCE, status="5.1.1", code=550),
    Sample("postfix, delayed", dsn(failed("4.4.1", "smtp; connect to mx.buyer.example[192.0.2.1]:25: timed out", action="delayed")),
           Kind.DELAY, status="4.4.1"),
    Sample("postfix, expired", dsn(failed("4.4.7", "X-Postfix; delivery temporarily suspended", action="failed")), Kind.BOUNCE,
           status="4.4.7"),
    Sample("postfix, relayed", dsn(failed("2.0.0", "smtp; 250 2.0.0 ok", action="relayed")), Kind.DELIVERED, status="2.0.0"),
    Sample("exim", dsn("Action: failed\nFinal-Recipient: rfc822;ana@buyer.example\nStatus: 5.0.0\nRemote-MTA: dns; mx.buyer.example\n"
                       "Diagnostic-Code: smtp; 550 5.1.1 no such user here\n"), Kind.BOUNCE, status="5.1.1", code=550),
    Sample("exim, no third part id but a quoted one", plain(
        "From: Mail Delivery System <Mailer-Daemon@relay.example>\nX-Failed-Recipients: ana@buyer.example\nSubject: Mail delivery failed: returning message to sender",  # noqa: E501
        f"This message was created automatically by mail delivery software.\n\n  ana@buyer.example\n    host mx.buyer.example [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<ana@buyer.example>:\n    550 5.1.1 User unknown\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, status="5.1.1", code=550),
    Sample("exim, nothing but words for people", dsn(
        "Action: failed\nFinal-Recipient: rfc822;ana@buyer.example\nStatus: 5.0.0\n",
        text="The following address(es) failed:\n\n  ana@buyer.example\n    550 5.1.1 there was such a mailbox once"), Kind.BOUNCE,
        status="5.1.1", code=550),
    Sample("sendmail", dsn(failed("5.1.1", "SMTP; 550 5.1.1 <ana@buyer.example>... User unknown"),
                           common="Reporting-MTA: dns; mail.relay.example\nReceived-From-MTA: DNS; localhost\nArrival-Date: Mon, 2 Mar 2026 10:00:00 GMT\n",  # noqa: E501
                           original="message/rfc822"), Kind.BOUNCE, status="5.1.1", code=550),
    Sample("sendmail, comment in the action", dsn(failed("5.2.2", "smtp; 552 5.2.2 Over quota", action="failed (mailbox full)")),
           Kind.BOUNCE, status="5.2.2", code=552),
    Sample("an MTA that writes error", dsn(failed("5.7.1", "smtp; 554 5.7.1 rejected", action="error")), Kind.BOUNCE, status="5.7.1",
           code=554),
    Sample("capitals", dsn(failed("5.1.10", "smtp; 556 5.1.10 null MX", action="FAILED")), Kind.BOUNCE, status="5.1.10", code=556),
    Sample("original recipient first", dsn(failed("5.1.1", "smtp; 550 no", recipient="elsewhere@forward.example",
                                                  more="Original-Recipient: rfc822; ana@buyer.example\n")), Kind.BOUNCE, status="5.1.1", code=550),
    Sample("original recipient in xtext", dsn(failed("5.1.1", "smtp; 550 no", recipient="x@y.example",
                                                     more="Original-Recipient: rfc822;ana+40buyer.example\n")), Kind.BOUNCE, status="5.1.1", code=550),  # noqa: E501
    Sample("status field in base64", dsn(failed("5.1.1", "smtp; 550 5.1.1 unknown"), encoding="base64"), Kind.BOUNCE, status="5.1.1",
           code=550),
    Sample("no status field", dsn("Final-Recipient: rfc822; ana@buyer.example\nAction: failed\nDiagnostic-Code: smtp; 550 5.1.1 gone\n"),
           Kind.BOUNCE, status="5.1.1", code=550),
    Sample("no action, class 4", dsn("Final-Recipient: rfc822; ana@buyer.example\nStatus: 4.2.2\n"), Kind.DELAY, status="4.2.2"),
    Sample("exchange", dsn(failed("5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ana@buyer.example not found"),
                           headers="From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@shop.example>\nSubject: Undeliverable: Your order\n",  # noqa: E501
                           original="message/rfc822"), Kind.BOUNCE, status="5.1.10", code=550),
    Sample("gmail", dsn(failed("5.1.1", "smtp; 550-5.1.1 The email account that you tried to reach does not exist. 550 5.1.1 learn more"),
                        headers=GOOGLE.format("Failure"),
                        original="message/rfc822"), Kind.BOUNCE, status="5.1.1", code=550),
    Sample("gmail, delayed", dsn(failed("4.4.1", "dns; the recipient server did not accept our requests", action="delayed"),
                                 headers=GOOGLE.format("Delay")),
           Kind.DELAY, status="4.4.1"),
    Sample("yahoo", dsn(failed("5.0.0", "smtp; 554 delivery error: dd This user doesn't have a yahoo.com account")), Kind.BOUNCE,
           status="5.0.0", code=554),
    Sample("outlook.com", dsn(failed("5.5.0", "smtp; 550 5.5.0 Requested action not taken: mailbox unavailable")), Kind.BOUNCE,
           status="5.5.0", code=550),
    Sample("mail.ru", dsn(failed("5.0.0", "smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox ana@buyer.example is unavailable: user not found")),  # noqa: E501
           Kind.BOUNCE, status="5.0.0", code=550),
    Sample("yandex", dsn(failed("5.7.1", "smtp; 550 5.7.1 No such user!")), Kind.BOUNCE, status="5.7.1", code=550),
    Sample("qq, in chinese words", plain(
        "From: Postmaster <PostMaster@qq.example>\nSubject: =?utf-8?b?57O757uf6YCA5L+h?=\nReturn-Path: <>",
        f"抱歉，您的邮件被退回来了。系统退信\n\nana@buyer.example\n\n550 收件人不存在\n{QUOTED}"), Kind.BOUNCE, code=550),
    Sample("163", plain("From: Postmaster@163.example\nReturn-Path: <>\nSubject: 系统退信",
                        f"系统退信\nana@buyer.example\nSMTP error: 550 User not found: ana@buyer.example\n{QUOTED}"), Kind.BOUNCE, code=550),
    Sample("qmail", plain(
        "Return-Path: <>\nFrom: MAILER-DAEMON@qmail.example\nSubject: failure notice",
        f"Hi. This is the qmail-send program at qmail.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<ana@buyer.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no mailbox here by that name\n\n--- Below this line is a copy of the message.\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, status="5.1.1", code=550),
    Sample("russian words", plain("Return-Path: <>\nFrom: mailer-daemon@mail.example\nSubject: Недоставленное сообщение",
                                  f"Письмо не может быть доставлено.\n\nana@buyer.example\n\n550 нет такого пользователя\n{QUOTED}"), Kind.BOUNCE,
           code=550),
    Sample("spanish words, mailbox full", plain(
        "Return-Path: <>\nFrom: postmaster@correo.example\nSubject: No se pudo entregar su mensaje",
        f"No se pudo entregar su mensaje a:\n\nana@buyer.example\n\n552 5.2.2 buzón lleno\n{QUOTED}"), Kind.BOUNCE, status="5.2.2", code=552),
    Sample("a warning in words", plain(
        "Return-Path: <>\nFrom: MAILER-DAEMON@relay.example\nSubject: Warning: could not be delivered yet, delayed 4 hours",
        f"ana@buyer.example\n451 4.4.1 timed out\n{QUOTED}"), Kind.DELAY, status="4.4.1", code=451),
    Sample("an out-of-office answer", plain(
        "From: ana@buyer.example\nAuto-Submitted: auto-replied (vacation)\nSubject: Out of office", "I am away until Monday."), Kind.AUTOMATIC, recipient=""),  # noqa: E501
    Sample("an answering machine of old", plain("From: ana@buyer.example\nPrecedence: auto_reply\nSubject: Re: Your order", "Thanks!"),
           Kind.AUTOMATIC, recipient=""),
    Sample("a person", plain("From: Ana <ana@buyer.example>\nSubject: Re: Your order", "Where is my parcel? It says undeliverable."),
           Kind.UNKNOWN, recipient=""),
    Sample("a person who quotes a bounce", plain("From: Ana <ana@buyer.example>\nSubject: Undelivered?",
                                                 f"I got this: 550 5.1.1 user unknown\n{QUOTED}"), Kind.UNKNOWN, recipient=""),
]  # fmt: skip


def complaint(*, kind: str = "abuse", mail_from: str = "care@sunny-toys.example") -> bytes:
    """Return a complaint as RFC 5965 has it."""
    return (
        "From: <abusedesk@mailbox.example>\nTo: care@sunny-toys.example\nSubject: FW: Your order\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b1"\n\n'
        "--b1\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        f"--b1\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: SomeGenerator/1.0\nVersion: 1\n"
        f"Original-Mail-From: <{mail_from}>\nOriginal-Rcpt-To: <{BUYER}>\n\n"
        f"--b1\nContent-Type: message/rfc822\n\nMessage-ID: <{ID}>\nSubject: Your order\nTo: {BUYER}\n\nthe text\n--b1--\n"
    ).encode()
