"""The tools of __NAME__."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from mssql_mcp import Failed, Host, Rows, ToolSet, contains

tools = ToolSet("__NAME__", "0.1.0", description="Customers and orders of the sample company.")

Limit = Annotated[int, "How many at most", {"minimum": 1, "maximum": 100}]


@tools.tool(title="Find customers")
def find_customers(
    host: Host,
    text: Annotated[str, "Part of the name, the city or the country", {"minLength": 2}],
    limit: Limit = 10,
) -> Rows:
    """Customers by name, city or country."""
    return host.query(
        r"""
        SELECT TOP (@limit) CustomerID, CompanyName, City, Country
        FROM dbo.Customers
        WHERE CompanyName LIKE @like ESCAPE '\' OR City LIKE @like ESCAPE '\'
           OR Country LIKE @like ESCAPE '\'
        ORDER BY CompanyName
        """,
        {"like": contains(text), "limit": limit})


@tools.tool(title="Orders of a customer")
def orders_of(
    host: Host,
    customer: Annotated[str, "Number of the customer, such as ADLEB"],
    limit: Limit = 10,
) -> Rows:
    """The newest orders of one customer."""
    return host.query(
        """
        SELECT TOP (@limit) OrderID, OrderDate, ShippedDate, ShipCountry, Freight
        FROM dbo.Orders WHERE CustomerID = @customer
        ORDER BY OrderDate DESC, OrderID DESC
        """,
        {"customer": customer, "limit": limit})


@dataclass
class OrderTotal:
    order: int
    lines: int
    products: Annotated[list[str], "What was ordered, dearest line first"]
    total: Annotated[Decimal, "After discounts, without freight"]


@tools.tool(title="Total of an order")
def order_total(host: Host, order: Annotated[int, "Number of the order"]) -> OrderTotal:
    """What an order comes to."""
    lines = host.query(
        """
        SELECT p.ProductName, d.UnitPrice, d.Quantity, d.Discount
        FROM dbo.[Order Details] d JOIN dbo.Products p ON p.ProductID = d.ProductID
        WHERE d.OrderID = @order
        """,
        {"order": order}).all()
    if not lines:
        raise Failed("not-found", f"There is no order {order}.", "orders_of lists orders.")
    # Decimals all the way: a float would lose cents.
    amounts = [(line["UnitPrice"] * line["Quantity"] * (1 - Decimal(str(line["Discount"]))),
                line["ProductName"]) for line in lines]
    amounts.sort(reverse=True)
    total = sum(amount for amount, _ in amounts)
    return OrderTotal(order, len(lines), [name for _, name in amounts],
                      total.quantize(Decimal("0.01")))
