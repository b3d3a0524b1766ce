// The tools on a fake host: `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeHost, result } from "../../sdk/javascript/mssql-mcp-testing.js";
import tools from "./tools.js";

const ORDERS = { OrderID: "int", OrderDate: "datetime", ShippedDate: "datetime" };
const COUNT = { orders: "int" };

/** Orders that took 0, 1, 2 … days, and one that is on its way. */
function shippedAfter(days, truncated = null) {
  const at = (day) => `1997-01-${String(day).padStart(2, "0")}T00:00:00.000`;
  const shipped = Array.from({ length: days }, (_, day) => [day + 1, at(1), at(day + 1)]);
  return result(ORDERS, [...shipped, [99, at(1), null]], truncated);
}

test("orders of a period are asked for with exact types", () => {
  const host = new FakeHost({ query: () => result({ OrderID: "int" }, [[10248]]) });
  const { structured } = host.call(tools, "orders_between", {
    from: "1998-04-01",
    to: "1998-04-30",
    least_freight: "50.25",
  });
  assert.equal(structured.row_count, 1);
  const [{ params }] = host.queries;
  assert.deepEqual(params, {
    from: { year: 1998, month: 4, day: 1 },
    to: { year: 1998, month: 4, day: 30 },
    freight: "50.25",
    country: null,
  });
});

test("a period that ends before it begins is refused before anything is asked", () => {
  const host = new FakeHost();
  assert.equal(
    host.call(tools, "orders_between", { from: "1998-04-02", to: "1998-04-01" }).error.code,
    "invalid-arguments",
  );
  assert.deepEqual(host.queries, []);
});

test("a summary is computed once", () => {
  const columns = {
    country: "nvarchar(15)",
    orders: "int",
    revenue: "decimal(19,2)",
    share: "decimal(5,1)",
    all_orders: "int",
    all_revenue: "decimal(19,2)",
  };
  const host = new FakeHost({
    query: () =>
      result(columns, [
        ["Germany", 3, "75.00", "75.0", 4, "100.00"],
        ["Spain", 1, "25.00", "25.0", 4, "100.00"],
      ]),
  });
  const first = host.call(tools, "sales_by_country", { year: 1997 }).structured;
  assert.equal(first.revenue, "100.00");
  assert.deepEqual(first.countries[0], { country: "Germany", orders: 3, revenue: "75.00", share: 75 });
  assert.deepEqual(host.call(tools, "sales_by_country", { year: 1997 }).structured, first);
  assert.equal(host.queries.length, 1);
  host.call(tools, "sales_by_country", { year: 1998 });
  assert.equal(host.queries.length, 2);
});

test("a year without orders has a summary too", () => {
  const { structured } = new FakeHost().call(tools, "sales_by_country", { year: 1996 });
  assert.deepEqual([structured.orders, structured.revenue, structured.countries], [0, "0.00", []]);
});

test("delivery times are reported batch by batch", () => {
  const many = () =>
    result(
      ORDERS,
      Array.from({ length: 120 }, (_, n) => [n, "1997-01-01T00:00:00.000", "1997-01-03T00:00:00.000"]),
    );
  const host = new FakeHost({ query: (sql) => (sql.includes("COUNT(*)") ? result(COUNT, [[120]]) : many()) });
  const { structured } = host.call(tools, "delivery_times", { year: 1997, quarter: 4 });
  assert.equal(structured.median_days, 2);
  assert.deepEqual(
    host.progress.map(({ done, total }) => [done, total]),
    [
      [50, 120],
      [100, 120],
      [120, 120],
    ],
  );
  assert.deepEqual(host.queries[1].params.first, { year: 1997, month: 10, day: 1 });
});

test("median, nine in ten, the slowest, and what is on its way", () => {
  const query = (sql) => (sql.includes("COUNT(*)") ? result(COUNT, [[11]]) : shippedAfter(10));
  const { structured } = new FakeHost({ query }).call(tools, "delivery_times", { year: 1997, quarter: 1 });
  assert.deepEqual(structured, {
    orders: 11,
    not_shipped: 1,
    median_days: 4,
    nine_in_ten_days: 8,
    complete: true,
    slowest: [
      { order: 10, days: 9 },
      { order: 9, days: 8 },
      { order: 8, days: 7 },
    ],
  });
});

test("a result that was cut is not called complete", () => {
  const query = (sql) =>
    sql.includes("COUNT(*)") ? result(COUNT, [[500]]) : shippedAfter(2, { by: "rows", limit: 3 });
  assert.equal(
    new FakeHost({ query }).call(tools, "delivery_times", { year: 1997, quarter: 1 }).structured.complete,
    false,
  );
});

const contacts = (given) => {
  const query = (sql) =>
    sql.includes("COUNT(*)")
      ? result({ n: "int" }, [[17]])
      : result({ CompanyName: "nvarchar(40)" }, [["Yellow Barn Market"]]);
  const host = new FakeHost({ query, ...given });
  return { host, ...host.call(tools, "contacts_in", { country: "Germany" }) };
};

test("contacts are given out for a purpose, which is logged", () => {
  const { host, structured, asked } = contacts({
    answers: { purpose: { action: "accept", content: { purpose: "a visit" } } },
  });
  assert.equal(structured.row_count, 1);
  assert.match(asked[0].purpose.params.message, /17 customers in Germany/);
  assert.deepEqual(host.logs[0].fields, { country: "Germany", count: "17", purpose: "a visit" });
  // The repeat took the number from the question's state.
  assert.equal(host.queries.length, 2);
});

test("no contacts without a yes, or more than the setting allows", () => {
  assert.equal(contacts({ answers: { purpose: { action: "decline" } } }).error.code, "cancelled");
  assert.equal(contacts({}).error.code, "unsupported");
  const { error, asked } = contacts({ settings: { most_contacts: "16" }, answers: {} });
  assert.equal(error.code, "unsupported");
  assert.deepEqual(asked, []);
});

test("the self test wants its tables", () => {
  const host = (names) => ({ resolve: (name) => names.includes(name) || assert.fail(name) });
  tools.selfTest(host(["dbo.Orders", "dbo.Customers"]));
  assert.throws(() => tools.selfTest(host(["dbo.Orders"])));
});
