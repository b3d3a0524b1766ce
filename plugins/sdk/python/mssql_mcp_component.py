"""The component around a project's `tools.py`: the exports that the contract names, and
the host behind its imports. Importable only where componentize-py builds it."""

import gc
from decimal import Decimal
from typing import Any

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import provider
from wit_world.imports import cache, call, config, db_catalog, db_query, log, seal
from wit_world.imports import mssql_mcp_database_types as types
from wit_world.imports import mssql_mcp_tools_types as contract

import mssql_mcp as sdk
from tools import tools

try:
    # Only in the world `write-tools`.
    from wit_world.imports import db_execute
except ImportError:
    db_execute = None

# ---------------------------------------------------------------------------------------
# Values


def _plain(value: Any) -> Any:
    return value.value


def _datetime(value: types.Datetime, offset_minutes: int | None = None) -> Any:
    date = value.date
    return sdk.datetime_of(date.year, date.month, date.day, value.time.nanos, offset_minutes)


_READ = {
    types.Value_Null: lambda value: None,
    types.Value_Bit: _plain,
    types.Value_Int: _plain,
    types.Value_Real: lambda value: sdk.real_of(value.value),
    types.Value_Float: _plain,
    types.Value_Decimal: lambda value: Decimal(value.value),
    types.Value_Text: _plain,
    types.Value_Bytes: _plain,
    types.Value_Date: lambda value: sdk.datetime.date(
        value.value.year, value.value.month, value.value.day),
    types.Value_Time: lambda value: sdk.time_of(value.value.nanos),
    types.Value_Datetime: lambda value: _datetime(value.value),
    types.Value_DatetimeOffset: lambda value: _datetime(
        value.value.local, value.value.offset_minutes),
    types.Value_Uuid: _plain,
    types.Value_Json: _plain,
    # Its type is in the column.
    types.Value_Other: lambda value: value.value[1],
}


def _date_of(value: Any) -> types.Date:
    return types.Date(value.year, value.month, value.day)


def _datetime_of(value: Any) -> types.Datetime:
    return types.Datetime(_date_of(value), types.Time(sdk.nanos_of(value)))


def _offset_of(value: Any) -> types.DatetimeOffset:
    minutes = value.utcoffset().total_seconds() / 60
    return types.DatetimeOffset(_datetime_of(value), round(minutes))


_WRITE = {
    "null": lambda value: types.Value_Null(),
    "bit": types.Value_Bit,
    "int": types.Value_Int,
    "float": types.Value_Float,
    "decimal": types.Value_Decimal,
    "text": types.Value_Text,
    "bytes": types.Value_Bytes,
    "date": lambda value: types.Value_Date(_date_of(value)),
    "time": lambda value: types.Value_Time(types.Time(sdk.nanos_of(value))),
    "datetime": lambda value: types.Value_Datetime(_datetime_of(value)),
    "datetime-offset": lambda value: types.Value_DatetimeOffset(_offset_of(value)),
    "uuid": types.Value_Uuid,
}


def _params(params: list[sdk.Param]) -> list[types.Param]:
    return [types.Param(param.name, _WRITE[param.kind](param.value), param.sql_type)
            for param in params]


def _options(options: sdk.Options) -> types.Options | None:
    if options == sdk.Options():
        return None
    return types.Options(
        options.max_rows, options.max_bytes, options.timeout_ms, options.cache_ttl_ms)


# ---------------------------------------------------------------------------------------
# The host


def _asked(function: Any, *arguments: Any) -> Any:
    """An import's answer, or its error as an exception."""
    try:
        return function(*arguments)
    except Err as error:
        raise _error(error.value) from None


def _error(raw: Any) -> sdk.DatabaseError:
    match raw:
        case types.Error_Denied(denial):
            return sdk.DatabaseError("denied", denial.message, code=denial.code, raw=raw)
        case types.Error_InvalidStatement(message):
            return sdk.DatabaseError("invalid-statement", message, raw=raw)
        case types.Error_InvalidParameter((name, message)):
            return sdk.DatabaseError("invalid-parameter", f"{name}: {message}", raw=raw)
        case types.Error_UnknownName(names):
            return sdk.DatabaseError("unknown-name", names=tuple(names), raw=raw)
        case types.Error_AmbiguousName(names):
            return sdk.DatabaseError("ambiguous-name", names=tuple(names), raw=raw)
        case types.Error_Unsupported(message):
            return sdk.DatabaseError("unsupported", message, raw=raw)
        case types.Error_Server(error):
            return sdk.DatabaseError("server", error.message, number=error.number,
                                     retryable=error.retryable, raw=raw)
        case types.Error_Limit(kind):
            return sdk.DatabaseError("limit", code=kind.name.lower(), raw=raw)
        case types.Error_Busy():
            return sdk.DatabaseError("busy", raw=raw)
        case types.Error_Unavailable(message):
            return sdk.DatabaseError("unavailable", message, raw=raw)
        case types.Error_Cancelled():
            return sdk.DatabaseError("cancelled", raw=raw)
        case _:
            return sdk.DatabaseError("other", str(getattr(raw, "value", raw)), raw=raw)


_SHAPES = {"objects": db_query.JsonShape.OBJECTS, "arrays": db_query.JsonShape.ARRAYS}


class _Cursor:
    def __init__(self, raw: db_query.Cursor):
        self.raw = raw

    def columns(self) -> list[sdk.Column]:
        return [sdk.Column(column.name, column.sql_type, column.nullable, column.masked)
                for column in self.raw.columns()]

    def next(self, max_rows: int) -> tuple[list[list[Any]], bool]:
        batch = _asked(self.raw.next, max_rows)
        return [[_READ[type(value)](value) for value in row] for row in batch.rows], batch.done

    def to_json(self, shape: str) -> str:
        return _asked(self.raw.to_json, _SHAPES[shape])

    def truncated(self) -> sdk.Truncation | None:
        found = self.raw.truncated()
        return sdk.Truncation(found.by, found.limit) if found else None

    def stats(self) -> sdk.Stats:
        stats = self.raw.stats()
        return sdk.Stats(
            stats.rows, stats.bytes, stats.server_us, stats.queue_us, stats.cached)

    def close(self) -> None:
        self.raw.__exit__(None, None, None)


class _Cache(sdk.Cache):
    def __init__(self, sharing: cache.Sharing):
        self._sharing = sharing

    def get(self, key: str) -> bytes | None:
        return cache.get(self._sharing, key)

    def set(self, key: str, value: bytes, ttl_ms: int | None = None) -> bool:
        try:
            cache.set(self._sharing, key, value, ttl_ms)
        except Err:
            # Refused for its size or quota: the next reader makes it again.
            return False
        return True

    def delete(self, key: str) -> None:
        cache.delete(self._sharing, key)


def _table_name(table: sdk.TableName) -> db_catalog.TableName:
    return db_catalog.TableName(table.schema, table.name)


class _Host(sdk.Host):
    def __init__(self) -> None:
        self.cache = _Cache(cache.Sharing.PER_SCOPE)
        self.user_cache = _Cache(cache.Sharing.PER_USER)

    def open_cursor(self, database: str, sql: str, params: list[sdk.Param],
                    options: sdk.Options) -> _Cursor:
        return _Cursor(
            _asked(db_query.query, database, sql, _params(params), _options(options)))

    def open_page(self, database: str, sql: str, params: list[sdk.Param],
                  options: sdk.Options, page: sdk.Page) -> _Cursor:
        return _Cursor(_asked(db_query.query_page, database, sql, _params(params),
                              _options(options), page.number, page.size))

    def run(self, database: str, sql: str, params: list[sdk.Param],
            options: sdk.Options) -> int:
        if db_execute is None:
            raise TypeError("a component of the world read-tools cannot write; see world.wit")
        outcome = _asked(
            db_execute.execute, database, sql, _params(params), _options(options))
        return outcome.rows_affected

    def answers_json(self) -> str | None:
        return call.answers()

    def tables(self, database: str = "") -> list[sdk.Table]:
        return [
            sdk.Table(sdk.TableName(table.name.schema, table.name.name), table.kind,
                      table.approximate_rows, table.comment)
            for table in _asked(db_catalog.tables, database)]

    def describe(self, table: sdk.TableName, database: str = "") -> dict[str, Any]:
        return sdk.json.loads(_asked(db_catalog.describe, database, _table_name(table)))

    def primary_key(self, table: sdk.TableName, database: str = "") -> list[str]:
        return _asked(db_catalog.primary_key, database, _table_name(table))

    def resolve(self, name: str, database: str = "") -> sdk.TableName:
        found = _asked(db_catalog.resolve, database, name)
        return sdk.TableName(found.schema, found.name)

    def setting(self, key: str) -> str | None:
        return config.get(key)

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        log.log(log.Level[level.upper()], message,
                [(name, str(value)) for name, value in fields.items()])

    def seal(self, plain: bytes) -> str:
        return seal.seal(plain)

    def open(self, sealed: str) -> bytes | None:
        return seal.open(sealed)

    def scope(self) -> str:
        return call.scope()

    def whoami(self) -> sdk.Principal | None:
        found = call.whoami()
        return sdk.Principal(found.subject, found.client, found.scopes) if found else None

    def remaining_ms(self) -> int:
        return call.remaining_ms()

    def cancelled(self) -> bool:
        return call.cancelled()

    def progress(self, done: float, total: float | None = None,
                 message: str | None = None) -> None:
        call.progress(float(done), None if total is None else float(total), message)

    def can_ask(self, what: str = "elicitation") -> bool:
        return call.can_ask(call.Ability[what.upper()])

    def state(self) -> bytes | None:
        return call.state()


# ---------------------------------------------------------------------------------------
# The exports


def _icon(icon: sdk.Icon) -> contract.Icon:
    theme = contract.Theme[icon.theme.upper()] if icon.theme else None
    return contract.Icon(icon.src, icon.mime_type, list(icon.sizes), theme)


def _tool(tool: sdk.Tool) -> contract.Tool:
    output = None
    if tool.rows:
        output = contract.OutputShape_Rows(_SHAPES[tool.rows])
    elif tool.output_schema:
        output = contract.OutputShape_Schema(sdk.to_json(tool.output_schema))
    hints = tool.annotations
    return contract.Tool(
        tool.name, tool.title, tool.description, contract.Access[tool.access.upper()],
        sdk.to_json(tool.input_schema), output,
        contract.Annotations(
            hints.read_only, hints.destructive, hints.idempotent, hints.open_world),
        [_icon(icon) for icon in tool.icons],
        sdk.to_json(tool.meta) if tool.meta else None)


def _content(block: Any) -> Any:
    match block:
        case str():
            return provider.Content_Text(block)
        case sdk.Text(text):
            return provider.Content_Text(text)
        case sdk.Image(data, mime_type):
            return provider.Content_Image(provider.Blob(data, mime_type))
        case sdk.Audio(data, mime_type):
            return provider.Content_Audio(provider.Blob(data, mime_type))
        case sdk.Link(uri, name, mime_type):
            return provider.Content_Link(provider.Link(uri, name, mime_type))
        case sdk.Raw(raw):
            return provider.Content_Raw(sdk.to_json(raw))
    raise TypeError(f"{type(block).__name__} is no content")


def _reply(answer: sdk.Output | sdk.Ask) -> Any:
    if isinstance(answer, sdk.Ask):
        return provider.Reply_Ask(
            provider.Question(sdk.to_json(answer.requests), answer.state))
    structured = None
    if isinstance(answer.structured, sdk.Rows):
        structured = provider.Structured_Rows(answer.structured.cursor.raw)
    elif answer.structured is not None:
        structured = provider.Structured_Json(sdk.to_json(answer.structured))
    return provider.Reply_Output(provider.Output(
        [_content(block) for block in answer.content], structured,
        sdk.to_json(answer.meta) if answer.meta else None))


def _failure(failure: sdk.Failure) -> Any:
    match failure:
        case sdk.UnknownTool():
            return provider.Failure_UnknownTool()
        case sdk.InvalidArgument():
            return provider.Failure_InvalidArguments(
                [provider.FieldError(failure.path, failure.message)])
        case sdk.DatabaseError():
            raw = failure.raw or types.Error_Other(str(failure))
            return provider.Failure_Database(raw)
        case sdk.Failed():
            return provider.Failure_Failed(
                provider.Problem(failure.code, failure.message, failure.hint))
        case sdk.Cancelled():
            return provider.Failure_Cancelled()
    raise TypeError(f"{type(failure).__name__} is no failure of the contract")


_HOST = _Host()
_MANIFEST = contract.Manifest(
    tools.name, tools.version, tools.description, tools.instructions,
    [_tool(tool) for tool in tools.tools.values()])


class Provider(exports.Provider):
    def describe(self) -> contract.Manifest:
        return _MANIFEST

    def call(self, tool: str, arguments: str) -> Any:
        try:
            return _reply(tools.call(_HOST, tool, arguments))
        except sdk.Failure as failure:
            raise Err(_failure(failure)) from None


if hasattr(exports, "Lifecycle"):
    class Lifecycle(exports.Lifecycle):
        def self_test(self) -> None:
            if tools.check is None:
                return
            try:
                tools.check(_HOST)
            except Exception as error:
                raise Err(f"{type(error).__name__}: {error}") from None
elif tools.check is not None:
    raise TypeError("there is a self-test, but the world in world.wit does not export "
                    "mssql-mcp:tools/lifecycle")

# A call starts from a picture of the memory as it is here. Whatever the collector does not
# look at stays shared between calls.
gc.collect()
gc.freeze()
