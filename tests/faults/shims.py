"""Small libraries in C that come between a process and its machine; compiled here, where there is a compiler."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

COMPILER: Final = shutil.which("cc")
needs_compiler = pytest.mark.skipif(
    COMPILER is None or sys.platform != "linux",
    reason="needs Linux and a C compiler named cc: what comes between a process and its machine is compiled first",
)


def built(name: str, folder: Path) -> str:
    """Compile ``name`` beside this file into the folder; returns the path that LD_PRELOAD takes."""
    assert COMPILER is not None
    made = folder / f"{Path(name).stem}.so"
    words = [COMPILER, "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(made)]
    subprocess.run([*words, str(Path(__file__).with_name(name)), "-ldl"], check=True)
    return str(made)
