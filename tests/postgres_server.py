"""A real PostgreSQL server on loopback for tests, in a temporary folder, as a user that is not root.

It is stopped and removed when whoever started it is gone, however that went: a shell keeps it, and
acts when its standard input ends.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from mail_servers import free_port

PASSWORD = "Zp4-ledgerSecret"
USER = "jixiao"
_ROOT = "postgres"
# Stops the server at once but in order when its input ends; its folder goes too, unless it is told
# to keep it.
_KEEPER = (
    "postgres=$1; folder=$2; shift 2; "
    '"$postgres" -D "$folder/data" "$@" >>"$folder/data/log" 2>&1 </dev/null & '
    "server=$!; read -r word; kill -INT $server; wait $server; "
    '[ "$word" = keep ] || rm -rf "$folder"'
)


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest where there are several; None without any."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4])
    )
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class PostgresServer:
    """A server that can be killed and started again on its port."""

    def __init__(self, bin_folder: Path) -> None:
        self.port = free_port()
        self._bin = bin_folder
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.folder = Path(tempfile.mkdtemp(prefix="perfxl-postgres-"))
        self._keeper: subprocess.Popen[bytes] | None = None
        self._root_password = secrets.token_hex(8)
        secret = self.folder / "secret"
        secret.write_text(self._root_password)
        if self._as_user:
            shutil.chown(self.folder, "postgres")
            shutil.chown(secret, "postgres")
        self._run(
            "initdb", "-D", str(self.data), "-U", _ROOT, "--pwfile", str(secret),
            "--auth=scram-sha-256", "-E", "UTF8", "--no-sync",
            # Chinese collation, in which 不 does not come where its code point is.
            "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh",
        )  # fmt: skip

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as_user, str(self._bin / program), *arguments],
            cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Returns when it takes connections."""
        options = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "fsync": "on",
            "unix_socket_directories": "", "shared_buffers": "32MB", "max_connections": "300",
            # One at work in a database keeps it from being dropped by any user but the root.
            "autovacuum": "off",
        }  # fmt: skip
        self._keeper = subprocess.Popen(
            [
                *self._as_user, "sh", "-c", _KEEPER, "sh", str(self._bin / "postgres"),
                str(self.folder), *(f"-c{name}={value}" for name, value in options.items()),
            ],
            cwd="/", stdin=subprocess.PIPE,
        )  # fmt: skip
        until = time.monotonic() + 30
        while True:
            try:
                self.administrator().close()
            except psycopg.OperationalError:
                assert self._keeper.poll() is None, (self.data / "log").read_text()
                assert time.monotonic() < until, (self.data / "log").read_text()
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """As when the power fails: nobody is told, nothing is written any more."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        self._wait()

    def stop(self) -> None:
        """In order; what it does not stop by itself, its keeper stops."""
        if self._keeper is not None and self._keeper.poll() is None:
            self._wait()

    def _wait(self) -> None:
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        self._keeper.communicate(b"keep\n", timeout=60)
        self._keeper = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def administrator(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection that may do everything, each command by itself."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=_ROOT, password=self._root_password,
            dbname=database, autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def execute(self, *statements: str, database: str = "postgres") -> None:
        with closing(self.administrator(database)) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self, name: str, like: str = "template0") -> Iterator[str]:
        """A database of its own, gone afterwards; yields its URL."""
        self.execute(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {like}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running_server(bin_folder: Path) -> Iterator[PostgresServer]:
    """A server with the user of the tests."""
    server = PostgresServer(bin_folder)
    try:
        server.start()
        server.execute(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{PASSWORD}'")
        yield server
    finally:
        server.remove()
