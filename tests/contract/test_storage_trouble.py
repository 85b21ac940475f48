"""A database that refuses to work says what is to be done about it; what may safely be tried again is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert, select, text
from sqlalchemy import event as events

from messenger.errors import StorageError
from messenger.storage import SqlStore, migrate, open_store
from messenger.storage import engine as engines
from messenger.storage.engine import Database, check_durable, connect
from messenger.storage.tables import ticks
from messenger.storage.trouble import ConnectionDropped
from tests.storage_samples import MINUTE, NOW, accept, doubtful, event, message, plan

LATER = NOW + 10 * MINUTE
on_postgres = pytest.mark.parametrize("engine_name", [pytest.param("postgres", marks=pytest.mark.postgres)])
on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"])


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    opened = Database(connect(migrated_url))
    yield opened
    opened.close()


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@on_sqlite
def test_a_damaged_file_is_told(migrated_url: str) -> None:
    path = file_of(migrated_url)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))

    with pytest.raises(
        StorageError, match="the file is damaged: stop messenger, keep the file as it is, and put the last backup"
    ):
        open_store(migrated_url)


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"once upon a time" * 500)

    with pytest.raises(StorageError, match="the file is no database, or is damaged"):
        migrate(f"sqlite:///{tmp_path}/x.db")


@on_sqlite
def test_another_program_that_keeps_the_file_locked_is_told(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PRAGMAS", ("busy_timeout=50", *engines.PRAGMAS[1:]))
    with closing(open_store(migrated_url)) as store, closing(sqlite3.connect(file_of(migrated_url))) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StorageError, match="another program has kept the file locked for half a minute"):
            accept(store, event("e-1"))
        other.rollback()
        accept(store, event("e-1"))


@on_sqlite
@pytest.mark.parametrize(("weakened", "problem"), [
    ("synchronous=NORMAL", "synchronous is 1, not FULL"), ("synchronous=OFF", "synchronous is 0, not FULL"),
    ("journal_mode=DELETE", "SQLite keeps its journal there as 'delete', not WAL"),
])  # fmt: skip
def test_a_file_that_would_forget_in_a_power_cut_is_refused(weakened: str, problem: str, migrated_url: str) -> None:
    with closing(sqlite3.connect(file_of(migrated_url))) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        check_durable(connection)
        connection.execute(f"PRAGMA {weakened}")

        with pytest.raises(StorageError, match=problem):
            check_durable(connection)


@on_sqlite
def test_every_connection_is_looked_at(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PRAGMAS", ("journal_mode=WAL", "synchronous=NORMAL"))

    with pytest.raises(StorageError, match="would forget what it was told in a power cut"):
        open_store(migrated_url)


@on_postgres
def test_a_server_that_would_forget_in_a_crash_is_refused(migrated_url: str) -> None:
    engine = create_engine(migrated_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{migrated_url.rsplit("/", 1)[-1]}" SET synchronous_commit = off'))
    engine.dispose()

    with pytest.raises(StorageError, match="synchronous_commit is off"):
        open_store(migrated_url)


LIMITED = """
import resource, signal, sys
from messenger.storage import open_store
from tests.storage_samples import MINUTE, NOW, accept, doubtful, event, message, plan
store = open_store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
{limit}
done = 0
try:
    while done < 5000:
        accept(store, event(f"e-{{done}}", buyer={{"id": "b", "name": "x" * 200}}))
        done += 1
except Exception as error:
    print(type(error).__name__, done, error)
"""


@on_sqlite
def test_a_file_that_may_not_grow_is_told(migrated_url: str) -> None:
    size = sum(path.stat().st_size for path in file_of(migrated_url).parent.glob("migrated.db*")) + 300_000
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"

    said = run(LIMITED.format(limit=limit), migrated_url)

    name, done, problem = said.split(" ", 2)
    assert name == "StorageError"
    assert (
        "its disk refuses to work: is it full, or at a limit (ulimit -f)?" in problem or "its disk is full" in problem
    )
    with closing(open_store(migrated_url)) as store:
        assert 0 < int(done) <= store.inbox_counts().received <= int(done) + 1


@on_sqlite
def test_too_many_open_files_are_told(migrated_url: str) -> None:
    script = """
import os, resource, sys
from messenger.storage.engine import Database, connect
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
kept = []
try:
    while True:
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
database = Database(connect(sys.argv[1]))
try:
    with database.read():
        pass
except Exception as error:
    os.closerange(10, 64)
    print(type(error).__name__, error)
with database.read():
    pass
"""

    said = run(script, migrated_url)

    assert said.startswith("StorageError")
    assert "are not too many files open (ulimit -n)?" in said


def run(script: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *words], check=False, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_that_may_only_be_read_is_told(tmp_path: Path) -> None:
    with read_only(tmp_path) as folder, pytest.raises(StorageError, match=r"the file cannot be (written|opened)"):
        open_store(f"sqlite:///{folder}/x.db")


@contextmanager
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder with a database that nobody can write: on a disk mounted so, because root may write everything else."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    is_mounted = os.geteuid() == 0 and mount is not None and not subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=False, capture_output=True
    ).returncode  # fmt: skip
    if not is_mounted and os.geteuid() == 0:
        pytest.skip("root may write everything, and nothing may be mounted here")
    try:
        migrate(f"sqlite:///{folder}/x.db")
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        else:
            (folder / "x.db").chmod(0o444)
            folder.chmod(0o555)
        yield folder
    finally:
        if is_mounted:
            subprocess.run(["umount", folder], check=True)
        else:
            folder.chmod(0o755)


@on_postgres
@pytest.mark.parametrize(("change", "problem"), [
    (lambda url: url.rsplit("/", 1)[0] + "/no_such", "there is no such database on the server: create it"),
    (lambda url: url.replace("messenger@", "stranger@"), "the server refuses the user of the url"),
    (lambda _: "postgresql+psycopg://a@127.0.0.1:1/b", "the server cannot be reached"),
])  # fmt: skip
def test_a_server_that_lets_nobody_in_is_told(change: Callable[[str], str], problem: str, migrated_url: str) -> None:
    with pytest.raises(StorageError, match=problem):
        open_store(change(migrated_url))


@on_postgres
def test_a_user_without_rights_is_told(migrated_url: str) -> None:
    engine = create_engine(migrated_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE guest LOGIN"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest"))
    try:
        with closing(open_store(migrated_url.replace("messenger@", "guest@"))) as store, pytest.raises(
            StorageError, match="the user of the url may not do this: grant it the rights on messenger's tables"
        ):  # fmt: skip
            accept(store, event("e-1"))
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP OWNED BY guest"))
            connection.execute(text("DROP ROLE guest"))
        engine.dispose()


@on_postgres
def test_a_standby_is_told(migrated_url: str) -> None:
    """One that only lets itself be read, as a standby does."""
    engine = create_engine(migrated_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = migrated_url.rsplit("/", 1)[-1]
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    engine.dispose()

    with closing(open_store(migrated_url)) as store, pytest.raises(StorageError, match="is it a standby"):
        accept(store, event("e-1"))


def kill_all(url: str) -> None:
    """End every connection to the database but our own."""
    engine = create_engine(url)
    with engine.connect() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(others))
    engine.dispose()


@on_postgres
def test_a_line_that_breaks_before_the_end_is_made_anew_and_the_work_done_once(
    database: Database, migrated_url: str
) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute(insert(ticks).values(name="a", slot="1"))
        tries.append(1)
        if len(tries) == 1:
            kill_all(migrated_url)
            connection.execute(select(ticks)).all()

    database.transact(work)

    assert len(tries) == 2
    with database.read() as connection:
        assert len(connection.execute(select(ticks)).all()) == 1


@on_postgres
def test_a_line_that_breaks_while_it_commits_is_told_and_nothing_is_done_twice(
    database: Database, migrated_url: str
) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute(insert(ticks).values(name="a", slot=f"{len(tries)}"))
        tries.append(1)
        kill_all(migrated_url)

    with pytest.raises(ConnectionDropped, match=r"the line to it broke|the server was stopped"):
        database.transact(work)

    assert len(tries) == 1


@on_postgres
def test_a_line_that_always_breaks_is_told_in_the_end(database: Database, migrated_url: str) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        kill_all(migrated_url)
        connection.execute(select(ticks)).all()

    with pytest.raises(ConnectionDropped):
        database.transact(work)

    assert len(tries) == engines.TRIES


@contextmanager
def breaking_after_commit(store: SqlStore) -> Iterator[None]:
    """The next transaction is written, and the line breaks before anybody hears of it."""

    def commit(connection: Connection) -> None:
        connection.connection.commit()
        line: Any = connection.connection.driver_connection  # Any: a connection of psycopg
        line.close()

    events.listen(store._database.engine, "commit", commit, once=True)
    yield


@on_postgres
@pytest.mark.parametrize("again", [False, True], ids=["new", "a second copy"])
def test_what_was_claimed_without_its_owner_hearing_of_it_is_claimed_anew(again: bool, store: SqlStore) -> None:
    """Else its owner would keep it by the beat of its heart, and do nothing about it."""
    if again:
        row = doubtful(store)
        store.postpone(key=row.key, resend_at=NOW, because="")
    else:
        plan(store, message())
    (before,) = store.outbox()
    lost = {"owner": "a", "now": LATER, "lease_until": LATER + MINUTE, "limit": 9}

    with breaking_after_commit(store), pytest.raises(StorageError):
        store.claim(**lost)  # type: ignore[arg-type]  # what it takes
    (unheard,) = store.outbox()
    assert unheard.owner == "a"
    (row,) = store.claim(**lost | {"now": LATER + MINUTE / 60})  # type: ignore[arg-type]  # what it takes

    assert (row.owner, row.state, row.token) == ("a", unheard.state, unheard.token + 1)
    assert row.attempts == unheard.attempts == before.attempts + 1


@on_postgres
def test_a_line_that_broke_while_nobody_used_it_is_not_even_noticed(store: SqlStore, migrated_url: str) -> None:
    accept(store, event("e-1"))
    kill_all(migrated_url)

    accept(store, event("e-2"))

    assert store.inbox_counts().received == 2


def test_what_was_refused_is_there_as_it_was(store: SqlStore) -> None:
    """An error of ours is no trouble of the database: it comes as it is."""
    store.buys_tick("a", "1")

    with pytest.raises(Exception, match=r"(?i)unique") as caught:
        store._database.transact(lambda connection: connection.execute(insert(ticks).values(name="a", slot="1")))
    assert not isinstance(caught.value, StorageError)
