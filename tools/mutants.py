"""Changes domain and config in thousands of small ways and tells which changes no unit test notices: ``make mutants``.

usage: python -m tools.mutants [messenger/domain/timing.py ...]

Without a name everything is tried anew, about an hour's work on two cores.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MADE: Final = Path("mutants")
MUTMUT: Final = str(Path(sys.executable).with_name("mutmut"))
KILLED: Final = frozenset({1, 3, 24, 36, -24, 152, 255})
"""How pytest ends when a test fails or a change makes it run for ever: both are noticed."""
NEVER_RUN: Final = 33
END_OF_PROGRESS: Final = b"\nMutant results"


def main() -> int:
    """Run mutmut, then tell each module's figures and every change that lived."""
    files = [Path(name) for name in sys.argv[1:]]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        print(f"there is no {', '.join(missing)} (name modules like messenger/domain/timing.py)", file=sys.stderr)
        return 2
    if not files:
        shutil.rmtree(MADE, ignore_errors=True)  # mutmut keeps a result until the code changes, also when tests change
    if failed := _run([f"{'.'.join(file.with_suffix('').parts)}.*" for file in files]):
        return failed
    lived = [line for file in files or sorted(Path("messenger").rglob("*.py")) for line in _module(file)]
    if lived:
        print(f"\nno test noticed these {len(lived)}; mutmut show NAME shows one:\n" + "\n".join(lived))
    return 0


def _run(patterns: list[str]) -> int:
    """Let mutmut show its progress, without the list of everything it tried."""
    with subprocess.Popen([MUTMUT, "run", *patterns], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  # asked for above
        while line := process.stdout.readline():
            if END_OF_PROGRESS.strip() in line:
                process.stdout.read()
                break
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    return process.returncode


def _module(file: Path) -> Iterator[str]:
    """Print a module's figures; yield the names of the changes that lived."""
    meta = MADE / f"{file}.meta"
    if not meta.exists():
        return
    tried: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    fates = Counter(
        "killed" if code in KILLED else "never run" if code == NEVER_RUN else "lived"
        for code in tried.values()
        if code is not None
    )
    total = fates.total()
    if total:
        told = ", ".join(f"{count} {fate}" for fate, count in sorted(fates.items()))
        print(f"{file}: {fates['killed'] / total:4.0%} of {total}: {told}")
    yield from (name for name, code in tried.items() if code is not None and code not in KILLED)


if __name__ == "__main__":
    sys.exit(main())
