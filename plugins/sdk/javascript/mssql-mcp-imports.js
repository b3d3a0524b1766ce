// The contract's interfaces, for `component`. They exist inside a component alone, so
// nothing else imports this file.

import * as cache from "mssql-mcp:host/cache@1.0.0";
import * as call from "mssql-mcp:host/call@1.0.0";
import * as catalog from "mssql-mcp:database/db-catalog@1.0.0";
import * as config from "mssql-mcp:host/config@1.0.0";
import * as log from "mssql-mcp:host/log@1.0.0";
import * as query from "mssql-mcp:database/db-query@1.0.0";
import * as seal from "mssql-mcp:host/seal@1.0.0";

export const imports = { cache, call, catalog, config, log, query, seal };

// The engine has no console: what is written to it goes to the host's log.
const line =
  (level) =>
  (...parts) =>
    log.log(level, parts.map(String).join(" "), []);
globalThis.console ??= {
  debug: line("debug"),
  log: line("info"),
  info: line("info"),
  warn: line("warn"),
  error: line("error"),
};
