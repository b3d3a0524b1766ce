// Calls every tool with the official TypeScript SDKs.
//
// usage: mcp_tools.mjs sdk|client-legacy|client-modern URL
//
// `sdk` is @modelcontextprotocol/sdk, the others are both eras of
// @modelcontextprotocol/client. MCP_TOKEN is the bearer token, if one is needed;
// with EXPECT_REFUSAL=1 the server must answer 401 instead.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as v2 from "@modelcontextprotocol/client";
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const TOOLS = ["list_tables", "describe_table", "execute_sql", "get_table_sample", "search", "fetch"];
// Query, rows it finds, how their ids begin.
const SEARCHES = [
  ["10 mejores clientes por ingresos", 10, "dbo.Customers/"],
  ["SELECT TOP 3 CustomerID, CompanyName FROM Customers ORDER BY CustomerID", 3, "dbo.Customers/"],
  ["SELECT COUNT(*) AS orders FROM Orders", 1, "query:"],
];
const { MCP_TOKEN: token, EXPECT_REFUSAL: expectRefusal } = process.env;

const [which, address] = process.argv.slice(2);
const url = new URL(address);
const statuses = new Set();
const options = {
  requestInit: { headers: token ? { Authorization: `Bearer ${token}` } : {} },
  fetch: async (...request) => {
    const response = await fetch(...request);
    statuses.add(response.status);
    return response;
  },
};
const identity = { name: "outside", version: "1" };
const [client, transport, revision, name] = {
  sdk: () => [new V1Client(identity), new V1Transport(url, options), "2025-11-25", "sdk"],
  "client-legacy": () => [new v2.Client(identity), new v2.StreamableHTTPClientTransport(url, options), "2025-11-25", "client"],
  "client-modern": () => [
    new v2.Client(identity, { versionNegotiation: { mode: "auto" } }),
    new v2.StreamableHTTPClientTransport(url, options),
    "2026-07-28",
    "client",
  ],
}[which]();

if (expectRefusal) {
  await assert.rejects(client.connect(transport));
  // Not every version tells the status.
  assert.deepEqual([...statuses], [401]);
  console.log("refused with 401");
  process.exit(0);
}

await client.connect(transport);
assert.equal(transport.protocolVersion ?? client.getNegotiatedProtocolVersion(), revision);
const { tools } = await client.listTools();
assert.deepEqual(tools.map((tool) => tool.name), TOOLS);
let calls = 0;

const { tables } = await call("list_tables", {});
assert.ok(tables.some((table) => table.name === "Order Details"));
const orders = await call("describe_table", { table_name: "Orders" });
assert.deepEqual(orders.primary_keys, ["OrderID"]);
const values = await call("execute_sql", {
  query:
    "SELECT CAST(12.50 AS decimal(10,2)) AS amount, CAST(9007199254740993 AS bigint) AS big, " +
    "N'Zürich 日本 😀' AS city, NULL AS nothing",
});
assert.deepEqual(values.results, [
  { amount: "12.50", big: "9007199254740993", city: "Zürich 日本 😀", nothing: null },
]);
const sample = await call("get_table_sample", { table_name: "Order Details", limit: 3 });
assert.deepEqual([sample.row_count, sample.results.length], [3, 3]);
for (const [query, hits, start] of SEARCHES) {
  const { results } = await call("search", { query });
  const ids = results.map((hit) => hit.id);
  // Tables may follow the rows.
  assert.equal(ids.slice(0, hits).filter((id) => id.startsWith(start)).length, hits, `${query}: ${ids}`);
  const record = await call("fetch", { id: ids[0] });
  assert.equal(record.id, ids[0]);
  assert.ok(record.text);
}

const failed = await client.callTool({ name: "describe_table", arguments: { table_name: "Nowhere" } });
assert.equal(failed.isError, true);
assert.equal(failed.structuredContent, undefined);
assert.equal(JSON.parse(failed.content[0].text).code, "unknown-table");
await assert.rejects(client.callTool({ name: "no_such_tool", arguments: {} }), { code: -32602 });
await client.close();

const manifest = new URL(`node_modules/@modelcontextprotocol/${name}/package.json`, import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
console.log(`${name} ${version}, ${revision}: ${TOOLS.length} tools, ${calls} calls, 2 errors as they should be`);

/** What the tool says, which it must say twice. */
async function call(tool, parameters) {
  calls += 1;
  const result = await client.callTool({ name: tool, arguments: parameters });
  assert.ok(!result.isError, `${tool}: ${JSON.stringify(result)}`);
  assert.equal(result.content.length, 1, tool);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent, tool);
  return result.structuredContent;
}
