"""A line to a platform: opened when it is first used, and again after it was closed."""

from __future__ import annotations

import threading

import httpx2


class Line:
    """Gives the client that carries calls; ``timeout`` is in seconds, for each step of a call."""

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._client: httpx2.Client | None = None
        self._lock = threading.Lock()

    def __call__(self) -> httpx2.Client:
        """Return the client."""
        with self._lock:
            if self._client is None:
                self._client = httpx2.Client(timeout=self._timeout)
            return self._client

    def close(self) -> None:
        """Give up open connections; the next use begins anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
