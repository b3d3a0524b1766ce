// Guest library: a tool set is an object.
//
//     import { rows, toolSet } from "./mssql-mcp.js";
//
//     export default toolSet({
//       name: "orders",
//       version: "1.0.0",
//       tools: {
//         orders_of: {
//           title: "Orders of a customer",
//           description: "All orders of one customer.",
//           input: { customer: { type: "string", description: "Customer number, such as YELLA." } },
//           output: "rows",
//           call: ({ customer }, host) =>
//             rows(host.query("SELECT * FROM dbo.Orders WHERE CustomerID = @customer", { customer })),
//         },
//       },
//     });
//
// Nothing here imports the contract: `component` is given its interfaces, the real
// ones by component.js, those of a fake host by mssql-mcp-testing.js. So tools run
// in an ordinary test too.
//
// A component is built once, and each call gets a fresh copy of it: what a call
// leaves in a variable is gone with it, and `Math.random` gives every call the same
// numbers. Functions are synchronous; there is nothing to await.

// ---------------------------------------------------------------------------
// Tool sets

/**
 * Properties of an object by name, each a JSON Schema. All are required but those
 * with a `default`, which the tool then gets, or with `optional: true`.
 * @typedef {Record<string, object>} Properties
 */

/**
 * @typedef {object} Tool
 * @property {string} [title] What people read in a list
 * @property {string} description What a model reads to choose the tool
 * @property {Properties | object} [input] Arguments: properties, or a whole JSON Schema
 *   of an object (told by its `type`)
 * @property {"rows" | "rows-as-arrays" | Properties | object} [output] What `rows` or
 *   `json` gives: the host knows the schema of rows, the rest is written as `input` is
 * @property {"read" | "write"} [access] "read" where nothing is said; the host asks for
 *   the right `mcp:write` before a tool that writes, which needs the world `write-tools`
 * @property {{readOnly?: boolean, destructive?: boolean, idempotent?: boolean, openWorld?: boolean}} [annotations]
 *   Where they differ from what `access` says
 * @property {Array<{src: string, mimeType?: string, sizes?: string[], theme?: "light" | "dark"}>} [icons]
 * @property {object} [meta] Protocol `_meta`
 * @property {(args: any, host: Host) => Reply} call Does the work; the host has checked
 *   the arguments against the schema
 */

/**
 * Checks a tool set: what is wrong with it stops the build, not the first call.
 * @param {object} definition
 * @param {string} definition.name
 * @param {string} definition.version
 * @param {string} [definition.description] What the set is for
 * @param {string} [definition.instructions] Joined into what the server tells a model
 *   about itself; clients may read the first 512 characters only
 * @param {Record<string, Tool>} definition.tools By name: 1 to 64 of A-Z a-z 0-9 _ -
 * @param {(host: Host) => void} [definition.selfTest] Throws if this version must not
 *   serve; run at load, where the component exports `lifecycle`
 */
export function toolSet(definition) {
  known("The tool set", definition, ["name", "version", "description", "instructions", "tools", "selfTest"]);
  for (const member of ["name", "version"]) {
    if (typeof definition[member] !== "string") throw new TypeError(`The tool set has no ${member}.`);
  }
  for (const [name, tool] of Object.entries(definition.tools ?? {})) {
    const what = `The tool ${JSON.stringify(name)}`;
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new TypeError(`${what}: a name is 1 to 64 of A-Z a-z 0-9 _ -.`);
    known(what, tool, ["title", "description", "input", "output", "access", "annotations", "icons", "meta", "call"]);
    if (typeof tool.description !== "string") throw new TypeError(`${what} has no description.`);
    if (typeof tool.call !== "function") throw new TypeError(`${what} has no function "call".`);
    if (!["read", "write", undefined].includes(tool.access))
      throw new TypeError(`${what}: its access is "read" or "write".`);
    if (typeof tool.output === "string" && !(tool.output in SHAPES)) {
      throw new TypeError(`${what}: its output is "rows", "rows-as-arrays", properties or a schema.`);
    }
  }
  return definition;
}

/** What the component exports, over the interfaces that it imports. */
export function component(definition, imports) {
  return {
    provider: {
      describe: () => manifest(definition),
      call: (name, json) => call(definition, imports, name, json),
    },
    lifecycle: {
      selfTest() {
        try {
          definition.selfTest?.(new Host(imports));
        } catch (error) {
          throw String(error?.message ?? error);
        }
      },
    },
  };
}

function manifest({ name, version, description, instructions, tools }) {
  return {
    name,
    version,
    description: description ?? null,
    instructions: instructions ?? null,
    tools: Object.entries(tools).map(([name, tool]) => {
      const writes = tool.access === "write";
      const annotations = {
        readOnly: !writes,
        destructive: writes,
        idempotent: !writes,
        openWorld: false,
        ...tool.annotations,
      };
      return {
        name,
        title: tool.title ?? null,
        description: tool.description,
        access: tool.access ?? "read",
        inputSchema: JSON.stringify(schemaOf(tool.input ?? {})),
        output: outputOf(tool.output),
        annotations,
        icons: (tool.icons ?? []).map(({ src, mimeType = null, sizes = [], theme = null }) => ({
          src,
          mimeType,
          sizes,
          theme,
        })),
        meta: tool.meta ? JSON.stringify(tool.meta) : null,
      };
    }),
  };
}

const SHAPES = { rows: "objects", "rows-as-arrays": "arrays" };

function outputOf(output) {
  if (output === undefined) return null;
  if (typeof output === "string") return { tag: "rows", val: SHAPES[output] };
  return { tag: "schema", val: JSON.stringify(schemaOf(output)) };
}

/** A schema that takes nothing undeclared, as the host and clients want it. */
function schemaOf(properties) {
  return isSchema(properties) ? properties : { ...objectOf(properties), additionalProperties: false };
}

function objectOf(properties) {
  const entries = Object.entries(properties);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, { optional, ...schema }]) => [name, schema])),
    required: entries.filter(([, schema]) => !schema.optional && schema.default === undefined).map(([name]) => name),
  };
}

// A property is an object, also one that is called "type".
function isSchema(properties) {
  return typeof properties.type === "string";
}

function known(what, object, members) {
  const unknown = Object.keys(object).find((member) => !members.includes(member));
  if (unknown !== undefined) throw new TypeError(`${what}: unknown member ${JSON.stringify(unknown)}.`);
}

function call(definition, imports, name, json) {
  if (!Object.hasOwn(definition.tools, name)) throw { tag: "unknown-tool" };
  const tool = definition.tools[name];
  try {
    const reply = tool.call({ ...defaults(tool.input), ...JSON.parse(json) }, new Host(imports));
    if (!(reply instanceof Reply)) {
      const async = typeof reply?.then === "function";
      throw new TypeError(
        async
          ? "its call is async, which a component cannot wait for"
          : "its call returns none of text, json, rows and ask",
      );
    }
    return reply.encoded();
  } catch (error) {
    if (error instanceof ToolFailure) throw error.failure;
    if (error instanceof DatabaseError) throw { tag: "database", val: error.error };
    // The host answers "crashed" with an id; why, only the log says.
    imports.log.log("error", `${name} broke: ${error}`, [["stack", String(error?.stack ?? "")]]);
    throw error;
  }
}

function defaults(input = {}) {
  const properties = isSchema(input) ? (input.properties ?? {}) : input;
  const entries = Object.entries(properties).filter(([, schema]) => schema.default !== undefined);
  return Object.fromEntries(entries.map(([name, schema]) => [name, schema.default]));
}

// ---------------------------------------------------------------------------
// Replies

/** What a tool answers: made by `text`, `json`, `rows` and `ask`. */
class Reply {
  #content = [];
  #structured;
  #meta;
  #question;

  constructor({ structured = null, question } = {}) {
    this.#structured = structured;
    this.#question = question;
  }

  /** Adds a block of text. Where there is no block, the host adds the JSON of the result. */
  text(text) {
    return this.block({ tag: "text", val: String(text) });
  }

  /** Adds a picture from its bytes. */
  image(data, mimeType) {
    return this.block({ tag: "image", val: { data, mimeType } });
  }

  /** Adds a link to a resource. */
  link(uri, name, mimeType = null) {
    return this.block({ tag: "link", val: { uri, name, mimeType } });
  }

  /** Adds a content block as the contract has it. */
  block(content) {
    this.#content.push(content);
    return this;
  }

  /** Protocol `_meta`, an object. */
  meta(meta) {
    this.#meta = meta;
    return this;
  }

  encoded() {
    if (this.#question) return { tag: "ask", val: this.#question };
    const structured = this.#structured?.();
    return {
      tag: "output",
      val: { content: this.#content, structured: structured ?? null, meta: this.#meta ? encodeJson(this.#meta) : null },
    };
  }
}

/** Text alone, without a structured result. */
export function text(text) {
  return new Reply().text(text);
}

/** An object as the structured result. */
export function json(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new TypeError("A structured result is an object.");
  }
  return new Reply({ structured: () => ({ tag: "json", val: encodeJson(value) }) });
}

/** The rows of a query: they go from the database to the client without entering the component. */
export function rows(rows) {
  if (!(rows instanceof Rows)) throw new TypeError("rows() takes what host.query() gives.");
  return new Reply({ structured: () => ({ tag: "rows", val: rows.handOver() }) });
}

/**
 * Ends the call with questions to the person behind the client. It is made again with
 * the answers (see `host.answer`), as often as the client likes: whatever was done until
 * then may be done again.
 * @param {Record<string, Form | {method: string, params: object}>} questions By key
 * @param {unknown} [state] What the repeat gets from `host.state()`: any JSON value
 */
export function ask(questions, state) {
  const requests = Object.entries(questions).map(([key, { method, params }]) => [key, { method, params }]);
  const question = {
    requests: JSON.stringify(Object.fromEntries(requests)),
    state: state === undefined ? new Uint8Array() : toBytes(state),
  };
  return new Reply({ question });
}

/** A form for a person to fill in: flat, of strings, numbers, booleans and choices. */
class Form {
  constructor(message, properties) {
    this.method = "elicitation/create";
    this.params = { message, requestedSchema: objectOf(properties) };
  }

  /** Whether a client's content is of this form: it may answer what it likes. */
  fits(content) {
    const { properties, required } = this.params.requestedSchema;
    if (required.some((name) => content[name] === undefined)) return false;
    return Object.entries(properties).every(([name, schema]) => {
      const value = content[name];
      if (value === undefined) return true;
      if (schema.enum && !schema.enum.includes(value)) return false;
      if (schema.oneOf && !schema.oneOf.some((choice) => choice.const === value)) return false;
      return (
        { integer: Number.isInteger(value), array: Array.isArray(value) }[schema.type] ?? typeof value === schema.type
      );
    });
  }
}

/**
 * @param {string} message What the person reads
 * @param {Properties} properties The fields
 */
export function form(message, properties) {
  return new Form(message, properties);
}

// ---------------------------------------------------------------------------
// Failures

/** A failure that the tool words itself. */
class ToolFailure extends Error {
  constructor(failure, message) {
    super(message);
    this.failure = failure;
  }
}

/**
 * Ends the call with what the model should read. Codes that pass: not-found,
 * unsupported, unavailable, timeout, cancelled, invalid-arguments, invalid-statement,
 * unknown-table, ambiguous-table; any other becomes server-error.
 * @returns {never}
 */
export function fail(code, message, hint = null) {
  throw new ToolFailure({ tag: "failed", val: { code, message, hint } }, message);
}

/**
 * Ends the call because of an argument that the schema could not refuse.
 * @returns {never}
 */
export function wrongArgument(name, message) {
  throw new ToolFailure(
    { tag: "invalid-arguments", val: [{ path: name, message }] },
    name ? `${name}: ${message}` : message,
  );
}

/**
 * What the database answered instead of a result. Not caught, it goes out as it came:
 * the host words it. `tag` tells the cases of the contract apart, `detail` is the case's
 * value (of "server": `number`, `retryable` …).
 */
export class DatabaseError extends Error {
  constructor(error) {
    super(`${error.tag}: ${error.val?.message ?? JSON.stringify(error.val ?? null)}`);
    this.error = error;
    this.tag = error.tag;
    this.detail = error.val;
  }
}

/** Bindings throw an error of the contract as the payload of another one. */
function tried(run) {
  try {
    return run();
  } catch (error) {
    throw typeof error?.payload?.tag === "string" ? new DatabaseError(error.payload) : error;
  }
}

// ---------------------------------------------------------------------------
// The host

/**
 * @typedef {object} Options
 * @property {string} [database] Label of one of the scope's databases; its first one
 *   where nothing is said
 * @property {number} [maxRows] Less than the scope allows; the same for the others
 * @property {number} [maxBytes]
 * @property {number} [timeoutMs]
 * @property {number} [cacheTtlMs]
 * @property {number} [page] Of `query`: one page of the rows, from 1, in the order of its own
 *   ORDER BY; `rows` then say `pagination`
 * @property {number} [pageSize] Rows on a page, 100 unless told
 */

/** What a tool may ask of the host. */
class Host {
  #imports;
  #answers;

  constructor(imports) {
    this.#imports = imports;
    /** Values that everybody in the scope shares. */
    this.shared = new Cache(imports.cache, "per-scope");
    /** Values of the calling person alone: for whatever depends on what they may see. */
    this.personal = new Cache(imports.cache, "per-user");
    const write =
      (level) =>
      (message, fields = {}) =>
        imports.log.log(
          level,
          String(message),
          Object.entries(fields).map(([name, value]) => [name, String(value)]),
        );
    this.log = {
      trace: write("trace"),
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
    };
  }

  /**
   * Runs one SELECT. One result can be open at a time.
   * @param {string} sql With `@name` for each parameter
   * @param {Record<string, unknown>} [params] By name: plain values, or see `param`
   * @param {Options} [options]
   * @returns {Rows}
   */
  query(sql, params = {}, options = {}) {
    const { page, pageSize, ...rest } = options;
    const { database, limits } = read(rest);
    const { query } = this.#imports;
    const asked = [database, sql, encodeParams(params), limits];
    const paged = page !== undefined || pageSize !== undefined;
    return new Rows(tried(() => (paged ? query.queryPage(...asked, page ?? 1, pageSize ?? null) : query.query(...asked))));
  }

  /**
   * Runs one statement that changes data, in its own transaction; gives the number of
   * rows. In the world `write-tools` alone.
   */
  execute(sql, params = {}, options = {}) {
    const { database, limits } = read(options);
    const { execute } = this.#imports;
    if (!execute) throw new Error("component.js does not give the import db-execute to the tools");
    return tried(() => execute.execute(database, sql, encodeParams(params), limits)).rowsAffected;
  }

  /** Tables and views: `{name: {schema, name}, kind, approximateRows, comment}`. */
  tables(database = "") {
    return tried(() => this.#imports.catalog.tables(database));
  }

  /** Columns, keys, foreign keys, indexes and comments of a table. */
  describe(table, database = "") {
    return JSON.parse(tried(() => this.#imports.catalog.describe(database, table)));
  }

  /** Columns of the primary key in key order; empty when there is none. */
  primaryKey(table, database = "") {
    return tried(() => this.#imports.catalog.primaryKey(database, table));
  }

  /** The one table that a name such as `[Order Details]` means: `{schema, name}`. */
  resolve(name, database = "") {
    return tried(() => this.#imports.catalog.resolve(database, name));
  }

  /** This tool set's setting in the scope, a string, or undefined. */
  setting(key) {
    return this.#imports.config.get(key) ?? undefined;
  }

  /** Name of the scope. */
  scope() {
    return this.#imports.call.scope();
  }

  /** Who calls: `{subject, client, scopes}`, or undefined. */
  whoami() {
    return this.#imports.call.whoami() ?? undefined;
  }

  /** Milliseconds that this call may still take. */
  remainingMs() {
    return this.#imports.call.remainingMs();
  }

  /** Whether the client has cancelled the call. */
  cancelled() {
    return this.#imports.call.cancelled();
  }

  /** Tells the client that `done` of `total` is done, in units of the tool's choice; it must increase. */
  progress(done, total = null, message = null) {
    this.#imports.call.progress(done, total, message);
  }

  /** Whether the client can pass on a question: "elicitation" (forms), "sampling", "roots". */
  canAsk(ability = "elicitation") {
    return this.#imports.call.canAsk(ability);
  }

  /**
   * The answer to the question of that key, on the repeat of a call that asked:
   * `{action: "accept", content}`, `{action: "decline"}` or `{action: "cancel"}`.
   * Undefined when there is none, or none that fits the form: ask (again) then.
   * @param {string} key
   * @param {Form} form
   */
  answer(key, form) {
    const answer = this.answers()[key];
    if (answer?.action === "decline" || answer?.action === "cancel") return { action: answer.action };
    const content = answer?.action === "accept" ? answer.content : undefined;
    const fits = content !== null && typeof content === "object" && form.fits(content);
    return fits ? { action: "accept", content } : undefined;
  }

  /** All answers by key, as the client gave them. */
  answers() {
    this.#answers ??= JSON.parse(this.#imports.call.answers() ?? "{}");
    return this.#answers;
  }

  /** On the repeat of a call that asked, the state that the question carried. */
  state() {
    const state = this.#imports.call.state();
    return state?.length ? fromBytes(state) : undefined;
  }

  /** Any JSON value as URL-safe text that only this tool set in this scope can open. */
  seal(value) {
    return this.#imports.seal.seal(toBytes(value));
  }

  /** What `seal` was given; undefined for anything else. */
  open(sealed) {
    const plain = this.#imports.seal.open(sealed);
    return plain ? fromBytes(plain) : undefined;
  }
}

/** JSON values that may vanish at any time. */
class Cache {
  #cache;
  #sharing;

  constructor(cache, sharing) {
    this.#cache = cache;
    this.#sharing = sharing;
  }

  /** A value put earlier, or undefined. */
  get(key) {
    const bytes = this.#cache.get(this.#sharing, key);
    return bytes ? fromBytes(bytes) : undefined;
  }

  /** Keeps a value where there is room for it: one that is not kept is a later miss, nothing else. */
  set(key, value, ttlMs = null) {
    const bytes = toBytes(value);
    try {
      this.#cache.set(this.#sharing, key, bytes, ttlMs);
    } catch (error) {
      if (error?.payload === undefined) throw error;
    }
  }

  /** Forgets a value. */
  delete(key) {
    this.#cache.delete(this.#sharing, key);
  }

  /** The value put earlier, or what `make` gives, kept for `ttlMs`. */
  remember(key, ttlMs, make) {
    const kept = this.get(key);
    if (kept !== undefined) return kept;
    const made = make();
    this.set(key, made, ttlMs);
    return made;
  }
}

function read({ database = "", ...limits }) {
  known("The options", limits, ["maxRows", "maxBytes", "timeoutMs", "cacheTtlMs"]);
  const none = { maxRows: null, maxBytes: null, timeoutMs: null, cacheTtlMs: null };
  return { database, limits: Object.keys(limits).length ? { ...none, ...limits } : null };
}

// ---------------------------------------------------------------------------
// Results

/**
 * A result that is still being read. Rows are objects by column: decimals, money, dates
 * and uuids as strings with exact digits, binary as bytes. What reads to the end closes
 * it; a loop that is left closes it too.
 */
class Rows {
  #cursor;
  #columns;
  #end = {};

  constructor(cursor) {
    this.#cursor = cursor;
  }

  /** The columns in order: `{name, sqlType, nullable, masked}`. */
  get columns() {
    this.#columns ??= this.#open().columns();
    return this.#columns;
  }

  /** Why rows are missing, once it is read: `{by, limit}`, or undefined. */
  get truncated() {
    return this.#cursor ? (this.#cursor.truncated() ?? undefined) : this.#end.truncated;
  }

  /** What it cost: `{rows, bytes, serverUs, queueUs, cached}`. */
  get stats() {
    return this.#cursor ? this.#cursor.stats() : this.#end.stats;
  }

  /** All rows. Fails where the scope's limits cut the result, for a part is not all. */
  all() {
    const all = [...this];
    const cut = this.truncated;
    if (cut) {
      fail(
        "server-error",
        `The tool needs a whole result, and this one was cut at ${cut.limit} ${cut.by}.`,
        "Ask for less at once.",
      );
    }
    return all;
  }

  /** The first row, or undefined. */
  first() {
    // Two at once: the end of a result of one row is seen then, and nothing needs to be cancelled.
    for (const [row] of this.batches(2)) return row;
    return undefined;
  }

  /** One row after the other. */
  *[Symbol.iterator]() {
    for (const batch of this.batches()) yield* batch;
  }

  /** The rows in arrays of at most `size`: a batch crosses from the host at once. */
  *batches(size = 250) {
    const columns = this.columns;
    const names = uniqueNames(columns);
    try {
      for (let done = false; !done; ) {
        const batch = tried(() => this.#open().next(size));
        done = batch.done;
        if (batch.rows.length === 0) continue;
        yield batch.rows.map((row) =>
          Object.fromEntries(row.map((value, at) => [names[at], decode(value, columns[at])])),
        );
      }
    } finally {
      this.close();
    }
  }

  /** The remaining rows as one JSON array, encoded by the host. */
  toJson(shape = "objects") {
    try {
      return tried(() => this.#open().toJson(shape));
    } finally {
      this.close();
    }
  }

  /** Gives the connection back, and cancels the statement if rows are left. */
  close() {
    if (!this.#cursor) return;
    this.#end = { truncated: this.truncated, stats: this.stats };
    this.handOver()[Symbol.dispose]();
  }

  /** The contract's cursor, which then belongs to the caller. */
  handOver() {
    const cursor = this.#open();
    this.#cursor = undefined;
    return cursor;
  }

  #open() {
    if (!this.#cursor) throw new Error("The result has been read or closed.");
    return this.#cursor;
  }
}

/** As the host names the members of a row: a repeated name becomes `a_2`, an empty one `column_3`. */
function uniqueNames(columns) {
  const taken = new Set(columns.map(({ name }) => name));
  const seen = new Set([""]);
  return columns.map(({ name }, at) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    const stem = name || "column";
    let number = name ? 2 : at + 1;
    while (taken.has(`${stem}_${number}`)) number += 1;
    taken.add(`${stem}_${number}`);
    return `${stem}_${number}`;
  });
}

/** A value of the contract as a plain one, in the words of the host's JSON. */
function decode({ tag, val }, { name, sqlType }) {
  switch (tag) {
    case "null":
      return null;
    case "int":
      // Larger ones arrive rounded.
      if (!Number.isSafeInteger(val)) {
        throw new RangeError(
          `Column ${JSON.stringify(name)} has an integer beyond 2^53: select CAST(… AS varchar(20)) or hand it over.`,
        );
      }
      return val;
    case "real":
      return shortest(val);
    case "date":
      return dateText(val);
    case "time":
      return timeText(val, digitsOf(sqlType));
    case "datetime":
      return `${dateText(val.date)}T${timeText(val.time, digitsOf(sqlType))}`;
    case "datetime-offset": {
      const { local, offsetMinutes } = val;
      const minutes = Math.abs(offsetMinutes);
      const offset = `${offsetMinutes < 0 ? "-" : "+"}${padded(Math.floor(minutes / 60), 2)}:${padded(minutes % 60, 2)}`;
      return `${dateText(local.date)}T${timeText(local.time, digitsOf(sqlType))}${offset}`;
    }
    case "other":
      return val[1];
    default:
      return val;
  }
}

/** A real as it was written: 0.1 arrives as 0.10000000149011612. */
function shortest(real) {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(real.toPrecision(digits));
    if (Math.fround(short) === real) return short;
  }
  return real;
}

function digitsOf(sqlType) {
  const digits = /\((\d)\)/.exec(sqlType);
  if (digits) return Number(digits[1]);
  return { datetime: 3, smalldatetime: 0 }[sqlType] ?? 7;
}

function dateText({ year, month, day }) {
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}

function timeText({ nanos }, digits) {
  const seconds = Math.floor(nanos / 1e9);
  const fraction = padded(nanos % 1e9, 9).slice(0, digits);
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => padded(Math.floor(part), 2))
    .join(":");
  return digits ? `${clock}.${fraction}` : clock;
}

function padded(number, width) {
  return String(number).padStart(width, "0");
}

// ---------------------------------------------------------------------------
// Parameters

/** A parameter whose type is said, where the plain value would not do. */
class Param {
  constructor(value, sqlType) {
    this.value = value;
    this.sqlType = sqlType;
  }
}

/**
 * Parameters of a type. Plain values do in most cases: strings, numbers, bigints,
 * booleans, bytes and null. The last argument is SQL Server's type, where it must be an
 * exact one: `param.text("YELLA", "nchar(5)")`.
 */
export const param = {
  text: (value, sqlType = null) => new Param({ tag: "text", val: String(value) }, sqlType),
  /** A number or a bigint. */
  int: (value, sqlType = null) => {
    if (Number.isSafeInteger(value)) return new Param({ tag: "int", val: value }, sqlType);
    if (typeof value !== "bigint")
      throw new TypeError(`${value} is not an integer that JavaScript keeps; give a bigint.`);
    if (Number.isSafeInteger(Number(value))) return new Param({ tag: "int", val: Number(value) }, sqlType);
    // The bindings take no bigint and would round a number.
    return new Param({ tag: "decimal", val: String(value) }, sqlType ?? "bigint");
  },
  float: (value, sqlType = null) => new Param({ tag: "float", val: value }, sqlType),
  /** Exact digits as a string: "12.50". */
  decimal: (value, sqlType = null) => new Param({ tag: "decimal", val: String(value) }, sqlType),
  bit: (value, sqlType = null) => new Param({ tag: "bit", val: Boolean(value) }, sqlType),
  /** A Uint8Array. */
  bytes: (value, sqlType = null) => new Param({ tag: "bytes", val: value }, sqlType),
  uuid: (value, sqlType = null) => new Param({ tag: "uuid", val: value }, sqlType),
  /** Any JSON value. */
  json: (value, sqlType = null) => new Param({ tag: "json", val: encodeJson(value) }, sqlType),
  /** "2024-02-29" */
  date: (value, sqlType = null) => new Param({ tag: "date", val: dateOf(value) }, sqlType),
  /** "13:14:15.1234567" */
  time: (value, sqlType = null) => new Param({ tag: "time", val: timeOf(value) }, sqlType),
  /** "2024-02-29T13:14:15", or a Date in UTC. */
  datetime: (value, sqlType = null) =>
    new Param({ tag: "datetime", val: datetimeOf(iso(value).replace(/Z$/, "")) }, sqlType),
  /** "2024-02-29T13:14:15+01:00", or a Date. */
  datetimeOffset: (value, sqlType = null) => {
    const [, local, zone] =
      /^(.*?)(Z|[+-]\d\d:\d\d)$/.exec(iso(value)) ??
      unfit(value, "a date and time with an offset, such as 2024-02-29T13:14:15+01:00");
    const [hours, minutes] = zone === "Z" ? [0, 0] : zone.slice(1).split(":").map(Number);
    const offsetMinutes = (zone[0] === "-" ? -1 : 1) * (hours * 60 + minutes);
    return new Param({ tag: "datetime-offset", val: { local: datetimeOf(local), offsetMinutes } }, sqlType);
  },
  null: (sqlType = null) => new Param({ tag: "null" }, sqlType),
};

function encodeParams(params) {
  return Object.entries(params).map(([name, value]) => ({ name, ...inferred(name, value) }));
}

function inferred(name, value) {
  if (value instanceof Param) return value;
  if (value === null || value === undefined) return param.null();
  if (value instanceof Uint8Array) return param.bytes(value);
  switch (typeof value) {
    case "string":
      return param.text(value);
    case "boolean":
      return param.bit(value);
    case "bigint":
      return param.int(value);
    case "number":
      return Number.isInteger(value) ? param.int(value) : param.float(value);
    default:
      throw new TypeError(`The parameter ${name} has no type: make it with param.text, param.datetime …`);
  }
}

function iso(value) {
  return value instanceof Date ? value.toISOString() : String(value);
}

function dateOf(text) {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? unfit(text, "a date such as 2024-02-29");
  return { year: Number(year), month: Number(month), day: Number(day) };
}

function timeOf(text) {
  const [, hours, minutes, seconds = "0", fraction = ""] =
    /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/.exec(text) ?? unfit(text, "a time of day such as 13:14:15");
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return { nanos: whole * 1e9 + Number(fraction.padEnd(9, "0")) };
}

function datetimeOf(text) {
  const [, date, time] = /^(.{10})[T ](.*)$/.exec(text) ?? unfit(text, "a date and time such as 2024-02-29T13:14:15");
  return { date: dateOf(date), time: timeOf(time) };
}

/** Nearly always what the caller wrote, passed on. */
function unfit(value, what) {
  return wrongArgument("", `${JSON.stringify(value)} is not ${what}`);
}

// ---------------------------------------------------------------------------
// Names in T-SQL

/** A delimited identifier: `a]b` becomes `[a]]b]`. */
export function quote(identifier) {
  return `[${identifier.replaceAll("]", "]]")}]`;
}

/** `[schema].[name]` */
export function quoteTable({ schema, name }) {
  return `${quote(schema)}.${quote(name)}`;
}

/** A pattern for `LIKE … ESCAPE '\'` that finds `text` anywhere, taken literally. */
export function containsPattern(text) {
  return `%${text.replace(/[%_[\]\\]/g, "\\$&")}%`;
}

// ---------------------------------------------------------------------------
// JSON as text and as bytes

function encodeJson(value) {
  return JSON.stringify(value, (_, member) => (typeof member === "bigint" ? String(member) : member));
}

// The engine in the component has no TextEncoder: what is not ASCII is escaped.
function toBytes(value) {
  const json = encodeJson(value).replace(/[^\0-\x7f]/g, (unit) => `\\u${padded(unit.charCodeAt(0).toString(16), 4)}`);
  return Uint8Array.from(json, (unit) => unit.charCodeAt(0));
}

function fromBytes(bytes) {
  let json = "";
  for (let at = 0; at < bytes.length; at += 4096) json += String.fromCharCode(...bytes.slice(at, at + 4096));
  return JSON.parse(json);
}
