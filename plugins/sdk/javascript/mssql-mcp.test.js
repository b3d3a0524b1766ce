// The library on a fake host: `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeHost, databaseError, result } from "./mssql-mcp-testing.js";
import {
  DatabaseError,
  ask,
  component,
  containsPattern,
  fail,
  form,
  json,
  param,
  quote,
  quoteTable,
  rows,
  text,
  toolSet,
  wrongArgument,
} from "./mssql-mcp.js";

/** A set of one tool, `t`, that does this. */
function one(call, rest = {}) {
  return toolSet({ name: "set", version: "1.0.0", tools: { t: { description: "Does it.", call, ...rest } } });
}

/** What `t` answers when it does this on that host. */
function done(call, given = {}, args = {}) {
  return new FakeHost(given).call(one(call), "t", args);
}

test("a manifest says what is not written too", () => {
  const tools = one(() => text(""), {
    input: {
      customer: { type: "string", description: "Who." },
      limit: { type: "integer", default: 10 },
      note: { type: "string", optional: true },
    },
    output: { type: { type: "string" } },
  });
  const {
    tools: [tool],
    ...set
  } = component(tools, {}).provider.describe();
  assert.deepEqual(set, { name: "set", version: "1.0.0", description: null, instructions: null });
  assert.deepEqual(JSON.parse(tool.inputSchema), {
    type: "object",
    properties: {
      customer: { type: "string", description: "Who." },
      limit: { type: "integer", default: 10 },
      note: { type: "string" },
    },
    required: ["customer"],
    additionalProperties: false,
  });
  assert.equal(tool.output.tag, "schema");
  assert.deepEqual(JSON.parse(tool.output.val).properties, { type: { type: "string" } });
  assert.equal(tool.access, "read");
  assert.deepEqual(tool.annotations, { readOnly: true, destructive: false, idempotent: true, openWorld: false });
  assert.deepEqual([tool.title, tool.icons, tool.meta], [null, [], null]);
});

test("shapes of rows, whole schemas, tools that write", () => {
  const described = (tool) =>
    component(
      one(() => text(""), tool),
      {},
    ).provider.describe().tools[0];
  assert.deepEqual(described({ output: "rows" }).output, { tag: "rows", val: "objects" });
  assert.deepEqual(described({ output: "rows-as-arrays" }).output, { tag: "rows", val: "arrays" });
  const schema = { type: "object", properties: { a: { type: "string" } } };
  assert.equal(described({ input: schema }).inputSchema, JSON.stringify(schema));
  const writes = described({
    access: "write",
    annotations: { destructive: false },
    meta: { a: 1 },
    icons: [{ src: "https://example.com/a.png" }],
  });
  assert.deepEqual(writes.annotations, { readOnly: false, destructive: false, idempotent: false, openWorld: false });
  assert.deepEqual(writes.icons, [{ src: "https://example.com/a.png", mimeType: null, sizes: [], theme: null }]);
  assert.equal(writes.meta, '{"a":1}');
});

test("a faulty tool set stops the build", () => {
  const tool = { description: "", call: () => text("") };
  for (const [fault, definition] of [
    [/no version/, { name: "a" }],
    [/unknown member "tool"/, { name: "a", version: "1", tool: {} }],
    [/a name is/, { name: "a", version: "1", tools: { "a b": tool } }],
    [/no description/, { name: "a", version: "1", tools: { a: { call: tool.call } } }],
    [/no function "call"/, { name: "a", version: "1", tools: { a: { description: "" } } }],
    [/unknown member "inputs"/, { name: "a", version: "1", tools: { a: { ...tool, inputs: {} } } }],
    [/its access/, { name: "a", version: "1", tools: { a: { ...tool, access: "both" } } }],
    [/its output/, { name: "a", version: "1", tools: { a: { ...tool, output: "row" } } }],
  ]) {
    assert.throws(() => toolSet(definition), fault);
  }
});

test("defaults are filled in, arguments that are given stay", () => {
  const tools = one((args) => json(args), {
    input: {
      a: { type: "integer", default: 1 },
      b: { type: "integer", default: 2 },
      c: { type: "string", optional: true },
    },
  });
  assert.deepEqual(new FakeHost().call(tools, "t", { b: 5 }).structured, { a: 1, b: 5 });
  assert.equal(new FakeHost().call(tools, "t", { b: "5" }).error.code, "invalid-arguments");
  assert.equal(new FakeHost().call(tools, "t", { d: 1 }).error.code, "invalid-arguments");
  assert.equal(new FakeHost().call(tools, "toString").error.code, "unknown-tool");
});

test("replies carry text, pictures, links and meta beside the result", () => {
  const reply = done(() =>
    json({ n: 12n })
      .text("twelve")
      .link("https://example.com", "page")
      .image(new Uint8Array([1]), "image/png")
      .meta({ m: 1 }),
  );
  assert.deepEqual(reply.structured, { n: "12" });
  assert.equal(reply.text, "twelve");
  assert.deepEqual(reply.content.slice(1), [
    { tag: "link", val: { uri: "https://example.com", name: "page", mimeType: null } },
    { tag: "image", val: { data: new Uint8Array([1]), mimeType: "image/png" } },
  ]);
  assert.deepEqual(reply.meta, { m: 1 });
});

test("what is no reply breaks the call, and the log says why", () => {
  for (const [fault, call] of [
    [/none of text/, () => ({ a: 1 })],
    [/async/, async () => text("")],
    [/is an object/, () => json([1])],
    [/host\.query/, () => rows([1])],
  ]) {
    const host = new FakeHost();
    assert.throws(() => host.call(one(call), "t"), fault);
    assert.equal(host.logs[0].level, "error");
    assert.match(host.logs[0].message, fault);
  }
});

test("failures are told apart", () => {
  assert.deepEqual(done(() => fail("not-found", "Nobody.", "Look.")).error, {
    code: "not-found",
    message: "Nobody.",
    hint: "Look.",
  });
  assert.equal(done(() => fail("my-own", "Broken.")).error.code, "server-error");
  assert.deepEqual(done(() => wrongArgument("a", "too long")).error, {
    code: "invalid-arguments",
    message: "a: too long",
  });
  const server = { number: 1205, state: 1, severity: 13, message: "deadlock", line: null, retryable: true };
  const query = () => {
    throw databaseError("server", server);
  };
  assert.deepEqual(done((_, host) => rows(host.query("SELECT 1")), { query }).error, {
    code: "server-error",
    message: "deadlock",
  });
  const retried = done(
    (_, host) => {
      try {
        return rows(host.query("SELECT 1"));
      } catch (error) {
        assert.ok(error instanceof DatabaseError);
        return json({ tag: error.tag, number: error.detail.number });
      }
    },
    { query },
  );
  assert.deepEqual(retried.structured, { tag: "server", number: 1205 });
  const busy = () => {
    throw databaseError("busy");
  };
  assert.equal(done((_, host) => rows(host.query("SELECT 1")), { query: busy }).error.code, "busy");
});

test("parameters get the types of their values, or the ones said", () => {
  const host = new FakeHost();
  const sent = [];
  const imports = {
    ...host.imports(),
    query: { query: (_, __, params) => (sent.push(...params), host.imports().query.query("", "", params, null)) },
  };
  const tools = one((_, host) => {
    const at = new Date(Date.UTC(2024, 1, 29, 13, 14, 15, 167));
    host.query("", {
      a: "x",
      b: 7,
      c: 0.5,
      d: true,
      e: null,
      f: undefined,
      g: new Uint8Array([1]),
      h: 9007199254740993n,
      i: 5n,
      j: param.decimal("12.50", "money"),
      k: param.date("2024-02-29"),
      l: param.time("13:14:15.1234567"),
      m: param.datetime("2024-02-29T13:14"),
      n: param.datetime(at),
      o: param.datetimeOffset("2024-02-29T13:14:15-01:30"),
      p: param.datetimeOffset(at),
      q: param.json({ a: 1 }),
    });
    return text("");
  });
  component(tools, imports).provider.call("t", "{}");
  const day = { year: 2024, month: 2, day: 29 };
  const time = (nanos) => ({ nanos });
  const expected = {
    a: ["text", "x"],
    b: ["int", 7],
    c: ["float", 0.5],
    d: ["bit", true],
    e: ["null"],
    f: ["null"],
    g: ["bytes", new Uint8Array([1])],
    h: ["decimal", "9007199254740993", "bigint"],
    i: ["int", 5],
    j: ["decimal", "12.50", "money"],
    k: ["date", day],
    l: ["time", time(47_655_123_456_700)],
    m: ["datetime", { date: day, time: time(47_640_000_000_000) }],
    n: ["datetime", { date: day, time: time(47_655_167_000_000) }],
    o: ["datetime-offset", { local: { date: day, time: time(47_655_000_000_000) }, offsetMinutes: -90 }],
    p: ["datetime-offset", { local: { date: day, time: time(47_655_167_000_000) }, offsetMinutes: 0 }],
    q: ["json", '{"a":1}'],
  };
  for (const { name, value, sqlType } of sent) {
    const [tag, val, type = null] = expected[name];
    assert.deepEqual([value.tag, value.val, sqlType], [tag, val, type], name);
  }
  assert.equal(sent.length, Object.keys(expected).length);
});

test("parameters that fit no type are refused", () => {
  for (const value of ["29.2.2024", "2024-02-29T13", ""]) {
    assert.equal(done((_, host) => rows(host.query("", { a: param.date(value) }))).error.code, "invalid-arguments");
    assert.equal(
      done((_, host) => rows(host.query("", { a: param.datetimeOffset(value) }))).error.code,
      "invalid-arguments",
    );
  }
  assert.throws(() => done((_, host) => rows(host.query("", { a: {} }))), /has no type/);
  assert.throws(() => done((_, host) => rows(host.query("", { a: 2 ** 60 }))), /give a bigint/);
  assert.throws(() => done((_, host) => rows(host.query("", {}, { maxrows: 1 }))), /unknown member "maxrows"/);
});

test("options ask for less, of one database", () => {
  const host = new FakeHost();
  host.call(
    one((_, host) => rows(host.query("SELECT 1", {}, { database: "archive", maxRows: 5 }))),
    "t",
  );
  assert.deepEqual(host.queries, [
    {
      sql: "SELECT 1",
      params: {},
      database: "archive",
      options: { maxRows: 5, maxBytes: null, timeoutMs: null, cacheTtlMs: null },
    },
  ]);
});

const COLUMNS = {
  int: "int",
  money: "money",
  real: "real",
  date: "date",
  time: "time(3)",
  datetime: "datetime",
  datetime2: "datetime2(7)",
  small: "smalldatetime",
  offset: "datetimeoffset(0)",
  xml: "xml",
  uuid: "uniqueidentifier",
  none: "int",
  bit: "bit",
};
const ROW = [
  1,
  "1.5000",
  Math.fround(0.1),
  "2024-02-29",
  "13:14:15.167",
  "2024-02-29T13:14:15.167",
  "0001-01-01T00:00:00.1234567",
  "2024-02-29T13:14:00",
  "2024-02-29T13:14:15-01:30",
  "<a/>",
  "F2FAD19C-0F97-4EB8-92F4-B5F324225872",
  null,
  true,
];

test("values read as the host writes them", () => {
  const read = done((_, host) => json(host.query("SELECT 1").first()), { query: () => result(COLUMNS, [ROW]) });
  const written = Object.fromEntries(Object.keys(COLUMNS).map((name, at) => [name, ROW[at]]));
  assert.deepEqual(read.structured, { ...written, real: 0.1 });
});

test("an integer that JavaScript would round is not read", () => {
  const query = () => result({ big: "bigint" }, [[2 ** 60]]);
  assert.throws(() => done((_, host) => json(host.query("").first()), { query }), /Column "big"/);
});

test("repeated and empty names are told apart as the host does", () => {
  const columns = ["a", "", "a", "a_2", "a"].map((name) => ({ name, sqlType: "int", nullable: true, masked: false }));
  const query = () => ({ columns, rows: [[1, 2, 3, 4, 5]], truncated: null });
  assert.deepEqual(done((_, host) => json(host.query("").first()), { query }).structured, {
    a: 1,
    column_2: 2,
    a_3: 3,
    a_2: 4,
    a_4: 5,
  });
});

test("results are read in batches, in rows, at once and as text", () => {
  const given = { query: () => result({ n: "int" }, [[1], [2], [3]]) };
  const read = done((_, host) => {
    const batches = [...host.query("").batches(2)].map((batch) => batch.map(({ n }) => n));
    const one = [];
    for (const { n } of host.query("")) one.push(n);
    return json({
      batches,
      one,
      all: host.query("").all(),
      first: host.query("").first(),
      text: host.query("").toJson("arrays"),
    });
  }, given);
  assert.deepEqual(read.structured, {
    batches: [[1, 2], [3]],
    one: [1, 2, 3],
    all: [{ n: 1 }, { n: 2 }, { n: 3 }],
    first: { n: 1 },
    text: "[[1],[2],[3]]",
  });
  assert.deepEqual(done((_, host) => json({ none: host.query("").first() ?? null })).structured, { none: null });
});

test("a result is closed when it is read, left or handed over, and by hand", () => {
  const given = { query: () => result({ n: "int" }, [[1], [2], [3]]) };
  const read = done((_, host) => {
    for (const { n } of host.query("")) if (n === 2) break;
    const closed = host.query("");
    closed.close();
    closed.close();
    assert.throws(() => closed.all(), /read or closed/);
    assert.equal(closed.stats.rows, 0);
    return rows(host.query(""));
  }, given);
  assert.equal(read.structured.row_count, 3);
  const two = done((_, host) => {
    host.query("");
    return rows(host.query(""));
  }, given);
  assert.equal(two.error.code, "crashed");
});

test("a part of a result is not taken for all of it", () => {
  const given = { query: () => result({ n: "int" }, [[1]], { by: "rows", limit: 1 }) };
  assert.match(done((_, host) => json({ all: host.query("").all() }), given).error.message, /cut at 1 rows/);
  const read = done((_, host) => {
    const found = host.query("");
    const values = [...found].map(({ n }) => n);
    return json({ values, truncated: found.truncated });
  }, given);
  assert.deepEqual(read.structured, { values: [1], truncated: { by: "rows", limit: 1 } });
});

test("questions, answers and state", () => {
  const sure = form("Sure?", { really: { type: "boolean" }, note: { type: "string", optional: true } });
  const tools = one((_, host) => {
    const answer = host.answer("sure", sure);
    if (!answer) return ask({ sure }, { asked: "é" });
    return json({ ...answer, ...host.state() });
  });
  const answered = (answers) => new FakeHost({ answers }).call(tools, "t");
  const yes = answered({ sure: { action: "accept", content: { really: true } } });
  assert.deepEqual(yes.structured, { action: "accept", content: { really: true }, asked: "é" });
  assert.deepEqual(yes.asked, [
    {
      sure: {
        method: "elicitation/create",
        params: {
          message: "Sure?",
          requestedSchema: {
            type: "object",
            properties: { really: { type: "boolean" }, note: { type: "string" } },
            required: ["really"],
          },
        },
      },
    },
  ]);
  assert.equal(answered({ sure: { action: "decline" } }).structured.action, "decline");
  assert.equal(answered({ sure: { action: "cancel" } }).structured.action, "cancel");
  for (const odd of [
    { action: "accept" },
    { action: "accept", content: {} },
    { action: "accept", content: { really: "yes" } },
    { action: "?" },
    7,
  ]) {
    assert.throws(() => answered({ sure: odd }), /again and again/);
  }
  assert.equal(new FakeHost().call(tools, "t").error.code, "unsupported");
});

test("choices and lists of a form", () => {
  const choices = form("?", {
    one: { type: "string", enum: ["a", "b"] },
    titled: { type: "string", oneOf: [{ const: "x", title: "X" }], optional: true },
    many: { type: "array", items: { enum: ["a"] }, optional: true },
    whole: { type: "integer", optional: true },
  });
  assert.ok(choices.fits({ one: "a", titled: "x", many: ["a"], whole: 3 }));
  for (const content of [{ one: "c" }, { one: "a", titled: "y" }, { one: "a", many: "a" }, { one: "a", whole: 1.5 }])
    assert.ok(!choices.fits(content));
});

test("cached values are JSON, of everybody or of one person", () => {
  const host = new FakeHost();
  let made = 0;
  const tools = one((_, host) => {
    host.personal.set("k", "mine ☃ 𝄞");
    return json({
      made: host.shared.remember("k", 1000, () => ({ times: (made += 1) })),
      mine: host.personal.get("k"),
      none: host.shared.get("none") ?? null,
    });
  });
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(host.call(tools, "t").structured, { made: { times: 1 }, mine: "mine ☃ 𝄞", none: null });
  }
  assert.deepEqual([...host.cache.keys()].sort(), ["per-scope k", "per-user k"]);
});

test("a value that is not kept is a miss", () => {
  const host = new FakeHost();
  const imports = host.imports();
  imports.cache.set = () => {
    throw Object.assign(new Error("quota"), { payload: { tag: "quota" } });
  };
  const { provider } = component(
    one((_, host) => json({ n: host.shared.remember("k", 1, () => 1) })),
    imports,
  );
  assert.equal(provider.call("t", "{}").val.structured.val, '{"n":1}');
});

test("settings, progress, log, seal, catalogue, caller", () => {
  const tables = [
    { schema: "dbo", name: "Order Details", primaryKey: ["OrderID", "ProductID"], description: { columns: [] } },
  ];
  const host = new FakeHost({
    settings: { a: "1" },
    tables,
    whoami: { subject: "ana", client: "c", scopes: ["mcp:read"] },
  });
  const reply = host.call(
    one((_, host) => {
      host.progress(1);
      host.progress(2, 3, "two");
      host.log.warn("careful", { n: 1 });
      const table = host.resolve("[order details]");
      return json({
        a: host.setting("a"),
        b: host.setting("b") ?? null,
        opened: host.open(host.seal({ x: "é" })),
        key: host.primaryKey(table),
        described: host.describe(table),
        tables: host.tables().length,
        who: host.whoami().subject,
        scope: host.scope(),
        remaining: host.remainingMs() > 0,
        cancelled: host.cancelled(),
        asks: host.canAsk(),
      });
    }),
    "t",
  );
  assert.deepEqual(reply.structured, {
    a: "1",
    b: null,
    opened: { x: "é" },
    key: ["OrderID", "ProductID"],
    described: { columns: [] },
    tables: 1,
    who: "ana",
    scope: "test",
    remaining: true,
    cancelled: false,
    asks: false,
  });
  assert.deepEqual(host.progress, [
    { done: 1, total: null, message: null },
    { done: 2, total: 3, message: "two" },
  ]);
  assert.deepEqual(host.logs, [{ level: "warn", message: "careful", fields: { n: "1" } }]);
  assert.equal(done((_, host) => json(host.resolve("nope"))).error.code, "unknown-table");
});

test("a statement that writes, where the component has the import", () => {
  const host = new FakeHost({ execute: () => 3 });
  const tools = one((_, host) => json({ changed: host.execute("DELETE FROM t WHERE a = @a", { a: 1 }) }), {
    access: "write",
  });
  assert.deepEqual(host.call(tools, "t").structured, { changed: 3 });
  assert.deepEqual(host.executed[0].params, { a: 1 });
  const imports = { ...host.imports(), execute: undefined };
  assert.throws(() => component(tools, imports).provider.call("t", "{}"), /db-execute/);
});

test("a self test refuses with what it throws", () => {
  const tested = (selfTest) =>
    component({ ...one(() => text("")), selfTest }, new FakeHost().imports()).lifecycle.selfTest();
  tested(undefined);
  tested(() => {});
  assert.throws(
    () => tested((host) => host.resolve("nope")),
    (refusal) => typeof refusal === "string" && refusal.includes("unknown-name"),
  );
});

test("names in T-SQL", () => {
  assert.equal(quote("x] DROP TABLE y--"), "[x]] DROP TABLE y--]");
  assert.equal(quoteTable({ schema: "dbo", name: "Order Details" }), "[dbo].[Order Details]");
  assert.equal(containsPattern("50%_[a]\\"), "%50\\%\\_\\[a\\]\\\\%");
});

test("a page is asked of the host, which says whether more follow", () => {
  const host = new FakeHost({ query: () => result({ n: "int" }, [[1], [2], [3]]) });
  const tools = one(({ page }, host) => rows(host.query("SELECT n FROM t ORDER BY n", {}, { page, pageSize: 2 })), {
    input: { page: { type: "integer" } },
    output: "rows",
  });
  const first = host.call(tools, "t", { page: 1 }).structured;
  assert.deepEqual(first.results, [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(first.pagination, { page: 1, page_size: 2, has_more: true });
  const last = host.call(tools, "t", { page: 2 }).structured;
  assert.deepEqual([last.results, last.pagination.has_more], [[{ n: 3 }], false]);
  assert.deepEqual(host.queries[1].page, { number: 2, size: 2 });
  assert.equal(host.call(tools, "t", { page: 0 }).error.code, "invalid-arguments");
});
