"""A ledger in a schema of a PostgreSQL database, where programs on several machines share it.

Writers take turns by an advisory lock that the end of the transaction gives back, so that what one
reads in its transaction is what all before it wrote; readers see one moment (REPEATABLE READ).
Every name is written with its schema, so that nothing depends on a session's search path.

Owns psycopg, which is loaded here alone.
"""

from __future__ import annotations

import hashlib
import re

import sqlalchemy as sa
from sqlalchemy import event

from perfxl.errors import (
    LedgerBroken,
    LedgerBusy,
    LedgerConnectionLost,
    LedgerInDoubt,
    LedgerLoginRefused,
    LedgerServerUnfit,
    LedgerUnreachable,
    LedgerVersion,
    NoLedgerDriver,
    NoLedgerRights,
    NoSuchDatabase,
    OtherLedger,
    PerfxlError,
    Place,
)
from perfxl.ledger import schema
from perfxl.ledger.address import Address, Server, mark_of
from perfxl.ledger.backend import (
    ARRIVING,
    PATIENCE_SECONDS,
    SHAPE,
    Backend,
    put_setting,
    refuse_if_moved,
    setting,
)

_CONNECT_SECONDS = 10
# A server that is cut off is noticed within a minute or so.
_CLIENT = {
    "connect_timeout": _CONNECT_SECONDS,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    # Asking for Kerberos first can take seconds in a Windows domain.
    "gssencmode": "disable",
    "application_name": "perfxl",
    # Another machine may add a column between two uses of a prepared statement.
    "prepare_threshold": None,
}
_SESSION = (
    f"SET lock_timeout = '{PATIENCE_SECONDS}s'",
    # A machine that died while it wrote is given up before those who wait for its lock give up.
    f"SET idle_in_transaction_session_timeout = '{PATIENCE_SECONDS - 10}s'",
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'",
)
_OLDEST_SERVER = 12

_ADMIN = "请告诉管理员"
# What a server says when it turns a program away before there is a session; it sends the state in a
# form that libpq does not pass on, so that the words are all there is, in the server's language.
_NO_DATABASE = re.compile(r'database ".*" does not exist|数据库 .*不存在')
_NO_ACCESS = re.compile(r"permission denied for database|对数据库 .*权限")
_NOT_NOW = re.compile(r"starting up|shutting down|recovery mode|正在启动|正在关闭|恢复模式")
_FULL = re.compile(r"too many (?:clients|connections)|remaining connection slots|连接数过多|连接槽")
_ANSWERED = re.compile(r"FATAL|致命错误")
_LOGIN = re.compile(
    r"authentication failed|no password supplied|role \".*\" does not exist|pg_hba|认证失败|没有口令|"
    r"角色.*不存在"
)
_NO_RIGHTS, _READ_ONLY, _LOCK_TIMEOUT = "42501", "25006", "55P03"
_NO_TABLE, _NO_SCHEMA = "42P01", "3F000"
_DISK_FULL = "53100"


class Database(Backend):
    """One schema on a server; nothing is looked at before it is asked for."""

    def __init__(self, server: Server, schema_name: str, password: str) -> None:
        self.server, self.schema = server, schema_name
        url = sa.URL.create(
            "postgresql+psycopg",
            username=server.user,
            password=password or None,
            host=server.host,
            port=server.port,
            database=server.database,
            query=dict(server.options),
        )
        try:
            engine = sa.create_engine(
                url,
                connect_args=_CLIENT,
                # A connection that broke between two transactions is replaced, not complained of.
                pool_pre_ping=True,
                # Neither parameters nor the URL get into a message.
                hide_parameters=True,
                use_native_hstore=False,
            )
        except ModuleNotFoundError:
            raise NoLedgerDriver(
                "台账在 PostgreSQL 服务器上，而这台电脑没有装连接它的组件",
                remedy='请在 perfxl 的虚拟环境里执行 pip install "psycopg[binary]"',
            ) from None
        event.listen(engine, "connect", _prepare)
        self.engine = engine.execution_options(schema_translate_map={None: schema_name})
        digest = hashlib.sha256(f"perfxl ledger {schema_name}".encode()).digest()
        self._lock = int.from_bytes(digest[:8], "big", signed=True)

    def connect(self) -> sa.Connection:
        """A connection; raises the PerfxlErrors of codes E312 to E315."""
        try:
            return self.engine.connect()
        except sa.exc.DBAPIError as error:
            raise self._not_connected(error) from error

    def reading_options(self) -> dict[str, object]:
        """One moment for the whole transaction, in which nothing can be written."""
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def lock(self, connection: sa.Connection) -> None:
        """Wait for the only right to write into this schema."""
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(self._lock)))

    def take_time(self, connection: sa.Connection) -> None:
        """Let a transaction rest while a whole ledger is written elsewhere."""
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '30min'")

    def told(self, error: sa.exc.DBAPIError, *, confirming: bool) -> PerfxlError:
        """What to tell of an error within a session."""
        state = getattr(error.orig, "sqlstate", None)
        place = Place(str(self.server))
        if error.connection_invalidated and confirming:
            return LedgerInDoubt(
                "与台账服务器的连接正好在最后确认时断开，这一步可能已经记下，也可能没有",
                place=place,
                remedy="收取、下发、评分表可以直接重新执行，不会重复；"
                "其余的请先用 perfxl log 等命令看是否已经记下",
            )
        if error.connection_invalidated:
            return LedgerConnectionLost(
                "与台账服务器的连接中途断开，这一步没有记下任何内容",
                place=place,
                remedy="请确认网络和服务器正常后重新执行刚才的命令",
            )
        if state == _LOCK_TIMEOUT:
            return LedgerBusy(
                f"另一个程序写台账超过了 {PATIENCE_SECONDS} 秒，这一步没有记下任何内容",
                place=place,
                remedy="请稍后重新执行刚才的命令",
            )
        if state in (_NO_RIGHTS, _READ_ONLY):
            return self._no_rights(error)
        if state in (_NO_TABLE, _NO_SCHEMA):
            return self.not_there()
        if state == _DISK_FULL:
            what, remedy = "台账服务器的磁盘已满", f"{_ADMIN}，腾出空间后重新执行刚才的命令"
        else:
            what = f"台账服务器不能完成这一步（{_first_line(error)}）"
            remedy = f"请重新执行刚才的命令；仍不行{_ADMIN}"
        return LedgerBroken(f"{what}，这一步没有记下任何内容", place=place, remedy=remedy)

    def not_there(self) -> OtherLedger:
        """There is no ledger in this schema."""
        return OtherLedger(
            f"服务器上没有这个考核的台账（模式 {self.schema}）",
            place=Place(str(self.server)),
            remedy="请核对“台账连接.txt”与备份中的是否一致；服务器换过的，请管理员先恢复数据库的备份",
        )

    def check_fitness(self) -> None:
        """Raises LedgerServerUnfit where the database loses characters or the server loses commits."""
        asked = sa.text(
            "SELECT current_setting('server_encoding'), current_setting('fsync'), "
            "current_setting('full_page_writes'), current_setting('server_version_num')::int"
        )
        with self.reading() as connection:
            encoding, fsync, pages, version = connection.execute(asked).one()
        faults = []
        if encoding != "UTF8":
            faults.append(
                (f"数据库的编码是 {encoding}，存不下全部汉字", "另建编码为 UTF8 的数据库")
            )
        if "off" in (fsync, pages):
            faults.append(
                ("服务器关闭了 fsync 或 full_page_writes，停电会丢失台账", "打开这两个参数")
            )
        if version < _OLDEST_SERVER * 10_000:
            faults.append(("服务器的版本太旧", f"升级到 PostgreSQL {_OLDEST_SERVER} 或更新的版本"))
        for what, remedy in faults:
            raise LedgerServerUnfit(what, place=Place(str(self.server)), remedy=f"请管理员{remedy}")

    def _no_rights(self, error: sa.exc.DBAPIError) -> NoLedgerRights:
        read_only = getattr(error.orig, "sqlstate", None) == _READ_ONLY
        return NoLedgerRights(
            "台账服务器现在只能读（可能是备用服务器）"
            if read_only
            else f"用户 {self.server.user} 在数据库 {self.server.database} 里没有需要的权限",
            place=Place(str(self.server)),
            remedy=f"{_ADMIN}，改连主服务器"
            if read_only
            else f"请管理员执行 GRANT CONNECT, CREATE ON DATABASE {self.server.database} "
            f"TO {self.server.user}；已有的模式 {self.schema} 要归这个用户所有",
        )

    def _not_connected(self, error: sa.exc.DBAPIError) -> PerfxlError:
        said, place = str(error.orig), Place(str(self.server))
        server = self.server
        if getattr(error.orig, "sqlstate", None) == _NO_RIGHTS or _NO_ACCESS.search(said):
            return self._no_rights(error)
        if _NO_DATABASE.search(said):
            return NoSuchDatabase(
                f"台账服务器上没有数据库 {server.database}",
                place=place,
                remedy="请核对“连接”里的数据库名，或请管理员建立："
                f"CREATE DATABASE {server.database} OWNER {server.user} ENCODING 'UTF8'",
            )
        if _NOT_NOW.search(said) or _FULL.search(said):
            return LedgerUnreachable(
                "台账服务器正在启动、关闭，或连接数已满",
                place=place,
                remedy=f"请过一会儿重新执行刚才的命令；仍不行{_ADMIN}",
            )
        if _LOGIN.search(said):
            return LedgerLoginRefused(
                f"台账服务器不让用户 {server.user} 登录：没有密码、密码不对，或没有允许这台电脑连接",
                place=place,
                remedy="请用 perfxl ledger password 重新存入密码；仍不行请管理员检查用户和 pg_hba.conf",
            )
        if _ANSWERED.search(said):
            return LedgerLoginRefused(
                f"台账服务器拒绝了连接（{_first_line(error)}）", place=place, remedy=_ADMIN
            )
        return LedgerUnreachable(
            f"连不上台账服务器 {server.host}（端口 {server.port}）",
            place=place,
            remedy="请检查网络、服务器是否开机、地址和端口；服务器换了地址的，改“台账连接.txt”里的“连接”一行",
        )


def open_ledger(address: Address, password: str) -> Database:
    """The ledger at an address, looked at and brought up to date. Raises PerfxlError."""
    database = Database(address.server, address.schema, password)
    with database.reading() as connection:
        refuse_if_moved(connection)
        key = setting(connection, "stamp_key")
        if key is None or mark_of(bytes.fromhex(key)) != address.mark:
            raise OtherLedger(
                "服务器上这个模式里是另一个考核的台账",
                place=Place(str(address.server)),
                remedy="请从备份恢复“台账连接.txt”；不要把它从别的考核文件夹复制过来",
            )
        is_current = setting(connection, SHAPE) == schema.shape()
        has_arrived = setting(connection, ARRIVING) is None
    if not is_current:
        _bring_up_to_date(database)
    if not has_arrived:
        with database.transaction() as connection:
            refuse_if_moved(connection)
            put_setting(connection, ARRIVING, None)
    return database


def _bring_up_to_date(database: Database) -> None:
    try:
        with database.transaction() as connection:
            refuse_if_moved(connection)
            if schema.unknown_columns(connection, database.schema):
                raise LedgerVersion(
                    "台账已由较新的 perfxl 升级，这台电脑上的版本太旧",
                    place=Place(str(database.server)),
                    remedy="请把这台电脑上的 perfxl 升级到与其他电脑相同的版本",
                )
            schema.add_missing(connection, database.schema)
            put_setting(connection, SHAPE, schema.shape())
    except NoLedgerRights as error:
        raise LedgerVersion(
            "台账是较早版本的 perfxl 建立的，需要升级，而这个用户没有修改表的权限",
            place=Place(str(database.server)),
            remedy=f"请管理员把模式 {database.schema} 里的表改归用户 {database.server.user} 所有，"
            "再重新执行刚才的命令",
        ) from error


def _prepare(connection: object, _: object) -> None:
    # The statements are committed, or the settings would end with the first rollback.
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for statement in _SESSION:
        cursor.execute(statement)
    cursor.close()
    connection.commit()  # type: ignore[attr-defined]


def _first_line(error: sa.exc.DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
