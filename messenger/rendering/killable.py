"""A process of its own for work that may never end: it knows nothing, may use little, and is killed when it takes too long.

The process starts with an empty environment, no descriptors but two pipes, and limits that it sets itself before it reads
anything. A request and its answer are one line of JSON each.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import IO, Any, Final, Protocol

from messenger.errors import UsageError

LARGEST_MESSAGE: Final = 8 * 1024 * 1024
TO_START: Final = 30.0
"""Seconds that a new process may take until it is ready: a busy machine is no reason to give up."""
_OUT_OF_MEMORY: Final = 71
_BOOT: Final = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from messenger.rendering.killable import serve; serve(sys.argv[2:])"


class Overrun(UsageError):
    """The work was stopped: it took too long, or needed too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one process may use: seconds for an answer once it is ready, bytes of memory in all."""

    seconds: float = 0.5
    memory: int = 512 * 1024 * 1024


USUAL: Final = Limits()


class Answering(Protocol):
    """What a process does with a request; plain JSON values in and out."""

    def __call__(self, request: Any, /) -> Any:  # Any: JSON
        """Return the answer."""
        ...


class Killable:
    """Answers requests in a process that is started anew when it had to be killed."""

    def __init__(self, answering: str, limits: Limits = USUAL) -> None:
        """``answering`` is ``module:function``; the module may have a ``warm_up`` that is called once before all requests."""
        self._answering = answering
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def ask(self, request: object) -> Any:  # Any: JSON
        """Return the answer.

        Raises:
            Overrun: the process was killed, or gave up; another one is being started already.
        """
        line = json.dumps(request).encode() + b"\n"
        if len(line) > LARGEST_MESSAGE:
            raise Overrun(f"it has {len(line)} bytes with all that belongs to it (at most {LARGEST_MESSAGE})")
        with self._lock:
            process = self.start()
            try:
                if not self._is_ready:
                    _exchange(process, b"", TO_START)
                    self._is_ready = True
                return json.loads(_exchange(process, line, self._limits.seconds))
            except (TimeoutError, EOFError, OSError, ValueError) as error:
                told = self._told(error)
                self.stop()
                self.start()
                raise Overrun(told) from None
            except BaseException:
                self.stop()
                raise

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process unless there is one; does not wait until it is ready."""
        if self._process is None or self._process.poll() is not None:
            self.stop()
            places = json.dumps([one for one in sys.path if one])
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own code
                [sys.executable, "-I", "-c", _BOOT, places, self._answering, str(self._limits.memory), str(self._limits.seconds)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/", close_fds=True,
                start_new_session=True,
            )  # fmt: skip
            for pipe in (self._process.stdin, self._process.stdout):
                os.set_blocking(_number(pipe), False)
        return self._process

    def stop(self) -> None:
        """Kill the process, if there is one."""
        process, self._process, self._is_ready = self._process, None, False
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _told(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"it took longer than {self._limits.seconds * 1000:.0f} ms and was stopped"
        code = None
        if isinstance(error, EOFError | OSError) and self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(1)
        if code == _OUT_OF_MEMORY:
            return f"it needed more than {self._limits.memory // 1024**2} MiB and was stopped"
        return f"it was stopped: {error}"


def _number(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise OSError("there is no pipe")
    return pipe.fileno()


def _exchange(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> bytes:
    """Write the request and return the line that comes back."""
    until = time.monotonic() + seconds
    to, back = _number(process.stdin), _number(process.stdout)
    rest = memoryview(request)
    answer = bytearray()
    while not answer.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        readable, writable, _ = select.select([back], [to] if rest else [], [], left)
        if writable:
            rest = rest[os.write(to, rest[:65536]) :]
        if readable:
            piece = os.read(back, 65536)
            if not piece:
                raise EOFError("it ended without an answer")
            answer += piece
            if len(answer) > LARGEST_MESSAGE:
                raise ValueError(f"its answer is longer than {LARGEST_MESSAGE} bytes")
    return bytes(answer)


def serve(arguments: list[str]) -> None:
    """Answer requests until there are no more: what runs in the process."""
    answering, memory, seconds = arguments
    for kind, most in ((resource.RLIMIT_AS, int(memory)), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
    module, _, name = answering.partition(":")
    there: Mapping[str, Any] = vars(import_module(module))  # Any: a module holds anything
    answer: Answering = there[name]
    warm_up: Callable[[], object] | None = there.get("warm_up")
    try:
        if warm_up is not None:
            warm_up()
        _say(b"")
        for line in iter(sys.stdin.buffer.readline, b""):
            signal.setitimer(signal.ITIMER_REAL, float(seconds) * 4)  # should nobody be left to kill us
            _say(json.dumps(answer(json.loads(line))).encode())
            signal.setitimer(signal.ITIMER_REAL, 0)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


def _say(answer: bytes) -> None:
    sys.stdout.buffer.write(answer + b"\n")
    sys.stdout.buffer.flush()
