"""More mails that come back: servers that know no RFC 3464, complaints, and what only looks like either. All made up."""

from __future__ import annotations

import base64

from messenger.domain.reports import Kind
from tests.bounce_samples import BUYER, ID, QUOTED, Sample, complaint, dsn, failed, plain

ROBOT = "Return-Path: <>\nFrom: Mail Delivery Subsystem <MAILER-DAEMON@relay.example>\nSubject: "
GLOBAL = dsn(
    "Final-Recipient: utf-8; ана@пример.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 gone\n"
).replace(b"Content-Type: message/delivery-status", b"Content-Type: message/global-delivery-status")
QUOTED_PRINTABLE = dsn(failed("5.1.1", "smtp; 550 5.1.1 =C3=A9ternally gone")).replace(
    b"Content-Type: message/delivery-status\n",
    b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable\n",
)
FORWARDED = b"From: Shop <care@sunny-toys.example>\nSubject: Fwd\nContent-Type: message/rfc822\n\n" + dsn(
    failed("5.1.1", "smtp; 550 5.1.1 gone")
)
LETTER = f"Message-ID: <{ID}>\nTo: {BUYER}\nSubject: Your order\n"


def mixed(headers: str, *parts: str) -> bytes:
    """Return a mail of several parts, each with its headers."""
    body = "".join(f"--b1\n{part}\n" for part in parts)
    return f'{headers}\nTo: care@sunny-toys.example\nContent-Type: multipart/mixed; boundary="b1"\n\n{body}--b1--\n'.encode()


def page(headers: str, text: str) -> bytes:
    """Return a mail that is a web page in base64, as Chinese providers write."""
    body = base64.encodebytes(f"<html><body>{text}</body></html>".encode()).decode()
    letter = f"Content-Type: message/rfc822\n\n{LETTER}\nthe text"
    return mixed(
        headers, f"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{body}", letter
    )


FORMS = [
    Sample("sendmail of old", plain(
        f"{ROBOT}Returned mail: see transcript for details",
        f"   ----- The following addresses had permanent fatal errors -----\n<{BUYER}>\n    (reason: 550 5.1.1 User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.buyer.example.:\n>>> RCPT To:<{BUYER}>\n<<< 550 5.1.1 User unknown\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, status="5.1.1", code=550),
    Sample("sendmail, not yet", plain(
        f"{ROBOT}Warning: could not send message for past 4 hours, delayed",
        f"    **      THIS IS A WARNING MESSAGE ONLY      **\n   ----- Transcript of session follows -----\n{BUYER}... Deferred: Connection timed out\n451 4.4.1 reply\n{QUOTED}"),  # noqa: E501
        Kind.DELAY, status="4.4.1", code=451),
    Sample("qmail with its apology", plain(
        "Return-Path: <>\nFrom: MAILER-DAEMON@qmail.example\nSubject: failure notice",
        f"Hi. This is the qmail-send program at qmail.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<{BUYER}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <care@sunny-toys.example>\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, status="5.1.1"),
    Sample("qmail, the queue was too long", plain(
        "Return-Path: <>\nFrom: MAILER-DAEMON@qmail.example\nSubject: failure notice",
        f"Hi. This is the qmail-send program at qmail.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<{BUYER}>:\nI'm not going to try again; this message has been in the queue too long. (#4.4.1)\n\n--- Below this line is a copy of the message.\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, status="4.4.1"),
    Sample("exim, some hours later", plain(
        f"{ROBOT}Warning: message 1abc delayed 24 hours",
        f"This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its recipients after more than 24 hours.\n\n  {BUYER}\n    host mx.buyer.example: 450 4.2.0 greylisted\n{QUOTED}"),  # noqa: E501
        Kind.DELAY, status="4.2.0", code=450),
    Sample("exchange of old", plain(
        "From: System Administrator <postmaster@exchange.example>\nSubject: Undeliverable: Your order",
        f"Your message\n\n  To:      {BUYER}\n  Subject: Your order\n\ndid not reach the following recipient(s):\n\n{BUYER} on Mon, 2 Mar 2026 10:00:00 +0100\n    The recipient name is not recognized\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE),
    Sample("exchange without its fields", plain(
        "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@shop.example>\nSubject: Undeliverable: Your order\nIn-Reply-To: <x@y.example>",  # noqa: E501
        f"Delivery has failed to these recipients or groups:\n\n{BUYER}\nThe email address you entered couldn't be found.\n\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, status="5.1.10", code=550),
    Sample("outlook.com, told by its words", plain(
        "Return-Path: <>\nFrom: postmaster@outlook.example\nSubject: Delivery Status Notification (Failure)",
        f"Delivery to the following recipients failed.\n\n       {BUYER}\n\n550 5.5.0 Requested action not taken: mailbox unavailable\n{QUOTED}"),
        Kind.BOUNCE, status="5.5.0", code=550),
    Sample("a server that writes as bulk", plain(
        "From: MDaemon@mail.example\nReturn-Path: <MDaemon@mail.example>\nPrecedence: bulk\nSubject: Permanent Delivery Failure",
        f"The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful delivery attempts the attached message has been removed.\n\nFailed address: {BUYER}\n\n550 {BUYER}, Recipient unknown\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, code=550),
    Sample("a gateway without a name for itself", plain(
        f"From: <>\nSubject: Undeliverable: {BUYER}", f"Your Message\n\nDid not reach the following recipient: {BUYER}\n{QUOTED}"),
        Kind.BOUNCE),
    Sample("a mailbox program that rejects", mixed(
        "From: Mail Delivery Subsystem <postmaster@buyer.example>\nAuto-Submitted: auto-replied (rejected)\nPrecedence: bulk\nSubject: Automatically rejected mail",  # noqa: E501
        f"Content-Type: text/plain\n\nYour message to <{BUYER}> was automatically rejected:\nQuota exceeded",
        f"Content-Type: message/rfc822\n\n{LETTER}\nthe text"), Kind.BOUNCE),
    Sample("yahoo of old", plain(
        "From: MAILER-DAEMON@yahoo.example\nSubject: failure delivery",
        f"Message from  yahoo.example.\nUnable to deliver message to the following address(es).\n\n<{BUYER}>:\nThis user doesn't have a yahoo.example account ({BUYER}) [-5] - mta1\n\n--- Original message follows.\n\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE),
    Sample("gmail in russian", dsn(
        failed("5.1.1", "smtp; 550-5.1.1 The email account that you tried to reach does not exist."),
        headers="From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>\nSubject: =?UTF-8?B?0J3QtSDQtNC+0YHRgtCw0LLQu9C10L3Qvg==?=\n",
        text="Адрес не найден"), Kind.BOUNCE, status="5.1.1", code=550),
    Sample("mail.ru in its words", plain(
        "Return-Path: <>\nFrom: mailer-daemon@corp.mail.example\nSubject: Mail failure.",
        f"Это письмо создано автоматически сервером, отвечать на него не нужно.\nК сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:\n\n{BUYER}\n\nпользователь не найден\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE),
    Sample("yandex in its words", plain(
        "Return-Path: <>\nFrom: mailer-daemon@yandex.example\nSubject: Недоставленное сообщение",
        f"This is the mail system at host forward.yandex.example.\nПисьмо не доставлено.\n\n<{BUYER}>: host mx.buyer.example said: 550 5.7.1 No such user! (in reply to RCPT TO command)\n{QUOTED}"),  # noqa: E501
        Kind.BOUNCE, status="5.7.1", code=550),
    Sample("qq as a web page", page(
        "Return-Path: <>\nFrom: PostMaster@qq.example\nSubject: =?utf-8?b?57O757uf6YCA5L+h?=",
        f"<p>您的邮件被退回</p> <p>收件人 ( {BUYER} ) 不存在</p> <p>host mx said: 550 Mailbox not found</p>"), Kind.BOUNCE, code=550),
    Sample("163 as a web page", page(
        "From: Postmaster@163.example\nSubject: =?utf-8?b?57O757uf6YCA5L+h?=",
        f"<p>抱歉，您的邮件被退回来了……</p> 收件人 ( {BUYER} ) 550 User not found: {BUYER}"), Kind.BOUNCE, code=550),
    Sample("sina, in parts", mixed(
        "From: MAILER-DAEMON@sina.example\nPrecedence: bulk\nSubject: =?gb2312?b?z7XNs83L0MU=?=",
        f"Content-Type: text/plain; charset=gb2312\n\nDelivery failed: {BUYER}\n550 5.1.1 unknown user",
        f"Content-Type: message/rfc822\n\n{LETTER}\nthe text"), Kind.BOUNCE, status="5.1.1", code=550),
    Sample("german words", plain(
        f"{ROBOT}Unzustellbar: Ihre Bestellung", f"Ihre Nachricht konnte nicht zugestellt werden an\n\n{BUYER}\n\n550 5.1.1 unbekannt\n{QUOTED}"),
        Kind.BOUNCE, status="5.1.1", code=550),
    Sample("addresses in another script", GLOBAL, Kind.BOUNCE, recipient="ана@пример.example", status="5.1.1", code=550),
    Sample("fields in quoted-printable", QUOTED_PRINTABLE, Kind.BOUNCE, status="5.1.1", code=550),
    Sample("a report within a mail", FORWARDED, Kind.BOUNCE, status="5.1.1", code=550),
    Sample("given up after days", dsn(failed("4.4.7", "smtp; 451 4.4.7 queue time expired")), Kind.BOUNCE, status="4.4.7", code=451),
    Sample("handed on", dsn(failed("2.0.0", "smtp; 250 ok", action="relayed")), Kind.DELIVERED, status="2.0.0"),
    Sample("expanded (a list)", dsn(failed("2.0.0", "smtp; 250 ok", action="expanded (list)")), Kind.DELIVERED, status="2.0.0"),
    Sample("a complaint of yahoo", complaint(), Kind.COMPLAINT),
    Sample("a complaint, the address blotted out", complaint().replace(f"Original-Rcpt-To: <{BUYER}>\n".encode(), b""), Kind.COMPLAINT,
           recipient=""),
    Sample("a wish told as a complaint", complaint(kind="opt-out"), Kind.COMPLAINT),
    Sample("a complaint of outlook.com without a report", mixed(
        "From: staff@hotmail.example\nSubject: complaint about message from 192.0.2.1",
        f"Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: {BUYER}\n{LETTER}\nthe text"), Kind.COMPLAINT),
    Sample("no spam after all", complaint(kind="not-spam"), Kind.AUTOMATIC, recipient=""),
    Sample("a signature that was wrong", complaint(kind="auth-failure"), Kind.AUTOMATIC, recipient=""),
    Sample("a kind of report from the future", complaint(kind="mars"), Kind.UNKNOWN, recipient=""),
    Sample("away, with our words about a parcel", plain(
        f"Return-Path: <>\nFrom: Ana <{BUYER}>\nAuto-Submitted: auto-replied\nIn-Reply-To: <{ID}>\nSubject: Away",
        f"I am away.\n> Your parcel could not be delivered: the address is invalid.\n{QUOTED}"), Kind.AUTOMATIC, recipient=""),
    Sample("away, with our subject", plain(
        f"Return-Path: <>\nFrom: Ana <{BUYER}>\nAuto-Submitted: auto-replied\nSubject: Automatic reply: Your parcel could not be delivered",
        "I am away."), Kind.AUTOMATIC, recipient=""),
    Sample("away, told only by an empty return path", plain(
        f"Return-Path: <>\nFrom: Ana <{BUYER}>\nSubject: Re: Your parcel was not delivered", "I am away."), Kind.AUTOMATIC, recipient=""),
    Sample("a help desk's answer", plain(
        f"From: Help <help@buyer.example>\nAuto-Submitted: auto-generated\nIn-Reply-To: <{ID}>\nSubject: [#17] Undelivered parcel",
        "We have received your message."), Kind.AUTOMATIC, recipient=""),
    Sample("a person about a parcel", plain(
        f"From: Ana <{BUYER}>\nIn-Reply-To: <{ID}>\nSubject: Re: Your parcel could not be delivered",
        "550 euros and not delivered! Delivery failed again."), Kind.UNKNOWN, recipient=""),
    Sample("a receipt that it was read", mixed(
        f"From: Ana <{BUYER}>\nIn-Reply-To: <{ID}>\nSubject: Read: Your order", "Content-Type: text/plain\n\nIt was read.",
        "Content-Type: message/disposition-notification\n\nDisposition: manual-action/MDN-sent-manually; displayed"),
        Kind.UNKNOWN, recipient=""),
    Sample("nothing at all", b"", Kind.UNKNOWN, recipient=""),
]  # fmt: skip
