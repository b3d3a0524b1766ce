"""Tests of __NAME__ without a component or a database: `python3 -m unittest`."""

import unittest
from decimal import Decimal

from mssql_mcp import Failed, InvalidArgument
from mssql_mcp_testing import FakeHost, call

from tools import tools


class Tools(unittest.TestCase):
    def test_a_wildcard_is_searched_for_as_it_is(self):
        host = FakeHost()
        call(tools, host, "find_customers", {"text": "50%"})
        self.assertEqual(host.statements[0].params, {"like": r"%50\%%", "limit": 10})

    def test_rows_are_handed_through(self):
        host = FakeHost(lambda sql, params: [{"OrderID": 1, "Freight": Decimal("1.10")}])
        found = call(tools, host, "orders_of", {"customer": "ADLEB"})
        self.assertEqual(found["results"], [{"OrderID": 1, "Freight": "1.10"}])

    def test_a_total_is_exact(self):
        host = FakeHost(lambda sql, params: [
            {"ProductName": "Tea", "UnitPrice": Decimal("0.10"), "Quantity": 3, "Discount": 0.0},
            {"ProductName": "Cod", "UnitPrice": Decimal("20"), "Quantity": 1, "Discount": 0.15}])
        self.assertEqual(call(tools, host, "order_total", {"order": 1}),
                         {"order": 1, "lines": 2, "products": ["Cod", "Tea"], "total": "17.30"})

    def test_what_is_not_there_is_said(self):
        with self.assertRaises(Failed) as raised:
            call(tools, FakeHost(), "order_total", {"order": 1})
        self.assertEqual(raised.exception.code, "not-found")

    def test_arguments_are_checked(self):
        with self.assertRaises(InvalidArgument):
            call(tools, FakeHost(), "orders_of", {"customer": 7})


if __name__ == "__main__":
    unittest.main()
