"""Guest library: a tool is a function, and a tool set is a list of them.

A tool's schema comes from its type hints, its description from its docstring:

    from typing import Annotated
    from mssql_mcp import Host, Rows, ToolSet

    tools = ToolSet("orders", "1.0.0")

    @tools.tool(title="Orders of a customer")
    def orders_of(host: Host, customer: Annotated[str, "Customer number, such as ADLEB"],
                  limit: Annotated[int, {"minimum": 1, "maximum": 100}] = 10) -> Rows:
        \"\"\"The newest orders of one customer.\"\"\"
        return host.query(
            "SELECT TOP (@limit) OrderID, OrderDate, Freight FROM dbo.Orders"
            " WHERE CustomerID = @customer ORDER BY OrderDate DESC",
            {"customer": customer, "limit": limit})

Everything a tool asks of the outside goes through its `Host`, so it runs in an ordinary
test against `mssql_mcp_testing.FakeHost`. Inside the component `mssql_mcp_component`
puts the real one there. Imports belong at the top of a module: the component is a picture
of Python after them, and there are no files behind it.
"""

import base64
import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import struct
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = [
    "Annotations", "Answer", "Answers", "Ask", "Audio", "Cache", "Cancelled", "Column",
    "DatabaseError", "ExactDatetime", "ExactTime", "Failed", "Failure", "Host", "Icon", "Image",
    "InvalidArgument", "Link", "Options", "Output", "Param", "Principal", "Raw", "Rows",
    "Stats", "Table", "TableName", "Text", "Tool", "ToolSet", "Truncation", "Typed",
    "UnknownTool", "contains", "quote", "to_json",
]

# ---------------------------------------------------------------------------------------
# How a call ends without a result


class Failure(Exception):
    """Ends a call. Any other exception is a mistake of the tool: the host answers
    `crashed`, and its log has the traceback."""


class Failed(Failure):
    """A failure that the tool words itself: a stable code, a sentence for the model, and
    what to do next. The codes that a tool may use are not-found, invalid-arguments,
    invalid-statement, unknown-table, ambiguous-table, unsupported, unavailable, timeout and
    cancelled; any other one goes out as `server-error`."""

    def __init__(self, code: str, message: str, hint: str | None = None):
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


class InvalidArgument(Failure):
    """An argument that the tool cannot work with."""

    def __init__(self, path: str, message: str):
        super().__init__(f"{path}: {message}" if path else message)
        self.path, self.message = path, message


class UnknownTool(Failure):
    """No tool has that name."""


class Cancelled(Failure):
    """The client cancelled; see `Host.cancelled`."""


class DatabaseError(Failure):
    """What the guard, the pool or SQL Server answered. A tool that lets it pass hands it
    on as it came: the host words it.

    `kind` is the contract's name: denied, invalid-statement, invalid-parameter,
    unknown-name, ambiguous-name, unsupported, server, limit, busy, unavailable, cancelled,
    other. `code` is that of a denial, or which limit; `number` is SQL Server's own;
    `names` are the candidates for a name.
    """

    def __init__(self, kind: str, message: str = "", *, code: str | None = None,
                 number: int | None = None, retryable: bool = False,
                 names: tuple[str, ...] = (), raw: Any = None):
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.message, self.code = kind, message, code
        self.number, self.retryable, self.names = number, retryable, names
        # The contract's own value, which goes back unchanged.
        self.raw = raw


# ---------------------------------------------------------------------------------------
# Values


class ExactTime(datetime.time):
    """A time of day with digits that Python's own has no room for. Made only where there
    are such digits; `nanosecond` are those below the microsecond."""

    nanosecond = 0

    def isoformat(self, timespec: str = "auto") -> str:
        return _with_digits(super().isoformat("microseconds"), self.nanosecond)

    __str__ = isoformat

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.nanosecond == getattr(other, "nanosecond", 0)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = datetime.time.__hash__


class ExactDatetime(datetime.datetime):
    """The same for a point in time."""

    nanosecond = 0

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        return _with_digits(super().isoformat(sep, "microseconds"), self.nanosecond)

    def __str__(self) -> str:
        return self.isoformat(" ")

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.nanosecond == getattr(other, "nanosecond", 0)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = datetime.datetime.__hash__


def _with_digits(text: str, nanosecond: int) -> str:
    """SQL Server has seven digits; a zone may follow them."""
    end = text.index(".") + 7
    return text[:end] + f"{nanosecond:03}".rstrip("0") + text[end:]


def time_of(nanos: int) -> datetime.time:
    """The time so many nanoseconds after midnight."""
    micros, rest = divmod(nanos, 1000)
    seconds, micros = divmod(micros, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    time = (ExactTime if rest else datetime.time)(hours, minutes, seconds, micros)
    if rest:
        time.nanosecond = rest
    return time


def datetime_of(year: int, month: int, day: int, nanos: int,
                offset_minutes: int | None = None) -> datetime.datetime:
    """The point in time; with a zone where there is an offset."""
    time = time_of(nanos)
    zone = None
    if offset_minutes is not None:
        zone = datetime.timezone(datetime.timedelta(minutes=offset_minutes))
    rest = getattr(time, "nanosecond", 0)
    made = (ExactDatetime if rest else datetime.datetime)(
        year, month, day, time.hour, time.minute, time.second, time.microsecond, zone)
    if rest:
        made.nanosecond = rest
    return made


def nanos_of(time: datetime.time | datetime.datetime) -> int:
    """Nanoseconds since midnight."""
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return (seconds * 1_000_000 + time.microsecond) * 1000 + getattr(time, "nanosecond", 0)


def real_of(single: float) -> float:
    """The shortest number that SQL Server keeps as this `real`: 0.1, where the bits say
    0.10000000149."""
    if single - single != 0:
        return single
    packed = struct.pack("f", single)
    for digits in range(6, 9):
        short = float(f"{single:.{digits}g}")
        if struct.pack("f", short) == packed:
            return short
    return float(f"{single:.9g}")


@dataclasses.dataclass(frozen=True)
class Typed:
    """A parameter with its SQL type, which avoids implicit conversions:
    `Typed("ADLEB", "nchar(5)")`."""

    value: Any
    sql_type: str


@dataclasses.dataclass(frozen=True)
class Param:
    """A parameter in the terms of the contract: `kind` is the case of its `value`."""

    name: str
    kind: str
    value: Any
    sql_type: str | None = None


def param(name: str, value: Any) -> Param:
    """`param("customer", "ADLEB")` binds `@customer`."""
    sql_type = None
    if isinstance(value, Typed):
        value, sql_type = value.value, value.sql_type
    if isinstance(value, enum.Enum):
        value = value.value
    kind: str
    # A bool is an int, and a datetime is a date: the narrower type comes first.
    if value is None:
        kind = "null"
    elif isinstance(value, bool):
        kind = "bit"
    elif isinstance(value, int):
        if -(2**63) <= value < 2**63:
            kind = "int"
        else:
            kind, value = "decimal", str(value)
    elif isinstance(value, float):
        kind = "float"
    elif isinstance(value, str):
        kind = "text"
    elif isinstance(value, decimal.Decimal):
        if not value.is_finite():
            raise InvalidArgument(name, f"{value} is no number for a database")
        kind, value = "decimal", format(value, "f")
    elif isinstance(value, (bytes, bytearray)):
        kind, value = "bytes", bytes(value)
    elif isinstance(value, datetime.datetime):
        kind = "datetime" if value.tzinfo is None else "datetime-offset"
    elif isinstance(value, datetime.date):
        kind = "date"
    elif isinstance(value, datetime.time):
        kind = "time"
    elif type(value).__name__ == "UUID":
        # Without the import, which few tool sets need.
        kind, value = "uuid", str(value)
    else:
        raise TypeError(f"the parameter {name} is of {type(value).__name__}, which SQL has not")
    return Param(name, kind, value, sql_type)


def params_of(params: Mapping[str, Any] | None) -> list[Param]:
    """The parameters of a statement."""
    return [param(name, value) for name, value in (params or {}).items()]


def to_json(value: Any) -> str:
    """JSON with exact digits: decimals are strings, as everywhere in mssql-mcp."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return list(value)
    if type(value).__name__ == "UUID":
        return str(value)
    raise TypeError(f"a value of {type(value).__name__} has no JSON form")


# ---------------------------------------------------------------------------------------
# T-SQL


def quote(*names: str) -> str:
    """A delimited name: `quote("dbo", "a]b")` is `[dbo].[a]]b]`."""
    return ".".join("[" + name.replace("]", "]]") + "]" for name in names)


def contains(text: str) -> str:
    """A pattern for `LIKE @pattern ESCAPE '\\'` that finds `text` anywhere, taken
    literally."""
    return "%" + "".join("\\" + c if c in "%_[]\\" else c for c in text) + "%"


# ---------------------------------------------------------------------------------------
# Rows


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a result."""

    name: str
    sql_type: str = ""
    nullable: bool = True
    #: The scope's policy masked it.
    masked: bool = False


@dataclasses.dataclass(frozen=True)
class Truncation:
    """Why rows are missing."""

    by: str
    limit: int


@dataclasses.dataclass(frozen=True)
class Stats:
    """What a statement cost."""

    rows: int = 0
    bytes: int = 0
    server_us: int = 0
    queue_us: int = 0
    cached: bool = False


class Rows:
    """A result that is still being read from the server; each row is a dict by column.

    A tool that returns it hands the rows through: they go from the database to the client
    without entering the component. A call holds one open result at a time; one that is
    read to its end, or closed, makes room for the next.

    The scope caps the rows and bytes of a result. A result that is handed through says so;
    a tool that reads a result which was cut short fails, so that it does not compute a wrong
    sum, unless it asked with `partial=True` and looks at `truncated`.
    """

    def __init__(self, cursor: Any, partial: bool = False, max_rows: int | None = None):
        #: What the host gave: bindings inside the component, a fake in tests.
        self.cursor = cursor
        self._partial, self._max_rows = partial, max_rows
        self.columns: list[Column] = cursor.columns()
        self._names = _names(self.columns)
        self._last: tuple[Truncation | None, Stats] | None = None

    def next(self, max_rows: int = 1000) -> list[dict[str, Any]]:
        """At most so many rows; none when there are no more."""
        if self._last:
            return []
        rows, done = self.cursor.next(max_rows)
        if done:
            self._end()
        return [dict(zip(self._names, row)) for row in rows]

    def batches(self, max_rows: int = 1000) -> Iterator[list[dict[str, Any]]]:
        """The rows in lists of at most so many."""
        while rows := self.next(max_rows):
            yield rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for rows in self.batches():
            yield from rows

    def all(self) -> list[dict[str, Any]]:
        """The rows that are left."""
        return list(self)

    def first(self) -> dict[str, Any] | None:
        """The next row; the rest is dropped."""
        rows = self.next(1)
        self.close()
        return rows[0] if rows else None

    def value(self) -> Any:
        """The first column of the next row; the rest is dropped."""
        row = self.first()
        return next(iter(row.values())) if row else None

    def json(self, shape: str = "objects") -> str:
        """The rows that are left as one JSON array (`objects` or `arrays`), written by the
        host: much cheaper than reading them where only the text is needed."""
        text = self.cursor.to_json(shape)
        self._end()
        return text

    @property
    def truncated(self) -> Truncation | None:
        """Why rows are missing, once they have been read."""
        return self._last[0] if self._last else self.cursor.truncated()

    @property
    def stats(self) -> Stats:
        """What the statement cost so far."""
        return self._last[1] if self._last else self.cursor.stats()

    def close(self) -> None:
        """Gives the connection back; a statement that still runs is cancelled."""
        if not self._last:
            self._last = (self.cursor.truncated(), self.cursor.stats())
            self.cursor.close()

    def _end(self) -> None:
        self.close()
        cut = self.truncated
        if cut is None or self._partial or (cut.by == "rows" and cut.limit == self._max_rows):
            return
        unit = "bytes in one value" if cut.by == "cell" else cut.by
        raise Failed(
            "unsupported", f"The tool has to read more at once than this scope hands over, "
                           f"which is {cut.limit} {unit}.", "Ask for less.")

    @property
    def closed(self) -> bool:
        """Whether it can no longer be handed through."""
        return self._last is not None

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def _names(columns: list[Column]) -> list[str]:
    """As the host names them in objects: a repeated name becomes `a_2`, an empty one
    `column_3`."""
    names: list[str] = []
    for position, column in enumerate(columns, 1):
        name = column.name or f"column_{position}"
        unique, count = name, 1
        while unique in names:
            count += 1
            unique = f"{name}_{count}"
        names.append(unique)
    return names


# ---------------------------------------------------------------------------------------
# The host


@dataclasses.dataclass(frozen=True)
class TableName:
    """A table or view."""

    schema: str
    name: str

    def __str__(self) -> str:
        return quote(self.schema, self.name)


@dataclasses.dataclass(frozen=True)
class Table:
    """An entry of the catalogue. `kind` is table or view; the count is from the server's
    statistics."""

    name: TableName
    kind: str = "table"
    approximate_rows: int | None = None
    comment: str | None = None


@dataclasses.dataclass(frozen=True)
class Principal:
    """Who calls."""

    subject: str
    client: str
    scopes: list[str]


@dataclasses.dataclass(frozen=True)
class Options:
    """Asks for less than the scope allows; it can never ask for more."""

    max_rows: int | None = None
    max_bytes: int | None = None
    timeout_ms: int | None = None
    cache_ttl_ms: int | None = None


@dataclasses.dataclass(frozen=True)
class Page:
    """One page of a result."""

    #: From 1.
    number: int
    #: Rows on a page; 100 unless told, or as many as the scope gives if those are fewer.
    size: int | None = None


class Cache:
    """Values that may vanish at any time."""

    def get(self, key: str) -> bytes | None:
        """A value put earlier."""
        raise NotImplementedError

    def set(self, key: str, value: bytes, ttl_ms: int | None = None) -> bool:
        """Keeps a value where the host has room for it; says whether it did."""
        raise NotImplementedError

    def delete(self, key: str) -> None:
        """Forgets a value."""
        raise NotImplementedError

    def remember(self, key: str, ttl_ms: int, make: Callable[[], Any]) -> Any:
        """The JSON value under `key`, made when it is not there. What was just made takes
        the way through JSON too, so that a hit and a miss look alike."""
        kept = self.get(key)
        if kept is None:
            kept = to_json(make()).encode()
            self.set(key, kept, ttl_ms)
        return json.loads(kept)


class Host:
    """What a tool may ask of the outside. `database` is a label of the scope's
    configuration everywhere; "" is the scope's first."""

    #: Shared by everybody in the scope.
    cache: Cache
    #: For the calling person alone.
    user_cache: Cache

    def query(self, sql: str, params: Mapping[str, Any] | None = None, *, database: str = "",
              max_rows: int | None = None, max_bytes: int | None = None,
              timeout_ms: int | None = None, cache_ttl_ms: int | None = None,
              page: int | None = None, page_size: int | None = None,
              partial: bool = False) -> Rows:
        """Runs one SELECT; `{"customer": "ADLEB"}` binds `@customer`. `page`: one page of its
        rows, from 1, in the order of its own ORDER BY; handed through, it says
        `pagination`. `partial`: the tool can do with a part of the rows (see `Rows`).
        Raises `DatabaseError`."""
        options = Options(max_rows, max_bytes, timeout_ms, cache_ttl_ms)
        if page is None and page_size is None:
            cursor = self.open_cursor(database, sql, params_of(params), options)
        else:
            asked = Page(1 if page is None else page, page_size)
            cursor = self.open_page(database, sql, params_of(params), options, asked)
        return Rows(cursor, partial, max_rows)

    def execute(self, sql: str, params: Mapping[str, Any] | None = None, *, database: str = "",
                timeout_ms: int | None = None) -> int:
        """Runs one statement in its own transaction and gives the rows affected; only in
        the world `write-tools`. Raises `DatabaseError`."""
        return self.run(database, sql, params_of(params), Options(timeout_ms=timeout_ms))

    def answers(self) -> "Answers":
        """What the client answered to `Ask`; nothing on the first round of a call."""
        text = self.answers_json()
        found = json.loads(text) if text else {}
        return Answers(found if isinstance(found, dict) else {})

    # What follows is there in the component, and in tests in `FakeHost`.

    def open_cursor(self, database: str, sql: str, params: list[Param],
                    options: Options) -> Any:
        """What `query` rests on."""
        raise NotImplementedError

    def open_page(self, database: str, sql: str, params: list[Param], options: Options,
                  page: Page) -> Any:
        """What `query` with a page rests on."""
        raise NotImplementedError

    def run(self, database: str, sql: str, params: list[Param], options: Options) -> int:
        """What `execute` rests on."""
        raise NotImplementedError

    def answers_json(self) -> str | None:
        """What `answers` rests on."""
        raise NotImplementedError

    def tables(self, database: str = "") -> list[Table]:
        """Tables and views that the scope shows."""
        raise NotImplementedError

    def describe(self, table: TableName, database: str = "") -> dict[str, Any]:
        """Columns, keys, indexes and comments of a table."""
        raise NotImplementedError

    def primary_key(self, table: TableName, database: str = "") -> list[str]:
        """Columns of the primary key in key order; empty when there is none."""
        raise NotImplementedError

    def resolve(self, name: str, database: str = "") -> TableName:
        """The one table that a name such as `[Order Details]` means."""
        raise NotImplementedError

    def setting(self, key: str) -> str | None:
        """This tool set's setting in the scope."""
        raise NotImplementedError

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        """Writes to the host's log: trace, debug, info, warn or error."""
        raise NotImplementedError

    def seal(self, plain: bytes) -> str:
        """URL-safe text that only this tool set in this scope can open."""
        raise NotImplementedError

    def open(self, sealed: str) -> bytes | None:
        """What `seal` was given; None for anything else."""
        raise NotImplementedError

    def scope(self) -> str:
        """The scope's name."""
        raise NotImplementedError

    def whoami(self) -> Principal | None:
        """Who calls."""
        raise NotImplementedError

    def remaining_ms(self) -> int:
        """Milliseconds that this call may still take."""
        raise NotImplementedError

    def cancelled(self) -> bool:
        """Whether the client has lost interest."""
        raise NotImplementedError

    def progress(self, done: float, total: float | None = None,
                 message: str | None = None) -> None:
        """Tells the client, if it wants to know, that `done` of `total` is done; it must
        increase."""
        raise NotImplementedError

    def can_ask(self, what: str = "elicitation") -> bool:
        """Whether the client can pass on a question: elicitation (a form), sampling or
        roots."""
        raise NotImplementedError

    def state(self) -> bytes | None:
        """On the repeat of a call that asked, the state that its question carried."""
        raise NotImplementedError


# ---------------------------------------------------------------------------------------
# What a tool answers


@dataclasses.dataclass
class Text:
    """A text for the model."""

    text: str


@dataclasses.dataclass
class Image:
    """A picture."""

    data: bytes
    mime_type: str


@dataclasses.dataclass
class Audio:
    """A sound."""

    data: bytes
    mime_type: str


@dataclasses.dataclass
class Link:
    """A resource to read."""

    uri: str
    name: str
    mime_type: str | None = None


@dataclasses.dataclass
class Raw:
    """Any other content block of the protocol."""

    block: dict[str, Any]


@dataclasses.dataclass
class Output:
    """A result in full. With `structured` and no `content`, the host adds the text with
    the same JSON."""

    content: list[Text | Image | Audio | Link | Raw] = dataclasses.field(default_factory=list)
    structured: Any = None
    meta: dict[str, Any] | None = None


class Ask:
    """Questions to the person behind the client. The call that returns it ends there; it
    is made again with the answers, so whatever is not in the state is forgotten.

        answer = host.answers().form("person", Person)
        if answer is None:
            return Ask().form("person", "Who are you?", Person)
        return f"Hello, {answer.value.name}!" if answer.accepted else "Never mind."
    """

    def __init__(self, state: bytes = b""):
        self.requests: dict[str, Any] = {}
        self.state = state

    def form(self, key: str, message: str, fields: Any) -> "Ask":
        """Asks the person to fill in a form: a flat dataclass (or TypedDict) of strings,
        numbers, booleans and choices, or its JSON schema."""
        schema = fields if isinstance(fields, dict) else _shape(fields, _FORM)[0]
        return self.request(
            key, "elicitation/create", {"message": message, "requestedSchema": schema})

    def request(self, key: str, method: str, params: dict[str, Any]) -> "Ask":
        """Any request that the contract allows."""
        self.requests[key] = {"method": method, "params": params}
        return self


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of a form: `action` is accept, decline or cancel."""

    action: str
    value: Any = None

    @property
    def accepted(self) -> bool:
        """Whether the person filled it in."""
        return self.action == "accept"


class Answers:
    """What the client answered, by key. A client may leave answers out and make others
    up, so each is looked for and read with care."""

    def __init__(self, answers: dict[str, Any]):
        self._answers = answers

    def get(self, key: str) -> Any:
        """The answer to a request of any kind."""
        return self._answers.get(key)

    def form(self, key: str, fields: Any = dict) -> Answer | None:
        """The answer to a form; None when there is none, or none of that shape: ask then."""
        answer = self._answers.get(key)
        action = answer.get("action") if isinstance(answer, dict) else None
        if action in ("decline", "cancel"):
            return Answer(action)
        if action != "accept" or not isinstance(answer.get("content"), dict):
            return None
        try:
            return Answer(action, _shape(fields, _FORM)[1](answer["content"], ""))
        except InvalidArgument:
            return None


# ---------------------------------------------------------------------------------------
# Schemas from types: plain ones, without `$ref`, which every client digests

_Reader = Callable[[Any, str], Any]
_INPUT, _OUTPUT, _FORM = "input", "output", "form"
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_DATETIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$"
_TIME = r"^\d\d:\d\d(:\d\d(\.\d+)?)?$"


def _shape(hint: Any, use: str) -> tuple[dict[str, Any], _Reader]:
    """The schema of a type, and what makes such a value of JSON."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        schema, read = _shape(args[0], use)
        for note in args[1:]:
            if isinstance(note, str):
                schema = {**schema, "description": note}
            elif isinstance(note, dict):
                schema = {**schema, **note}
        return schema, read
    if origin in (typing.Required, typing.NotRequired):
        return _shape(args[0], use)
    if (hint is None or isinstance(hint, type)) and hint in _SCALARS:
        schema, read = _SCALARS[hint]
        return dict(schema), read
    if hint is Any or hint is object:
        return {}, lambda value, path: value
    if origin is typing.Literal:
        return _choice(list(args), {choice: choice for choice in args})
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _choice([member.value for member in hint],
                       {member.value: member for member in hint})
    if origin in (typing.Union, types.UnionType):
        return _union(args, use)
    if hint is list or origin in (list, tuple):
        if origin is tuple and args[1:] != (...,):
            raise TypeError(f"{hint}: a tuple is tuple[T, ...] here")
        schema, read = _shape(args[0] if args else Any, use)
        kind = origin or list
        return {"type": "array", **({"items": schema} if schema else {})}, _sequence(kind, read)
    if hint is dict or origin is dict:
        schema, read = _shape(args[1] if args else Any, use)
        described = {"type": "object", **({"additionalProperties": schema} if schema else {})}
        return described, lambda value, path: {
            key: read(item, f"{path}/{key}")
            for key, item in _checked(value, dict, path, "an object").items()}
    if dataclasses.is_dataclass(hint) or typing.is_typeddict(hint):
        return _record(hint, use)
    raise TypeError(f"{hint!r} has no JSON schema here")


def _checked(value: Any, kind: Any, path: str, what: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InvalidArgument(path, f"must be {what}")
    return value


def _integer(value: Any, path: str) -> int:
    # 10.0 is an integer in JSON Schema.
    if isinstance(value, (float, decimal.Decimal)) and value == int(value):
        return int(value)
    return _checked(value, int, path, "an integer")


def _number(value: Any, path: str) -> float:
    return float(_checked(value, (int, float, decimal.Decimal), path, "a number"))


def _text_of(parse: Callable[[str], Any], what: str) -> _Reader:
    def read(value: Any, path: str) -> Any:
        try:
            return parse(_checked(value, str, path, what))
        except (ValueError, ArithmeticError):
            raise InvalidArgument(path, f"must be {what}") from None
    return read


def _decimal(value: Any, path: str) -> decimal.Decimal:
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return decimal.Decimal(value)
    number = _text_of(decimal.Decimal, "a decimal number, such as \"12.50\"")(value, path)
    if not number.is_finite():
        raise InvalidArgument(path, "must be a finite number")
    return number


def _of(kind: Any, what: str) -> _Reader:
    return lambda value, path: _checked(value, kind, path, what)


_SCALARS: dict[Any, tuple[dict[str, Any], _Reader]] = {
    str: ({"type": "string"}, _of(str, "a string")),
    bool: ({"type": "boolean"}, _of(bool, "true or false")),
    int: ({"type": "integer"}, _integer),
    float: ({"type": "number"}, _number),
    None: ({"type": "null"}, _of(type(None), "null")),
    type(None): ({"type": "null"}, _of(type(None), "null")),
    # A string, because a float would change the last digits.
    decimal.Decimal: ({"type": "string", "pattern": _DECIMAL}, _decimal),
    datetime.date: ({"type": "string", "format": "date"},
                    _text_of(datetime.date.fromisoformat, "a date, such as 1998-05-06")),
    # Not the format `date-time`, which demands a zone.
    datetime.datetime: ({"type": "string", "pattern": _DATETIME},
                        _text_of(datetime.datetime.fromisoformat,
                                 "a date and time, such as 1998-05-06T12:30:00")),
    datetime.time: ({"type": "string", "pattern": _TIME},
                    _text_of(datetime.time.fromisoformat, "a time, such as 12:30")),
    bytes: ({"type": "string", "contentEncoding": "base64"},
            _text_of(lambda text: base64.b64decode(text, validate=True), "base64")),
}


def _choice(values: list[Any], known: dict[Any, Any]) -> tuple[dict[str, Any], _Reader]:
    kinds = {type(value) for value in values}
    schema: dict[str, Any] = {"enum": values}
    if len(kinds) == 1:
        schema = {**_SCALARS[kinds.pop()][0], **schema}

    def read(value: Any, path: str) -> Any:
        # By type too: True is 1 in Python.
        for choice, meant in known.items():
            if type(choice) is type(value) and choice == value:
                return meant
        raise InvalidArgument(path, f"must be one of {to_json(values)}")
    return schema, read


def _union(members: tuple[Any, ...], use: str) -> tuple[dict[str, Any], _Reader]:
    none = type(None)
    shapes = [_shape(member, use) for member in members if member is not none]
    nullable = none in members
    if use == _FORM and nullable and len(shapes) == 1:
        # A form has no null: a field that may be left out is just not required.
        schema = shapes[0][0]
    elif nullable and len(shapes) == 1 and isinstance(shapes[0][0].get("type"), str):
        schema = {**shapes[0][0], "type": [shapes[0][0]["type"], "null"]}
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    else:
        schemas = [schema for schema, _ in shapes]
        schema = {"anyOf": schemas + [{"type": "null"}] if nullable else schemas}

    def read(value: Any, path: str) -> Any:
        if value is None and nullable:
            return None
        for _, candidate in shapes[:-1]:
            try:
                return candidate(value, path)
            except InvalidArgument:
                pass
        return shapes[-1][1](value, path)
    return schema, read


def _sequence(kind: type, read: _Reader) -> _Reader:
    def read_all(value: Any, path: str) -> Any:
        items = _checked(value, list, path, "an array")
        return kind(read(item, f"{path}/{at}") for at, item in enumerate(items))
    return read_all


def _record(hint: Any, use: str) -> tuple[dict[str, Any], _Reader]:
    hints = typing.get_type_hints(hint, include_extras=True)
    if dataclasses.is_dataclass(hint):
        fields = {field.name: field for field in dataclasses.fields(hint) if field.init}
        defaults = {name: field.default for name, field in fields.items()
                    if field.default is not dataclasses.MISSING}
        required = {name for name, field in fields.items()
                    if name not in defaults
                    and field.default_factory is dataclasses.MISSING}
        hints = {name: hints[name] for name in fields}
        if use == _OUTPUT:
            # All of them are written.
            required = set(fields)
    else:
        defaults, required = {}, set(hint.__required_keys__)
    schema, read = _members(hints, defaults, required, use)
    return schema, lambda value, path: hint(**read(value, path))


def _members(hints: dict[str, Any], defaults: dict[str, Any], required: set[str],
             use: str) -> tuple[dict[str, Any], _Reader]:
    properties: dict[str, Any] = {}
    readers: dict[str, _Reader] = {}
    for name, hint in hints.items():
        schema, readers[name] = _shape(hint, use)
        if use != _OUTPUT and defaults.get(name) is not None:
            schema["default"] = json.loads(to_json(defaults[name]))
        properties[name] = schema
    schema = {"type": "object", "properties": properties}
    if needed := [name for name in hints if name in required]:
        schema["required"] = needed
    if use == _INPUT:
        schema["additionalProperties"] = False

    def read(value: Any, path: str) -> dict[str, Any]:
        given = _checked(value, dict, path, "an object")
        for name in given:
            # A form's answer may have more than was asked for.
            if name not in readers and use == _INPUT:
                raise InvalidArgument(f"{path}/{name}", "is not an argument of this tool")
        for name in needed:
            if name not in given:
                raise InvalidArgument(f"{path}/{name}", "is missing")
        return {name: reader(given[name], f"{path}/{name}")
                for name, reader in readers.items() if name in given}
    return schema, read


# ---------------------------------------------------------------------------------------
# Tools


@dataclasses.dataclass(frozen=True)
class Annotations:
    """Hints for clients."""

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool


@dataclasses.dataclass(frozen=True)
class Icon:
    """A picture of a tool: an `https:` address or a `data:` URI of an image."""

    src: str
    mime_type: str | None = None
    sizes: tuple[str, ...] = ()
    #: The background that it is for: light or dark.
    theme: str | None = None


@dataclasses.dataclass(frozen=True)
class Tool:
    """What the host reads about a tool, and what calls it."""

    name: str
    title: str | None
    description: str
    access: str
    input_schema: dict[str, Any]
    #: The schema of its result.
    output_schema: dict[str, Any] | None
    #: objects or arrays, where its result is rows.
    rows: str | None
    annotations: Annotations
    icons: tuple[Icon, ...]
    meta: dict[str, Any] | None
    function: Callable[..., Any]
    read: _Reader


class ToolSet:
    """A tool set: its name, and its tools in the order they are listed. `instructions`
    are joined into what the server tells a model about itself; clients may read their
    first 512 characters only."""

    def __init__(self, name: str, version: str, *, description: str | None = None,
                 instructions: str | None = None):
        self.name, self.version = name, version
        self.description, self.instructions = description, instructions
        self.tools: dict[str, Tool] = {}
        self.check: Callable[[Host], None] | None = None

    def tool(self, title: str | None = None, *, name: str | None = None,
             description: str | None = None, access: str = "read", rows: str = "objects",
             idempotent: bool | None = None, destructive: bool | None = None,
             open_world: bool = False, icons: tuple[Icon, ...] = (),
             meta: dict[str, Any] | None = None) -> Callable[[Any], Any]:
        """Makes a tool of a function `f(host, …)`, which stays what it was.

        Its arguments may be str, int, float, bool, Decimal, date, datetime, time, Literal,
        Enum, Optional, list, dict, dataclasses and TypedDicts; `Annotated[int, "what it
        is", {"minimum": 1}]` adds a description and keywords of JSON Schema.

        The return type is the tool's result: `Rows` (handed through, as objects or with
        `rows="arrays"`), a dataclass, TypedDict or dict[str, T] (structured, with a
        schema), str (text), or `Output`; `… | Ask` when it may ask. A tool with
        `access="write"` is called only for who may write."""
        def declare(function: Any) -> Any:
            self._add(function, title, name or function.__name__, description, access, rows,
                      Annotations(
                          read_only=access == "read",
                          destructive=access == "write" if destructive is None else destructive,
                          idempotent=access == "read" if idempotent is None else idempotent,
                          open_world=open_world),
                      tuple(icons), meta)
            return function
        return declare

    def self_test(self, function: Any) -> Any:
        """Has a function `f(host)` run before a new version serves; when it raises, the
        one that is serving stays. The component's world must export
        `mssql-mcp:tools/lifecycle`."""
        self.check = function
        return function

    def call(self, host: Host, tool: str, arguments: str | dict[str, Any]) -> Output | Ask:
        """Calls a tool with a JSON object. Raises `Failure`."""
        found = self.tools.get(tool)
        if found is None:
            raise UnknownTool(tool)
        if isinstance(arguments, str):
            # Numbers keep their digits until it is known what they are for.
            arguments = json.loads(arguments, parse_float=decimal.Decimal)
        return _answer(found, found.function(host, **found.read(arguments, "")))

    def _add(self, function: Any, title: str | None, name: str, description: str | None,
             access: str, rows: str, annotations: Annotations, icons: tuple[Icon, ...],
             meta: dict[str, Any] | None) -> None:
        description = description or inspect.getdoc(function)
        if not description:
            raise TypeError(f"{name} has no docstring: a model would not know what it does")
        if name in self.tools:
            raise TypeError(f"two tools are named {name}")
        if access not in ("read", "write") or rows not in ("objects", "arrays"):
            raise TypeError(f"{name}: access is read or write, rows are objects or arrays")
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        for parameter in parameters:
            if parameter.name not in hints:
                raise TypeError(f"{name}: the argument {parameter.name} has no type")
        taken = {parameter.name: hints[parameter.name] for parameter in parameters}
        defaults = {parameter.name: parameter.default for parameter in parameters
                    if parameter.default is not parameter.empty}
        schema, read = _members(taken, defaults, set(taken) - set(defaults), _INPUT)
        output_schema, shape = _result(name, hints.get("return"), rows)
        self.tools[name] = Tool(name, title, description, access, schema, output_schema, shape,
                                annotations, icons, meta, function, read)


def _result(name: str, hint: Any, rows: str) -> tuple[dict[str, Any] | None, str | None]:
    """What a tool's result looks like: a schema, or rows of a shape."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not Ask]
        hint = members[0] if len(members) == 1 else typing.Union[tuple(members)]
    if hint is Rows:
        return None, rows
    if hint in (None, type(None), str, dict, Any, Output, Ask):
        return None, None
    schema, _ = _shape(hint, _OUTPUT)
    if schema.get("type") != "object":
        raise TypeError(f"{name}: a result is a dataclass, a TypedDict, a dict[str, T], Rows, "
                        f"str or Output, not {hint!r}")
    return schema, None


def _answer(tool: Tool, value: Any) -> Output | Ask:
    if isinstance(value, (Ask, Output)):
        answer = value
    elif isinstance(value, str):
        answer = Output([Text(value)])
    elif value is None:
        raise TypeError(f"{tool.name} returned nothing: tell the model what was done")
    else:
        answer = Output(structured=value)
    if isinstance(answer, Output) and isinstance(answer.structured, Rows):
        if answer.structured.closed:
            raise TypeError(f"{tool.name} returned rows that it has read to their end or closed")
    return answer
