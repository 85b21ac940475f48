"""APScheduler with one job for each message, in its own SQL job store: ``python -m benchmarks.peers.one_job_each PORT MESSAGES``.

Each job writes its message with Jinja2 and the standard library, and sends it by smtplib.
"""

from __future__ import annotations

import smtplib
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from tempfile import TemporaryDirectory

from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from jinja2 import DictLoader, Environment, select_autoescape

from benchmarks.peers import words

PARTS = Environment(
    loader=DictLoader({"subject": words.SUBJECT, "text": words.TEXT, "body.html": words.HTML}),
    autoescape=select_autoescape(["html"]),
)


def send(port: int, number: int) -> None:
    """Write and send one message."""
    told = words.values(number)
    message = EmailMessage()
    message["From"] = "Sunny Toys <care@sunny-toys.example>"
    message["To"] = f"b{number}@example.com"
    message["Subject"] = PARTS.get_template("subject").render(told)
    message.set_content(PARTS.get_template("text").render(told))
    message.add_alternative(PARTS.get_template("body.html").render(told), subtype="html")
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(message)


def main(port: int, messages: int, folder: str) -> float:
    """Run the jobs; returns messages a second from the first moment to the last job."""
    done, over = [0], threading.Event()

    def count(event: JobExecutionEvent) -> None:
        done[0] += event.exception is None
        if done[0] >= messages:
            over.set()

    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.db")},
        executors={"default": ThreadPoolExecutor(10)}, job_defaults={"misfire_grace_time": None}, timezone=UTC,
    )  # fmt: skip
    scheduler.add_listener(count, EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    due = datetime.now(UTC) - timedelta(hours=1)
    for number in range(messages):
        scheduler.add_job(send, "date", run_date=due, args=(port, number))
    started = time.perf_counter()
    scheduler.resume()
    if not over.wait(600):
        raise RuntimeError(f"APScheduler ran {done[0]} of {messages} jobs within ten minutes")
    taken = time.perf_counter() - started
    scheduler.shutdown()
    return messages / taken


if __name__ == "__main__":
    from benchmarks.peers import one_job_each  # noqa: PLW0406  # jobs are found again by the module's name

    with TemporaryDirectory() as place:
        print(one_job_each.main(int(sys.argv[1]), int(sys.argv[2]), place))
