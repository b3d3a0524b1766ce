// The tools on a fake host: `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeHost, databaseError, result } from "./mssql-mcp-testing.js";
import tools from "./tools.js";

test("a word is searched for as it is written", () => {
  const host = new FakeHost();
  host.call(tools, "find_products", { word: "50%" });
  assert.deepEqual(host.queries[0].params, { word: "%50\\%%", limit: 20 });
});

test("the orders of a customer are handed over", () => {
  const host = new FakeHost({ query: () => result({ OrderID: "int", Freight: "money" }, [[10248, "32.3800"]]) });
  const { structured } = host.call(tools, "orders_of", { customer: "YELLA" });
  assert.deepEqual(structured.results, [{ OrderID: 10248, Freight: "32.3800" }]);
  assert.deepEqual(host.queries[0].params, { customer: "YELLA" });
});

test("a total keeps its digits", () => {
  const columns = { CustomerID: "nchar(5)", lines: "int", total: "decimal(19,2)" };
  const host = new FakeHost({ query: () => result(columns, [["YELLA", 3, "440.10"]]) });
  const { structured } = host.call(tools, "order_total", { order: 10248 });
  assert.deepEqual(structured, { order: 10248, customer: "YELLA", lines: 3, total: "440.10" });
});

test("an order that is not there is told as such", () => {
  assert.equal(new FakeHost().call(tools, "order_total", { order: 1 }).error.code, "not-found");
});

test("an error of the database goes out as it came", () => {
  const host = new FakeHost({
    query() {
      throw databaseError("server", {
        number: 1205,
        state: 1,
        severity: 13,
        message: "deadlock",
        line: null,
        retryable: true,
      });
    },
  });
  assert.equal(host.call(tools, "orders_of", { customer: "YELLA" }).error.code, "server-error");
});
