"""django-post_office, its own templates and queue on SQLite: ``python -m benchmarks.peers.post_office PORT MESSAGES PROCESSES``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers import words


def main(port: int, messages: int, processes: int, folder: Path) -> float:
    """Queue and send; returns messages a second of the sending alone."""
    import django  # noqa: PLC0415  # only in this program
    from django.conf import settings  # noqa: PLC0415

    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"], DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "queue.db"), "OPTIONS": {"timeout": 60}}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}], USE_TZ=True,
        EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
        EMAIL_BACKEND="post_office.EmailBackend", POST_OFFICE={"BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
                                                              "BATCH_SIZE": messages, "THREADS_PER_PROCESS": 5},
    )  # fmt: skip
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from post_office import mail  # noqa: PLC0415
    from post_office.models import Email, EmailTemplate  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    EmailTemplate.objects.create(name="shipped", subject=words.SUBJECT, content=words.TEXT, html_content=words.HTML)
    template = EmailTemplate.objects.get(name="shipped")
    mail.send_many(
        [
            {"recipients": [f"b{number}@example.com"], "sender": "Sunny Toys <care@sunny-toys.example>", "template": template,
             "context": words.values(number), "render_on_delivery": True}
            for number in range(messages)
        ]
    )  # fmt: skip
    started = time.perf_counter()
    mail.send_queued(processes=processes, log_level=1)
    taken = time.perf_counter() - started
    sent = Email.objects.filter(status=0).count()
    if sent != messages:
        raise RuntimeError(f"django-post_office sent {sent} of {messages}")
    return messages / taken


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        print(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(place)))
