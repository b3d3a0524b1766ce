"""A host for tests: answers to statements, settings, and a record of what was asked.

    host = FakeHost(lambda sql, params: [{"OrderID": 1, "Freight": Decimal("1.10")}])
    assert call(tools, host, "orders_of", {"customer": "ADLEB"})["row_count"] == 1
    assert host.statements[0].params == {"customer": "ADLEB", "limit": 10}

No database runs here: `mssql-mcp plugin test` tries the statements themselves.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mssql_mcp as sdk


@dataclasses.dataclass(frozen=True)
class Statement:
    """What a tool had the database do."""

    sql: str
    params: dict[str, Any]
    database: str
    options: sdk.Options
    #: The page that was asked for.
    page: sdk.Page | None = None


@dataclasses.dataclass(frozen=True)
class Result:
    """Rows with more about them than a list of dicts says."""

    rows: Sequence[Mapping[str, Any]]
    #: Names, or names and SQL types; without them those of the first row.
    columns: Sequence[str | tuple[str, str]] | None = None
    truncated: sdk.Truncation | None = None


class FakeHost(sdk.Host):
    """A host whose database is `answer(sql, params)`: it gives rows as dicts (or a
    `Result`), the rows affected for what is executed, or raises `DatabaseError`."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], Any] | None = None, *,
                 settings: Mapping[str, str] | None = None,
                 tables: Mapping[str, Mapping[str, Any]] | None = None,
                 max_rows: int = 1000, abilities: Sequence[str] = (),
                 answers: Mapping[str, Any] | None = None, state: bytes | None = None,
                 principal: sdk.Principal | None = None):
        self._answer = answer or (lambda sql, params: [])
        self._settings = dict(settings or {})
        #: By `schema.name`, what describing it gives.
        self._tables = dict(tables or {})
        #: What the scope hands over of one result.
        self._max_rows = max_rows
        self._abilities = abilities
        self._answers, self._state = answers, state
        self._principal = principal
        self._open: _FakeCursor | None = None
        self.cache, self.user_cache = FakeCache(), FakeCache()
        #: The statements so far.
        self.statements: list[Statement] = []
        #: What the client was told: done, total, message.
        self.reports: list[tuple[float, float | None, str | None]] = []
        #: What was logged: level, message, fields.
        self.logged: list[tuple[str, str, dict[str, Any]]] = []

    def open_cursor(self, database: str, sql: str, params: list[sdk.Param],
                    options: sdk.Options) -> "_FakeCursor":
        if self._open and not self._open.closed:
            raise sdk.DatabaseError("limit", "a call holds one open result at a time",
                                    code="concurrency")
        answer = self._asked(database, sql, params, options)
        result = answer if isinstance(answer, Result) else Result(answer)
        self._open = _FakeCursor(result, min(self._max_rows, options.max_rows or self._max_rows))
        return self._open

    def open_page(self, database: str, sql: str, params: list[sdk.Param],
                  options: sdk.Options, page: sdk.Page) -> "_FakeCursor":
        if page.number < 1:
            raise sdk.DatabaseError("invalid-parameter", "page: pages count from 1")
        cursor = self.open_cursor(database, sql, params, options)
        self.statements[-1] = dataclasses.replace(self.statements[-1], page=page)
        cursor.turn_to(page.number, page.size or 100)
        return cursor

    def run(self, database: str, sql: str, params: list[sdk.Param],
            options: sdk.Options) -> int:
        return self._asked(database, sql, params, options)

    def _asked(self, database: str, sql: str, params: list[sdk.Param],
               options: sdk.Options) -> Any:
        named = {param.name: param.value for param in params}
        self.statements.append(Statement(sql, named, database, options))
        return self._answer(sql, named)

    def answers_json(self) -> str | None:
        return None if self._answers is None else json.dumps(self._answers)

    def tables(self, database: str = "") -> list[sdk.Table]:
        return [sdk.Table(self.resolve(name)) for name in self._tables]

    def describe(self, table: sdk.TableName, database: str = "") -> dict[str, Any]:
        return dict(self._tables[f"{table.schema}.{table.name}"])

    def primary_key(self, table: sdk.TableName, database: str = "") -> list[str]:
        return list(self.describe(table).get("primary_keys", []))

    def resolve(self, name: str, database: str = "") -> sdk.TableName:
        plain = name.replace("[", "").replace("]", "").casefold()
        found = [table for table in self._tables
                 if plain in (table.casefold(), table.partition(".")[2].casefold())]
        if len(found) != 1:
            kind = "ambiguous-name" if found else "unknown-name"
            raise sdk.DatabaseError(kind, names=tuple(found))
        schema, _, table = found[0].partition(".")
        return sdk.TableName(schema, table)

    def setting(self, key: str) -> str | None:
        return self._settings.get(key)

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        self.logged.append((level, message, fields))

    def seal(self, plain: bytes) -> str:
        return plain.hex()

    def open(self, sealed: str) -> bytes | None:
        try:
            return bytes.fromhex(sealed)
        except ValueError:
            return None

    def scope(self) -> str:
        return "test"

    def whoami(self) -> sdk.Principal | None:
        return self._principal

    def remaining_ms(self) -> int:
        return 60_000

    def cancelled(self) -> bool:
        return False

    def progress(self, done: float, total: float | None = None,
                 message: str | None = None) -> None:
        if self.reports and done <= self.reports[-1][0]:
            raise AssertionError(f"progress must increase: {done} after {self.reports[-1][0]}")
        self.reports.append((done, total, message))

    def can_ask(self, what: str = "elicitation") -> bool:
        return what in self._abilities

    def state(self) -> bytes | None:
        return self._state


class FakeCache(sdk.Cache):
    """Keeps everything; `values` is what it keeps."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def set(self, key: str, value: bytes, ttl_ms: int | None = None) -> bool:
        self.values[key] = bytes(value)
        return True

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


class _FakeCursor:
    def __init__(self, result: Result, max_rows: int):
        names = result.columns
        if names is None:
            names = list(result.rows[0]) if result.rows else []
        self._columns = [sdk.Column(name) if isinstance(name, str) else sdk.Column(*name)
                         for name in names]
        rows = [[row[column.name] for column in self._columns] for row in result.rows]
        self._rows, self._truncated = rows[:max_rows], result.truncated
        if len(rows) > max_rows:
            self._truncated = sdk.Truncation("rows", max_rows)
        self._whole = rows
        self.pagination: dict[str, Any] | None = None
        self.closed = False

    def turn_to(self, number: int, size: int) -> None:
        """Leaves one page of the rows."""
        self._rows, self._truncated = self._whole[(number - 1) * size:number * size], None
        self.pagination = {"page": number, "page_size": size,
                           "has_more": len(self._whole) > number * size}

    def columns(self) -> list[sdk.Column]:
        return self._columns

    def next(self, max_rows: int) -> tuple[list[list[Any]], bool]:
        rows, self._rows = self._rows[:max_rows], self._rows[max_rows:]
        return rows, not self._rows

    def to_json(self, shape: str) -> str:
        rows, self._rows = self._rows, []
        if shape == "arrays":
            return sdk.to_json(rows)
        names = [column.name for column in self._columns]
        return sdk.to_json([dict(zip(names, row)) for row in rows])

    def truncated(self) -> sdk.Truncation | None:
        return self._truncated

    def stats(self) -> sdk.Stats:
        return sdk.Stats()

    def close(self) -> None:
        self.closed = True


def call(tools: sdk.ToolSet, host: sdk.Host, tool: str,
         arguments: Mapping[str, Any] | None = None) -> Any:
    """Calls a tool as a client does: arguments go in as JSON, and the result comes back as
    JSON that has been read. Text comes back as it is, and a question as `Ask`."""
    answer = tools.call(host, tool, sdk.to_json(dict(arguments or {})))
    if isinstance(answer, sdk.Ask):
        return answer
    structured = answer.structured
    if isinstance(structured, sdk.Rows):
        columns = [{"name": column.name, "type": column.sql_type}
                   for column in structured.columns]
        results = json.loads(structured.cursor.to_json(tools.tools[tool].rows or "objects"))
        document = {"columns": columns, "results": results, "row_count": len(results),
                    "truncated": structured.truncated and dataclasses.asdict(structured.truncated)}
        if structured.cursor.pagination:
            document["pagination"] = structured.cursor.pagination
        return document
    if structured is not None:
        return json.loads(sdk.to_json(structured))
    return "\n".join(block.text for block in answer.content if isinstance(block, sdk.Text))
