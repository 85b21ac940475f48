"""A mailbox on this machine that speaks as much IMAP as is asked of it, and goes wrong when told to."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PASSWORD = "right"  # of a mailbox that lives for one test


@dataclass
class Box:
    """What lies in the mailbox, and how it behaves."""

    port: int = 0
    folders: dict[str, dict[int, bytes]] = field(default_factory=lambda: {"INBOX": {}})
    seen: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    moves: bool = True
    """Whether it knows MOVE."""
    refuses: str = ""
    """The command that is answered with NO."""
    hangs_up: str = ""
    """The command at which the line is cut."""

    def put(self, *mails: bytes) -> None:
        """Let mails arrive."""
        inbox = self.folders["INBOX"]
        for mail in mails:
            inbox[max([0, *inbox, *self.seen]) + 1] = mail

    def unseen(self) -> list[int]:
        """Return the numbers of what has not been seen."""
        return sorted(set(self.folders["INBOX"]) - self.seen)


@contextmanager
def imap_server() -> Iterator[Box]:
    """Yield a mailbox that is being served."""
    box = Box()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            for line in self.rfile:
                tag, _, rest = line.decode().strip().partition(" ")
                box.said.append(rest)
                answer = _answer(box, rest)
                if answer is None:
                    return
                self.wfile.write(answer[0] + f"{tag} {answer[1]}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


def _answer(box: Box, said: str) -> tuple[bytes, str] | None:
    words = said.removeprefix("UID ").split(" ")
    command = words[0].upper()
    if command == box.hangs_up:
        return None
    if command == box.refuses:
        return b"", "NO not today"
    number = int(words[1]) if command in {"FETCH", "STORE", "MOVE", "COPY"} else 0
    known: dict[str, Callable[[], tuple[bytes, str]]] = {
        "CAPABILITY": lambda: (b"* CAPABILITY IMAP4rev1" + (b" MOVE" if box.moves else b"") + b"\r\n", "OK yes"),
        "LOGIN": lambda: (b"", "OK in" if words[2].strip('"') == PASSWORD else "NO [AUTHENTICATIONFAILED] wrong password"),
        "SELECT": lambda: (b"* 1 EXISTS\r\n", "OK open") if _folder(said) in box.folders else (b"", "NO no such folder"),
        "CREATE": lambda: _made(box, _folder(said)),
        "SEARCH": lambda: (b"* SEARCH " + " ".join(map(str, box.unseen())).encode() + b"\r\n", "OK found"),
        "FETCH": lambda: _fetched(box, number),
        "STORE": lambda: _stored(box, number, said),
        "MOVE": lambda: _moved(box, command, number, _folder(said)),
        "COPY": lambda: _moved(box, command, number, _folder(said)),
        "LOGOUT": lambda: (b"* BYE\r\n", "OK out"),
    }  # fmt: skip
    return known[command]() if command in known else (b"", "BAD what?")


def _made(box: Box, folder: str) -> tuple[bytes, str]:
    if folder in box.folders:
        return b"", "NO it exists"
    box.folders[folder] = {}
    return b"", "OK made"


def _fetched(box: Box, number: int) -> tuple[bytes, str]:
    mail = box.folders["INBOX"].get(number)
    if mail is None:
        return b"", "OK nothing"
    return b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n" % (number, len(mail), mail), "OK there"


def _stored(box: Box, number: int, said: str) -> tuple[bytes, str]:
    box.seen.add(number)
    if "Deleted" in said:
        box.folders["INBOX"].pop(number, None)
    return b"", "OK marked"


def _moved(box: Box, command: str, number: int, folder: str) -> tuple[bytes, str]:
    if folder not in box.folders:
        return b"", "NO [TRYCREATE] no such folder"
    box.folders[folder][number] = box.folders["INBOX"][number]
    if command == "MOVE":
        box.folders["INBOX"].pop(number)
    return b"", "OK moved"


def _folder(said: str) -> str:
    found = re.search(r'"([^"]*)"', said)
    return found[1] if found else said.rpartition(" ")[2]
