// A host for tests under `node --test`: it answers queries with what the test gives, and
// keeps what was asked.
//
//     const host = new FakeHost({ query: () => result({ OrderID: "int" }, [[10248]]) });
//     assert.deepEqual(host.call(tools, "orders_of", { customer: "YELLA" }).structured.results, [{ OrderID: 10248 }]);
//     assert.deepEqual(host.queries[0].params, { customer: "YELLA" });

import { component } from "./mssql-mcp.js";

/** A host whose database is the function `query`. */
export class FakeHost {
  #given;
  #open = 0;
  #repeat;
  /** What was queried: `{sql, params, options, database}`, parameters as plain values, with `page`
   *  (`{number, size}`) where one was asked for. */
  queries = [];
  /** What was executed, likewise. */
  executed = [];
  /** `{done, total, message}` */
  progress = [];
  /** `{level, message, fields}` */
  logs = [];
  /** Bytes by sharing and key. */
  cache = new Map();

  /**
   * @param {object} [given]
   * @param {(sql: string, params: object) => FakeResult} [given.query] May `throw databaseError(…)`
   * @param {(sql: string, params: object) => number} [given.execute] Rows affected
   * @param {object[]} [given.tables] `{schema, name, primaryKey, description}`
   * @param {Record<string, string>} [given.settings]
   * @param {Record<string, object>} [given.answers] What the person answers when the tool asks;
   *   without this the client cannot be asked
   * @param {object} [given.whoami]
   */
  constructor(given = {}) {
    this.#given = given;
  }

  /**
   * Calls a tool as the host does, the repeats after a question included.
   * @returns {{structured?: object, text?: string, content: object[], meta?: object,
   *   asked: object[], error?: {code: string, message: string, hint?: string}}}
   */
  call(tools, name, args = {}) {
    const { provider } = component(tools, this.imports());
    const asked = [];
    const tool = provider.describe().tools.find((tool) => tool.name === name);
    const wrong = tool && misfit(JSON.parse(tool.inputSchema), args);
    if (wrong) return { content: [], asked, error: { code: "invalid-arguments", message: wrong } };
    this.#repeat = undefined;
    for (;;) {
      let reply;
      try {
        reply = provider.call(name, JSON.stringify(args));
      } catch (failure) {
        if (failure instanceof Error) throw failure;
        return { content: [], asked, error: errorOf(failure) };
      }
      if (reply.tag === "output") return { ...outputOf(reply.val), asked };
      asked.push(JSON.parse(reply.val.requests));
      if (!this.#given.answers)
        return { content: [], asked, error: { code: "unsupported", message: "The client cannot pass on questions." } };
      if (asked.length > 9) throw new Error("The tool asks again and again.");
      this.#repeat = { answers: JSON.stringify(this.#given.answers), state: reply.val.state };
    }
  }

  /** The interfaces of the contract, for `component`. */
  imports() {
    const given = this.#given;
    return {
      query: { query: (...asked) => this.#query(...asked), queryPage: (...asked) => this.#query(...asked) },
      execute: {
        execute: (database, sql, params, options) => {
          const executed = { sql, params: plainParams(params), options, database };
          this.executed.push(executed);
          return { rowsAffected: given.execute?.(sql, executed.params) ?? 1, stats: STATS };
        },
      },
      catalog: {
        tables: () =>
          this.#tables().map(({ schema, name, kind = "table" }) => ({
            name: { schema, name },
            kind,
            approximateRows: null,
            comment: null,
          })),
        describe: (_, table) => JSON.stringify(this.#table(table).description ?? {}),
        primaryKey: (_, table) => this.#table(table).primaryKey ?? [],
        resolve: (_, name) => {
          const plain = name.replace(/[[\]]/g, "").toLowerCase();
          const found = this.#tables().filter((table) =>
            [table.name, `${table.schema}.${table.name}`].some((known) => known.toLowerCase() === plain),
          );
          if (found.length === 0) throw databaseError("unknown-name", []);
          if (found.length > 1)
            throw databaseError(
              "ambiguous-name",
              found.map((table) => `${table.schema}.${table.name}`),
            );
          return { schema: found[0].schema, name: found[0].name };
        },
      },
      config: { get: (key) => given.settings?.[key] ?? null },
      log: {
        log: (level, message, fields) => void this.logs.push({ level, message, fields: Object.fromEntries(fields) }),
      },
      cache: {
        get: (sharing, key) => this.cache.get(`${sharing} ${key}`) ?? null,
        set: (sharing, key, value) => void this.cache.set(`${sharing} ${key}`, value),
        delete: (sharing, key) => void this.cache.delete(`${sharing} ${key}`),
      },
      call: {
        scope: () => "test",
        whoami: () => given.whoami ?? null,
        remainingMs: () => 60_000,
        cancelled: () => false,
        progress: (done, total, message) => void this.progress.push({ done, total, message }),
        canAsk: (ability) => ability === "elicitation" && given.answers !== undefined,
        answers: () => this.#repeat?.answers ?? null,
        state: () => this.#repeat?.state ?? null,
      },
      seal: {
        seal: (plain) => Buffer.from(plain).toString("base64url"),
        open: (sealed) => Uint8Array.from(Buffer.from(sealed, "base64url")),
      },
    };
  }

  #query(database, sql, params, options, number, pageSize) {
    const queried = { sql, params: plainParams(params), options, database };
    const page = number === undefined ? undefined : { number, size: pageSize ?? 100 };
    if (page) queried.page = page;
    this.queries.push(queried);
    if (this.#open > 0) throw databaseError("limit", "concurrency");
    if (page && !(page.number >= 1)) throw databaseError("invalid-parameter", ["page", "pages count from 1"]);
    const answer = this.#given.query?.(sql, queried.params) ?? result({}, []);
    this.#open += 1;
    return new FakeCursor(answer, () => (this.#open -= 1), page);
  }

  #tables() {
    return this.#given.tables ?? [];
  }

  #table({ schema, name }) {
    const found = this.#tables().find((table) => table.schema === schema && table.name === name);
    if (!found) throw databaseError("unknown-name", []);
    return found;
  }
}

/**
 * What a query answers.
 * @param {Record<string, string>} columns SQL types by name
 * @param {unknown[][]} rows Plain values, as the host writes them into JSON
 * @param {{by: string, limit: number}} [truncated]
 */
export function result(columns, rows, truncated = null) {
  return {
    columns: Object.entries(columns).map(([name, sqlType]) => ({ name, sqlType, nullable: true, masked: false })),
    rows,
    truncated,
  };
}

/** @typedef {ReturnType<typeof result>} FakeResult */

/** An error of the contract, as the bindings throw it: `databaseError("server", {number: 1205, …})`. */
export function databaseError(tag, val) {
  return Object.assign(new Error(tag), { payload: { tag, val } });
}

class FakeCursor {
  #result;
  #at = 0;
  #dropped;

  constructor(result, dropped, page) {
    this.#result = result;
    this.#dropped = dropped;
    if (!page) return;
    const { number, size } = page;
    const rows = result.rows.slice((number - 1) * size, number * size);
    this.pagination = { page: number, page_size: size, has_more: result.rows.length > number * size };
    this.#result = { ...result, rows };
  }

  columns() {
    return this.#result.columns;
  }

  next(maxRows) {
    const { rows, columns } = this.#result;
    const batch = rows.slice(this.#at, this.#at + maxRows);
    this.#at += batch.length;
    return {
      rows: batch.map((row) => row.map((value, at) => valueOf(value, columns[at].sqlType))),
      done: this.#at >= rows.length,
    };
  }

  toJson(shape) {
    const { rows, columns } = this.#result;
    const rest = rows.slice(this.#at);
    this.#at = rows.length;
    return JSON.stringify(
      shape === "arrays"
        ? rest
        : rest.map((row) => Object.fromEntries(row.map((value, at) => [columns[at].name, value]))),
    );
  }

  truncated() {
    return this.#result.truncated;
  }

  stats() {
    return STATS;
  }

  [Symbol.dispose]() {
    this.#dropped();
  }
}

const STATS = { rows: 0, bytes: 0, serverUs: 0, queueUs: 0, cached: false };

function valueOf(value, sqlType) {
  const base = sqlType.replace(/\(.*/, "");
  if (value === null) return { tag: "null" };
  switch (base) {
    case "bit":
    case "real":
    case "float":
    case "date":
    case "time":
      return { tag: base, val: parts(base, value) };
    case "tinyint":
    case "smallint":
    case "int":
    case "bigint":
      return { tag: "int", val: value };
    case "decimal":
    case "numeric":
    case "money":
    case "smallmoney":
      return { tag: "decimal", val: String(value) };
    case "datetime":
    case "datetime2":
    case "smalldatetime":
      return { tag: "datetime", val: parts("datetime", value) };
    case "datetimeoffset": {
      const [, local, sign, hours, minutes] = /^(.*)([+-])(\d\d):(\d\d)$/.exec(value);
      return {
        tag: "datetime-offset",
        val: { local: parts("datetime", local), offsetMinutes: Number(`${sign}1`) * (hours * 60 + Number(minutes)) },
      };
    }
    case "binary":
    case "varbinary":
    case "image":
      return { tag: "bytes", val: value };
    case "uniqueidentifier":
      return { tag: "uuid", val: value };
    case "xml":
    case "sql_variant":
    case "hierarchyid":
      return { tag: "other", val: [sqlType, value] };
    default:
      return { tag: "text", val: value };
  }
}

function parts(kind, value) {
  if (kind === "date") {
    const [year, month, day] = value.split("-").map(Number);
    return { year, month, day };
  }
  if (kind === "time") {
    const [hours, minutes, seconds] = value.split(":");
    const [whole, fraction = ""] = seconds.split(".");
    return { nanos: ((hours * 60 + Number(minutes)) * 60 + Number(whole)) * 1e9 + Number(fraction.padEnd(9, "0")) };
  }
  if (kind === "datetime") {
    const [date, time] = value.split("T");
    return { date: parts("date", date), time: parts("time", time) };
  }
  return value;
}

function plainParams(params) {
  return Object.fromEntries(params.map(({ name, value }) => [name, value.val ?? null]));
}

/** A small part of what the host checks: names, required ones, types. */
function misfit({ properties = {}, required = [] }, args) {
  for (const name of required) if (args[name] === undefined) return `"${name}" is a required property`;
  for (const [name, value] of Object.entries(args)) {
    const type = properties[name]?.type;
    if (!properties[name]) return `"${name}" is not an argument`;
    const fits = {
      integer: Number.isInteger(value),
      array: Array.isArray(value),
      object: value !== null && typeof value === "object",
    };
    if (typeof type === "string" && !(fits[type] ?? typeof value === type))
      return `${name}: ${JSON.stringify(value)} is not of type "${type}"`;
  }
  return undefined;
}

/** As `mssql-mcp plugin test` sees it: rows have become the document that clients get. */
function outputOf({ content, structured, meta }) {
  let value;
  if (structured?.tag === "json") value = JSON.parse(structured.val);
  if (structured?.tag === "rows") {
    const cursor = structured.val;
    const columns = cursor.columns().map(({ name, sqlType }) => ({ name, type: sqlType }));
    const results = JSON.parse(cursor.toJson("objects"));
    value = { columns, results, row_count: results.length, truncated: cursor.truncated() };
    if (cursor.pagination) value.pagination = cursor.pagination;
    cursor[Symbol.dispose]();
  }
  const texts = content.filter(({ tag }) => tag === "text").map(({ val }) => val);
  if (content.length === 0 && value) texts.push(JSON.stringify(value));
  return {
    content,
    text: texts.join("\n"),
    ...(value && { structured: value }),
    ...(meta && { meta: JSON.parse(meta) }),
  };
}

// The host's codes for errors of the contract, and those of its codes that a tool may choose.
const CODES = {
  "invalid-parameter": "invalid-arguments",
  "unknown-name": "unknown-table",
  "ambiguous-name": "ambiguous-table",
  server: "server-error",
  other: "server-error",
};
const LIMITS = {
  rows: "statement-not-allowed",
  bytes: "out-of-memory",
  time: "timeout",
  concurrency: "crashed",
  cost: "statement-not-allowed",
};
const OWN = [
  "invalid-arguments",
  "invalid-statement",
  "unknown-table",
  "ambiguous-table",
  "not-found",
  "unsupported",
  "unavailable",
  "timeout",
  "cancelled",
];

function errorOf({ tag, val }) {
  switch (tag) {
    case "failed":
      return {
        code: OWN.includes(val.code) ? val.code : "server-error",
        message: val.message,
        ...(val.hint && { hint: val.hint }),
      };
    case "invalid-arguments":
      return {
        code: tag,
        message: val.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; "),
      };
    case "database":
      return { code: codeOf(val), message: val.val?.message ?? String(val.val ?? val.tag) };
    default:
      return { code: tag, message: tag };
  }
}

function codeOf({ tag, val }) {
  if (tag === "denied") return val.code;
  return tag === "limit" ? LIMITS[val] : (CODES[tag] ?? tag);
}
