"""What processes that can be killed are asked to do in tests: misbehave, and tell what they know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def act(request: Any) -> Any:  # Any: JSON
    """Do what the request names."""
    match request["do"]:
        case "echo":
            return request["value"]
        case "hang":
            while True:
                pass
        case "grow":
            grown = []
            while True:
                grown.append(bytes(16 * 1024 * 1024))
        case "die":
            os._exit(1)
        case "flood":
            return "x" * (9 * 1024 * 1024)
        case "tell":
            opened = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.exists()]
            return {"environ": dict(os.environ), "cwd": str(Path.cwd()), "opened": opened, "memory": _everything()}
        case other:
            raise AssertionError(other)


def _everything() -> str:
    """The arguments the process was started with."""
    return Path("/proc/self/cmdline").read_text(encoding="utf-8")
