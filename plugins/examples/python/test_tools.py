"""Tests of the sales desk without a component or a database: `./test`."""

import unittest
from datetime import date
from decimal import Decimal

from mssql_mcp import Ask, DatabaseError, Failed, InvalidArgument
from mssql_mcp_testing import FakeHost, call

from tools import tools


class OrdersOf(unittest.TestCase):
    def test_binds_what_it_is_given(self):
        host = FakeHost(lambda sql, params: [{"OrderID": 1, "Freight": Decimal("1.10")}])
        found = call(tools, host, "orders_of", {"customer": "adleb", "since": date(1998, 1, 1)})
        self.assertEqual(found["results"], [{"OrderID": 1, "Freight": "1.10"}])
        self.assertEqual(host.statements[0].params,
                         {"customer": "ADLEB", "since": date(1998, 1, 1), "limit": 10})

    def test_takes_no_other_argument(self):
        with self.assertRaises(InvalidArgument):
            call(tools, FakeHost(), "orders_of", {"customer": "ADLEB", "sql": "SELECT 1"})


class RevenueByCategory(unittest.TestCase):
    def test_is_computed_once(self):
        host = FakeHost(lambda sql, params: [
            {"CategoryName": "Seafood", "Orders": 2, "Revenue": Decimal("10.505")},
            {"CategoryName": "Produce", "Orders": 1, "Revenue": Decimal("0.1")}])
        for _ in range(2):
            found = call(tools, host, "revenue_by_category", {"year": 1997})
            self.assertEqual(found["total"], "10.60")
            self.assertEqual(found["categories"][1],
                             {"category": "Produce", "orders": 1, "revenue": "0.10"})
        self.assertEqual(len(host.statements), 1)
        call(tools, host, "revenue_by_category", {"year": 1998})
        self.assertEqual(len(host.statements), 2)

    def test_a_year_without_orders_is_not_kept(self):
        host = FakeHost()
        with self.assertRaises(Failed) as raised:
            call(tools, host, "revenue_by_category", {"year": 1907})
        self.assertEqual(raised.exception.code, "not-found")
        self.assertEqual(host.cache.values, {})


class AuditDiscounts(unittest.TestCase):
    @staticmethod
    def lines(sql, params):
        all_lines = [
            {"OrderID": order, "ProductID": product, "UnitPrice": Decimal("2.5000"),
             "Quantity": 4, "Discount": 0.15 if product == 1 else 0.05}
            for order in range(1, 601) for product in (1, 2)]
        if "COUNT(*)" in sql:
            return [{"n": len(all_lines)}]
        after = (params["order"], params["product"])
        return [line for line in all_lines if (line["OrderID"], line["ProductID"]) > after]

    def test_reads_every_page_and_tells_how_far_it_is(self):
        host = FakeHost(self.lines, max_rows=1000)
        self.assertEqual(call(tools, host, "audit_discounts"), {
            "lines": 1200, "discounted": 600, "given_away": "900.00", "worst_order": 1})
        self.assertEqual([(done, total) for done, total, _ in host.reports],
                         [(500, 1200), (1000, 1200), (1200, 1200)])

    def test_nothing_may_be_found(self):
        host = FakeHost(self.lines)
        found = call(tools, host, "audit_discounts", {"percent": 50})
        self.assertEqual((found["discounted"], found["given_away"], found["worst_order"]),
                         (0, "0.00", None))


class ContactOf(unittest.TestCase):
    arguments = {"customer": "adleb"}

    def host(self, **options):
        return FakeHost(lambda sql, params: [
            {"CustomerID": "ADLEB", "CompanyName": "Adler", "ContactName": "Ana", "Phone": None}],
            abilities=["elicitation"], **options)

    def test_asks_first(self):
        asked = call(tools, self.host(), "contact_of", self.arguments)
        self.assertIsInstance(asked, Ask)
        params = asked.requests["confirm"]["params"]
        self.assertIn("ADLEB", params["message"])
        self.assertEqual(params["requestedSchema"]["required"], ["really"])

    def test_shows_what_was_allowed_and_logs_it(self):
        host = self.host(answers={"confirm": {"action": "accept", "content": {"really": True}}})
        self.assertEqual(call(tools, host, "contact_of", self.arguments),
                         {"customer": "ADLEB", "company": "Adler", "name": "Ana", "phone": None})
        self.assertEqual(host.logged[0][1], "contact shown")

    def test_shows_nothing_else(self):
        for answer in ({"action": "decline"}, {"action": "cancel"},
                       {"action": "accept", "content": {"really": False}}):
            host = self.host(answers={"confirm": answer})
            with self.assertRaises(Failed) as raised:
                call(tools, host, "contact_of", self.arguments)
            self.assertEqual(raised.exception.code, "cancelled")
            self.assertEqual(host.statements, [])

    def test_a_client_without_forms_is_told(self):
        with self.assertRaises(Failed) as raised:
            call(tools, FakeHost(), "contact_of", self.arguments)
        self.assertEqual(raised.exception.code, "unsupported")


class SelfTest(unittest.TestCase):
    def test_misses_a_table(self):
        tables = {f"dbo.{name}": {} for name in
                  ("Orders", "Order Details", "Products", "Categories", "Customers")}
        tools.check(FakeHost(tables=tables))
        del tables["dbo.Products"]
        with self.assertRaises(DatabaseError):
            tools.check(FakeHost(tables=tables))


if __name__ == "__main__":
    unittest.main()
