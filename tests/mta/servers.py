"""Exim and Dovecot with configurations of their own, on this machine only, in a folder that is removed afterwards."""

from __future__ import annotations

import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

EXIM: Final = "/usr/sbin/exim4"
DOVECOT: Final = "/usr/sbin/dovecot"
USER: Final = "Debian-exim"
PASSWORD: Final = "b0unces"  # of a mailbox that lives for a minute
PATIENCE: Final = 60.0

_EXIM = """\
primary_hostname = relay.example
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/spool/exim.pid
tls_advertise_hosts =
acl_smtp_rcpt = rcpt
dsn_advertise_hosts = *
accept_8bitmime = true
smtp_accept_max_per_connection = 1000
begin acl
rcpt:
  deny local_parts = reject
       message = 5.1.1 there is no such mailbox
  defer local_parts = later
        message = 4.3.0 not now
  accept
begin routers
bounces:
  driver = accept
  domains = bounce.sunny-toys.example
  transport = bounces
gone:
  driver = redirect
  domains = buyer.example
  local_parts = gone
  allow_fail
  data = :fail: 550 5.1.1 there was such a mailbox once
buyers:
  driver = accept
  domains = buyer.example
  transport = buyers
begin transports
bounces:
  driver = appendfile
  maildir_format
  directory = {folder}/mail/bounces
  create_directory
  envelope_to_add
  return_path_add
  user = {user}
buyers:
  driver = appendfile
  maildir_format
  directory = {folder}/mail/buyers
  create_directory
  user = {user}
begin retry
* * F,1h,1m
"""
_DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log/dovecot
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
mail_max_userip_connections = 50
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Done {{
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two listen, and where their mail is."""

    smtp_port: int
    imap_port: int
    ca_file: Path
    mail: Path

    def delivered(self) -> list[bytes]:
        """Return the mails that buyers have got."""
        return [path.read_bytes() for path in sorted(self.mail.glob("buyers/new/*"))]

    def until_bounced(self, number: int) -> None:
        """Wait until so many bounces lie in their mailbox."""
        until(lambda: len(list(self.mail.glob("bounces/new/*"))) >= number, f"{number} bounces")


@contextmanager
def servers() -> Iterator[Servers]:
    """Yield both, running."""
    account = pwd.getpwnam(USER)
    folder = Path(tempfile.mkdtemp(prefix="messenger-mta-"))
    folder.chmod(0o755)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    for name in ("spool", "log", "mail", "run"):
        (folder / name).mkdir()
        if name != "run":
            shutil.chown(folder / name, USER, account.pw_gid)
    smtp_port, imap_port = _free_port(), _free_port()
    told = {"folder": folder, "user": USER, "uid": account.pw_uid, "gid": account.pw_gid}
    (folder / "exim.conf").write_text(_EXIM.format(port=smtp_port, **told), encoding="utf-8")
    (folder / "dovecot.conf").write_text(_DOVECOT.format(port=imap_port, **told), encoding="utf-8")
    (folder / "users").write_text(f"bounces:{{PLAIN}}{PASSWORD}\n", encoding="utf-8")
    try:
        with ExitStack() as running:
            running.enter_context(_process([EXIM, "-C", str(folder / "exim.conf"), "-bdf", "-q10s"], smtp_port, folder))
            running.enter_context(_process([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")], imap_port, folder))
            yield Servers(smtp_port, imap_port, folder / "ca.pem", folder / "mail")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process(words: list[str], port: int, folder: Path) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        until(lambda: _answers(port) or process.poll() is not None, words[0])
        if process.poll() is not None:
            logs = "\n".join(path.read_text(errors="replace") for path in (folder / "log").glob("*"))
            said = process.stdout.read().decode(errors="replace") if process.stdout else ""
            raise RuntimeError(f"{words[0]} ended: {said}\n{logs}")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(is_so: object, what: str) -> None:
    """Wait until something is so; it happens in another process."""
    end = time.monotonic() + PATIENCE
    while not is_so():  # type: ignore[operator]  # a function without arguments
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")
        time.sleep(0.05)
