"""Tests of the guest library; they run without a component: `python3 -m unittest`."""

import json
import struct
import typing
import unittest
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal, Optional
from uuid import UUID

import mssql_mcp as sdk
from mssql_mcp import Ask, Failed, Host, InvalidArgument, Output, Rows, Text, ToolSet, Typed
from mssql_mcp_testing import FakeHost, Result, call


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Line:
    product: int
    price: Decimal
    note: str = ""


class Person(typing.TypedDict):
    name: str
    age: typing.NotRequired[int]


@dataclass
class Total:
    amount: Annotated[Decimal, "What it comes to"]
    day: date
    parts: list[Line] = field(default_factory=list)
    best: Optional[int] = None


@dataclass
class Consent:
    really: Annotated[bool, "Do it"]
    size: Literal["S", "L"] = "S"
    why: str | None = None


def tool_set(function, **options):
    tools = ToolSet("test", "1.0.0")
    tools.tool(**options)(function)
    return tools


def the_tool(function, **options):
    return tool_set(function, **options).tools[function.__name__]


class Schemas(unittest.TestCase):
    def test_come_from_hints_and_defaults(self):
        def find(host: Host, name: Annotated[str, "Whom", {"minLength": 1}], limit: int = 10,
                 ratio: float = 0.5, exact: bool = False, price: Decimal = Decimal("1.50"),
                 since: date | None = None, size: Literal["S", "L"] = "S",
                 colour: Colour = Colour.RED, tags: list[str] = [], at: datetime | None = None):
            """Finds."""

        self.assertEqual(the_tool(find).input_schema, {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Whom", "minLength": 1},
                "limit": {"type": "integer", "default": 10},
                "ratio": {"type": "number", "default": 0.5},
                "exact": {"type": "boolean", "default": False},
                "price": {"type": "string", "pattern": sdk._DECIMAL, "default": "1.50"},
                "since": {"type": ["string", "null"], "format": "date"},
                "size": {"type": "string", "enum": ["S", "L"], "default": "S"},
                "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                "tags": {"type": "array", "items": {"type": "string"}, "default": []},
                "at": {"type": ["string", "null"], "pattern": sdk._DATETIME},
            },
            "required": ["name"],
            "additionalProperties": False,
        })

    def test_of_records_are_written_out_in_place(self):
        def add(host: Host, lines: list[Line], who: Person, more: dict[str, int],
                either: int | str = 1):
            """Adds."""

        properties = the_tool(add).input_schema["properties"]
        self.assertEqual(properties["lines"]["items"], {
            "type": "object", "required": ["product", "price"], "additionalProperties": False,
            "properties": {"product": {"type": "integer"},
                           "price": {"type": "string", "pattern": sdk._DECIMAL},
                           "note": {"type": "string", "default": ""}}})
        self.assertEqual(properties["who"]["required"], ["name"])
        self.assertEqual(properties["more"]["additionalProperties"], {"type": "integer"})
        self.assertEqual(properties["either"]["anyOf"],
                         [{"type": "integer"}, {"type": "string"}])

    def test_of_results(self):
        def total(host: Host) -> Total | Ask:
            """Adds up."""

        schema = the_tool(total).output_schema
        self.assertEqual(schema["required"], ["amount", "day", "parts", "best"])
        self.assertEqual(schema["properties"]["best"], {"type": ["integer", "null"]})
        self.assertEqual(schema["properties"]["amount"]["description"], "What it comes to")

        def rows(host: Host) -> Rows:
            """Lists."""

        self.assertEqual(the_tool(rows).rows, "objects")
        self.assertEqual(the_tool(rows, rows="arrays").rows, "arrays")

        def text(host: Host) -> str:
            """Tells."""

        self.assertIsNone(the_tool(text).rows or the_tool(text).output_schema)

    def test_a_tool_that_a_model_could_not_use_is_refused(self):
        def silent(host: Host) -> str:
            pass

        def untyped(host: Host, name) -> str:
            """Greets."""

        def many(host: Host) -> list[int]:
            """Counts."""

        def odd(host: Host, value: complex) -> str:
            """Turns."""

        for function, words in [(silent, "docstring"), (untyped, "name has no type"),
                                (many, "a result is"), (odd, "complex")]:
            with self.assertRaisesRegex(TypeError, words):
                the_tool(function)

    def test_annotations_follow_from_access(self):
        def change(host: Host) -> str:
            """Changes."""

        self.assertEqual(the_tool(change).annotations, sdk.Annotations(True, False, True, False))
        self.assertEqual(the_tool(change, access="write", idempotent=True).annotations,
                         sdk.Annotations(False, True, True, False))


class Arguments(unittest.TestCase):
    def read(self, function, text):
        return tool_set(function).call(FakeHost(), function.__name__, text)

    def test_become_the_types_of_the_hints(self):
        seen = []

        def take(host: Host, n: int, f: float, d: Decimal, day: date, at: datetime, c: Colour,
                 lines: list[Line], who: Person, t: time, raw: bytes, u: int | None = 7) -> str:
            """Takes."""
            seen.append((n, f, d, day, at, c, lines, who, t, raw, u))
            return ""

        self.read(take, """{"n": 10.0, "f": 2, "d": "0.10", "day": "1998-05-06",
            "at": "1998-05-06T12:30:00+02:00", "c": "blue", "t": "12:30", "raw": "AAE=",
            "lines": [{"product": 1, "price": "2.50"}], "who": {"name": "Ana"}, "u": null}""")
        zone = timezone(timedelta(hours=2))
        self.assertEqual(seen, [(
            10, 2.0, Decimal("0.10"), date(1998, 5, 6), datetime(1998, 5, 6, 12, 30, tzinfo=zone),
            Colour.BLUE, [Line(1, Decimal("2.50"))], {"name": "Ana"}, time(12, 30), b"\0\1",
            None)])
        self.assertIsInstance(seen[0][0], int)
        self.assertIsInstance(seen[0][1], float)

    def test_that_do_not_fit_are_named(self):
        def take(host: Host, lines: list[Line], n: int = 1,
                 size: Literal["S", 1] = "S") -> str:
            """Takes."""
            return ""

        for text, path, words in [
            ("{}", "/lines", "is missing"),
            ('{"lines": [], "x": 1}', "/x", "is not an argument"),
            ('{"lines": [], "n": true}', "/n", "an integer"),
            ('{"lines": [], "n": 1.5}', "/n", "an integer"),
            ('{"lines": [], "size": true}', "/size", 'one of ["S",1]'),
            ('{"lines": [{"product": 1, "price": "1,5"}]}', "/lines/0/price", "a decimal number"),
            ('{"lines": [{"product": 1, "price": "NaN"}]}', "/lines/0/price", "finite"),
            ("[]", "", "an object"),
        ]:
            with self.subTest(text), self.assertRaises(InvalidArgument) as raised:
                self.read(take, text)
            self.assertEqual(raised.exception.path, path)
            self.assertIn(words, raised.exception.message)

    def test_an_unknown_tool_is_unknown(self):
        with self.assertRaises(sdk.UnknownTool):
            ToolSet("test", "1.0.0").call(FakeHost(), "none", "{}")


class Values(unittest.TestCase):
    def test_parameters_have_the_kind_of_their_type(self):
        for value, kind, written in [
            (None, "null", None), (True, "bit", True), (7, "int", 7),
            (2**63, "decimal", "9223372036854775808"), (0.5, "float", 0.5), ("a", "text", "a"),
            (Decimal("1E+3"), "decimal", "1000"), (Decimal("0.10"), "decimal", "0.10"),
            (b"a", "bytes", b"a"), (date(1998, 5, 6), "date", date(1998, 5, 6)),
            (datetime(1998, 5, 6), "datetime", datetime(1998, 5, 6)),
            (datetime(1998, 5, 6, tzinfo=timezone.utc), "datetime-offset",
             datetime(1998, 5, 6, tzinfo=timezone.utc)),
            (time(12), "time", time(12)), (Colour.RED, "text", "red"),
            (UUID(int=1), "uuid", "00000000-0000-0000-0000-000000000001"),
        ]:
            made = sdk.param("p", value)
            self.assertEqual((made.kind, made.value, made.sql_type), (kind, written, None))
        self.assertEqual(sdk.param("p", Typed("a", "nchar(5)")).sql_type, "nchar(5)")
        with self.assertRaises(TypeError):
            sdk.param("p", [1])
        with self.assertRaises(InvalidArgument):
            sdk.param("p", Decimal("NaN"))

    def test_times_keep_their_seven_digits(self):
        exact = sdk.time_of(47_655_123_456_700)
        self.assertEqual(exact.isoformat(), "13:14:15.1234567")
        self.assertEqual(sdk.nanos_of(exact), 47_655_123_456_700)
        self.assertNotEqual(exact, time(13, 14, 15, 123456))
        self.assertIs(type(sdk.time_of(47_655_123_456_000)), time)
        moment = sdk.datetime_of(2024, 2, 29, 47_655_123_456_700, 330)
        self.assertEqual(moment.isoformat(), "2024-02-29T13:14:15.1234567+05:30")
        self.assertEqual(str(moment), "2024-02-29 13:14:15.1234567+05:30")
        self.assertEqual(sdk.nanos_of(moment), 47_655_123_456_700)
        self.assertIs(type(sdk.datetime_of(2024, 2, 29, 0)), datetime)

    def test_a_real_is_the_number_that_was_meant(self):
        for value in [0.1, 3.4028235e38, -1e-45, 16777216.0, 0.0]:
            single = struct.unpack("f", struct.pack("f", value))[0]
            self.assertEqual(struct.pack("f", sdk.real_of(single)), struct.pack("f", single))
        self.assertEqual(sdk.real_of(struct.unpack("f", struct.pack("f", 0.1))[0]), 0.1)

    def test_json_keeps_digits(self):
        value = {"d": Decimal("1E+2"), "t": sdk.time_of(100), "day": date(1998, 5, 6),
                 "raw": b"\0\1", "line": Line(1, Decimal("2.50")), "c": Colour.RED}
        self.assertEqual(json.loads(sdk.to_json(value)), {
            "d": "100", "t": "00:00:00.0000001", "day": "1998-05-06", "raw": "AAE=",
            "line": {"product": 1, "price": "2.50", "note": ""}, "c": "red"})
        with self.assertRaises(ValueError):
            sdk.to_json(float("nan"))

    def test_names_and_patterns_are_literal(self):
        self.assertEqual(sdk.quote("dbo", "a]b"), "[dbo].[a]]b]")
        self.assertEqual(sdk.contains("50%_[a]\\"), r"%50\%\_\[a\]\\%")


class Results(unittest.TestCase):
    def test_rows_are_read_in_batches_and_make_room(self):
        host = FakeHost(lambda sql, params: [{"n": n} for n in range(5)])
        rows = host.query("SELECT n", {"p": 1})
        with self.assertRaisesRegex(sdk.DatabaseError, "limit"):
            host.query("SELECT n")
        self.assertEqual([len(batch) for batch in rows.batches(2)], [2, 2, 1])
        self.assertEqual(rows.next(), [])
        self.assertEqual(host.query("SELECT n").value(), 0)
        self.assertEqual(host.query("SELECT n").first(), {"n": 0})
        self.assertEqual(len(host.query("SELECT n").all()), 5)
        self.assertEqual(json.loads(host.query("SELECT n").json("arrays")), [[n] for n in range(5)])
        self.assertEqual(host.statements[0].params, {"p": 1})

    def test_a_page_is_asked_of_the_host_which_says_whether_more_follow(self):
        def one(host: Host, page: int) -> Rows:
            """One page."""
            return host.query("SELECT n FROM t ORDER BY n", page=page, page_size=2)

        host = FakeHost(lambda sql, params: [{"n": n} for n in range(3)])
        tools = tool_set(one)
        first = call(tools, host, "one", {"page": 1})
        self.assertEqual(first["results"], [{"n": 0}, {"n": 1}])
        self.assertEqual(first["pagination"], {"page": 1, "page_size": 2, "has_more": True})
        host = FakeHost(lambda sql, params: [{"n": n} for n in range(3)])
        last = call(tools, host, "one", {"page": 2})
        self.assertEqual((last["results"], last["pagination"]["has_more"]), ([{"n": 2}], False))
        self.assertEqual(host.statements[0].page, sdk.Page(2, 2))
        with self.assertRaisesRegex(sdk.DatabaseError, "count from 1"):
            host.query("SELECT n", page=0)

    def test_a_name_is_given_once(self):
        columns = [sdk.Column(name) for name in ["a", "", "a", "a_2", "a"]]
        self.assertEqual(sdk._names(columns), ["a", "column_2", "a_2", "a_2_2", "a_3"])

    def test_what_was_cut_short_is_not_summed_by_mistake(self):
        host = FakeHost(lambda sql, params: [{"n": n} for n in range(5)], max_rows=3)
        for read in (Rows.all, Rows.json):
            with self.assertRaises(Failed):
                read(host.query("SELECT n"))
        self.assertEqual(len(host.query("SELECT n", max_rows=2).all()), 2)
        with self.assertRaises(Failed):
            host.query("SELECT n", max_rows=4).all()
        rows = host.query("SELECT n", partial=True)
        self.assertEqual((len(rows.all()), rows.truncated), (3, sdk.Truncation("rows", 3)))

    def test_of_every_kind(self):
        def one(host: Host, kind: str) -> Output:
            """Makes one."""
            return {"text": Output([Text("a"), Text("b")]), "json": Output(structured={"n": 1}),
                    "plain": "text", "record": Line(1, Decimal("2.50")),
                    "rows": host.query("SELECT 1")}.get(kind)

        host = FakeHost(lambda sql, params: Result(
            [{"n": 1}], [("n", "int")], sdk.Truncation("rows", 1)))
        tools = tool_set(one)
        self.assertEqual(call(tools, host, "one", {"kind": "text"}), "a\nb")
        self.assertEqual(call(tools, FakeHost(), "one", {"kind": "plain"}), "text")
        self.assertEqual(call(tools, FakeHost(), "one", {"kind": "json"}), {"n": 1})
        self.assertEqual(call(tools, FakeHost(), "one", {"kind": "record"})["price"], "2.50")
        host = FakeHost(lambda sql, params: Result(
            [{"n": 1}], [("n", "int")], sdk.Truncation("rows", 1)))
        self.assertEqual(call(tools, host, "one", {"kind": "rows"}), {
            "columns": [{"name": "n", "type": "int"}], "results": [{"n": 1}], "row_count": 1,
            "truncated": {"by": "rows", "limit": 1}})
        with self.assertRaisesRegex(TypeError, "returned nothing"):
            call(tools, FakeHost(), "one", {"kind": "none"})

    def test_rows_that_were_read_cannot_be_handed_through(self):
        def read(host: Host) -> Rows:
            """Reads."""
            rows = host.query("SELECT 1")
            rows.all()
            return rows

        with self.assertRaisesRegex(TypeError, "read to their end"):
            call(tool_set(read), FakeHost(), "read")


class Hosts(unittest.TestCase):
    def test_a_cached_value_is_made_once_and_looks_the_same(self):
        host, made = FakeHost(), []

        def make():
            made.append(1)
            return {"d": Decimal("1.50")}

        first = host.cache.remember("k", 1000, make)
        self.assertEqual(first, {"d": "1.50"})
        self.assertEqual(host.cache.remember("k", 1000, make), first)
        self.assertEqual(len(made), 1)
        self.assertIsNone(host.user_cache.get("k"))
        host.cache.delete("k")
        self.assertIsNone(host.cache.get("k"))

    def test_progress_increases(self):
        host = FakeHost()
        host.progress(1, 2)
        with self.assertRaises(AssertionError):
            host.progress(1, 2)
        self.assertEqual(host.reports, [(1, 2, None)])

    def test_the_catalogue_resolves_names(self):
        host = FakeHost(tables={"dbo.Order Details": {"primary_keys": ["OrderID"]},
                                "a.T": {}, "b.T": {}})
        table = host.resolve("[order details]")
        self.assertEqual(str(table), "[dbo].[Order Details]")
        self.assertEqual(host.primary_key(table), ["OrderID"])
        self.assertEqual(len(host.tables()), 3)
        for name, kind in [("none", "unknown-name"), ("T", "ambiguous-name")]:
            with self.assertRaises(sdk.DatabaseError) as raised:
                host.resolve(name)
            self.assertEqual(raised.exception.kind, kind)

    def test_sealed_text_opens(self):
        host = FakeHost()
        self.assertEqual(host.open(host.seal(b"a")), b"a")
        self.assertIsNone(host.open("?"))


class Asking(unittest.TestCase):
    def test_a_form_is_flat_and_has_no_null(self):
        asked = Ask(b"state").form("go", "Go?", Consent).request("r", "roots/list", {})
        self.assertEqual(asked.state, b"state")
        self.assertEqual(asked.requests["r"], {"method": "roots/list", "params": {}})
        self.assertEqual(asked.requests["go"], {
            "method": "elicitation/create",
            "params": {"message": "Go?", "requestedSchema": {
                "type": "object", "required": ["really"],
                "properties": {
                    "really": {"type": "boolean", "description": "Do it"},
                    "size": {"type": "string", "enum": ["S", "L"], "default": "S"},
                    "why": {"type": "string"}}}}})

    def test_answers_are_read_with_care(self):
        answers = FakeHost(answers={
            "yes": {"action": "accept", "content": {"really": True, "size": "L", "more": 1}},
            "no": {"action": "decline"}, "closed": {"action": "cancel"},
            "bare": {"action": "accept"}, "odd": {"action": "?"}, "not": 7,
            "wrong": {"action": "accept", "content": {"really": "yes"}}}).answers()
        accepted = answers.form("yes", Consent)
        self.assertTrue(accepted.accepted)
        self.assertEqual(accepted.value, Consent(True, "L"))
        self.assertEqual(answers.form("yes").value["more"], 1)
        self.assertEqual(answers.form("no", Consent).action, "decline")
        self.assertFalse(answers.form("closed", Consent).accepted)
        for key in ("bare", "odd", "not", "wrong", "missing"):
            self.assertIsNone(answers.form(key, Consent))
        self.assertIsNone(FakeHost().answers().get("yes"))
        self.assertTrue(FakeHost(abilities=["elicitation"]).can_ask())


if __name__ == "__main__":
    unittest.main()
