// Reads dbo.AllTypes with tedious and compares it with execute_sql.
//
// The job comes as JSON on standard input: where to log in, whether with TLS,
// and what `execute_sql` says of the same rows. The last line of the output
// sums up; a difference is printed and makes the exit code 1.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { text as everything } from "node:stream/consumers";
import { Connection, Request, TYPES } from "tedious";

const job = JSON.parse(await everything(process.stdin));

// Types whose values tedious does not give in full, and what it keeps of them.
const losses = {
  decimal: "a double, rounded twice",
  money: "a double",
  datetimeoffset: "the instant without its offset",
};

const refused = await connect("not the password").then(
  () => assert.fail("a wrong password was let in"),
  (refusal) => refusal,
);
assert.equal(refused.error.code, "ELOGIN", refused.error);
assert.deepEqual(refused.numbers, [18456], refused.error);

const rows = await read("SELECT * FROM dbo.AllTypes ORDER BY Id");
const { columns, results } = job.expected;
const first = await read("SELECT Id FROM dbo.AllTypes WHERE c_nvarchar = @text AND c_int = @number", (request) => {
  request.addParameter("text", TYPES.NVarChar, results[0].c_nvarchar);
  request.addParameter("number", TYPES.Int, results[0].c_int);
});
assert.deepEqual(first.map(([id]) => id.value), [1], "by parameters");
assert.equal(rows.length, results.length, "rows");
let compared = 0;
let different = 0;
rows.forEach((row, index) => {
  assert.deepEqual(row.map((cell) => cell.metadata.colName), columns.map((column) => column.name));
  row.forEach((cell, at) => {
    const { name, type } = columns[at];
    const found = ours(type, cell.value);
    const should = kept(type, results[index][name]);
    compared += 1;
    if (!same(type, found, should)) {
      different += 1;
      console.log(`row ${index + 1}, ${name} ${type}: ${brief(found)} for ${brief(should)}`);
    }
  });
});
const lost = Object.entries(losses).map(([type, loss]) => `${type}: ${loss}`);
const agree = `${compared - different} of ${compared} values agree`;
console.log(`wrong password: ${refused.numbers}; ${rows.length} rows, ${agree} (client keeps of ${lost.join(", ")})`);
process.exitCode = different === 0 ? 0 : 1;

/** A logged-in connection, or the error with the numbers that the server gave. */
function connect(password) {
  return new Promise((resolve, reject) => {
    const connection = new Connection({
      // tedious hands the name to TLS, where an address is not allowed.
      server: "localhost",
      authentication: { type: "default", options: { userName: job.user, password } },
      options: {
        port: job.port,
        database: job.database,
        encrypt: job.tls,
        trustServerCertificate: false,
        cryptoCredentialsDetails: { ca: readFileSync(job.ca_file) },
      },
    });
    const numbers = [];
    connection.on("errorMessage", (message) => numbers.push(message.number));
    connection.connect((error) => (error ? reject({ error, numbers }) : resolve(connection)));
  });
}

/** The rows of a statement. */
async function read(sql, bind = () => {}) {
  const connection = await connect(job.password);
  try {
    return await new Promise((resolve, reject) => {
      const rows = [];
      const request = new Request(sql, (error) => (error ? reject(error) : resolve(rows)));
      request.on("row", (row) => rows.push(row));
      bind(request);
      connection.execSql(request);
    });
  } finally {
    connection.close();
  }
}

/** A value of tedious as `execute_sql` writes it, but for the losses. */
function ours(type, value) {
  const kind = type.split("(")[0];
  if (value === null) return null;
  switch (kind) {
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case "real":
      return Math.fround(value);
    case "char":
    case "nchar":
      return value.trimEnd();
    case "binary":
    case "varbinary":
    case "image":
      return value.toString("base64");
    case "timestamp":
    case "rowversion":
    case "geography":
    case "geometry":
    case "hierarchyid":
      return `0x${value.toString("hex").toUpperCase()}`;
    case "date":
      return value.toISOString().slice(0, 10);
    case "time":
      return instant(value, digits(type)).slice(11);
    case "datetime":
      return instant(value, 3);
    case "smalldatetime":
      return instant(value, 0);
    case "datetime2":
      return instant(value, digits(type));
    case "datetimeoffset":
      return instant(value, digits(type));
    case "sql_variant":
      return value instanceof Date ? instant(value, 7) : value;
    default:
      return value;
  }
}

/** What `execute_sql` says, as far as tedious can hold it. */
function kept(type, value) {
  const kind = type.split("(")[0];
  if (value === null) return null;
  switch (kind) {
    case "decimal":
    case "money":
    case "smallmoney":
      return Number(value);
    case "real":
      return Math.fround(value);
    case "datetimeoffset": {
      const [, head, fraction, offset] = /^(.{19})(\.\d+)?(.{6})$/.exec(value);
      return instant(new Date(`${head}${offset}`), 0) + (fraction ?? "");
    }
    case "sql_variant":
      // A decimal in it is a double, too.
      return /^-?\d+\.\d+$/.test(value) ? Number(value) : value;
    default:
      return value;
  }
}

/** Whether two values agree; tedious divides the digits of a decimal by a power
 * of ten, which may round the last bit once more. */
function same(type, found, should) {
  if (found === should) return true;
  return type.startsWith("decimal") && Math.abs(found - should) <= Math.abs(should) * Number.EPSILON;
}

/** A Date in UTC with what tedious adds below the millisecond, in seconds. */
function instant(date, digits) {
  const below = Math.round((date.nanosecondsDelta ?? 0) * 1e7).toString().padStart(4, "0");
  const [head, millis] = date.toISOString().slice(0, -1).split(".");
  return digits === 0 ? head : `${head}.${(millis + below).slice(0, digits)}`;
}

/** n of time(n), datetime2(n), datetimeoffset(n). */
function digits(type) {
  return Number(/\((\d)\)/.exec(type)[1]);
}

function brief(value) {
  return JSON.stringify(value)?.slice(0, 200);
}
