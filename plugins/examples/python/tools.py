"""The sales desk: what people who sell ask of the sample company."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from mssql_mcp import Ask, Failed, Host, Rows, ToolSet

tools = ToolSet(
    "sales-desk", "1.0.0",
    description="Orders, revenue, discounts and contacts of a trading company.",
    instructions="Revenue is after discounts. Customers are known by a number of five letters.")

Customer = Annotated[str, "Number of the customer, such as ADLEB", {"pattern": "^[A-Za-z]{5}$"}]
Year = Annotated[int, "Calendar year of the order", {"minimum": 1900, "maximum": 2100}]


@tools.tool(title="Orders of a customer")
def orders_of(
    host: Host,
    customer: Customer,
    since: Annotated[date | None, "First day to look at"] = None,
    limit: Annotated[int, "How many orders", {"minimum": 1, "maximum": 100}] = 10,
) -> Rows:
    """The newest orders of one customer, with what each of them brought in."""
    return host.query(
        """
        SELECT TOP (@limit) OrderID, OrderDate, ShippedDate, ShipCountry, Freight, Revenue
        FROM dbo.Orders
        WHERE CustomerID = @customer AND (@since IS NULL OR OrderDate >= @since)
        ORDER BY OrderDate DESC, OrderID DESC
        """,
        {"customer": customer.upper(), "since": since, "limit": limit})


@dataclass
class Category:
    category: str
    orders: Annotated[int, "Orders with something of it"]
    revenue: Decimal


@dataclass
class YearlyRevenue:
    year: int
    categories: Annotated[list[Category], "Highest revenue first"]
    total: Decimal


@tools.tool(title="Revenue by category")
def revenue_by_category(host: Host, year: Year) -> YearlyRevenue:
    """Revenue of one year by product category. Figures may be some minutes old."""
    minutes = int(host.setting("cache_minutes") or 10)
    # The figures are the same for everybody in the scope, so that one reads for all.
    return host.cache.remember(
        f"revenue:{year}", minutes * 60_000, lambda: _revenue(host, year))


def _revenue(host: Host, year: int) -> YearlyRevenue:
    rows = host.query(
        """
        SELECT c.CategoryName, COUNT(DISTINCT d.OrderID) AS Orders,
               SUM(d.UnitPrice * d.Quantity * (1 - CAST(d.Discount AS decimal(4, 3)))) AS Revenue
        FROM dbo.Orders o
        JOIN dbo.[Order Details] d ON d.OrderID = o.OrderID
        JOIN dbo.Products p ON p.ProductID = d.ProductID
        JOIN dbo.Categories c ON c.CategoryID = p.CategoryID
        WHERE YEAR(o.OrderDate) = @year
        GROUP BY c.CategoryName
        ORDER BY Revenue DESC
        """,
        {"year": year})
    categories = [Category(row["CategoryName"], row["Orders"], _cents(row["Revenue"]))
                  for row in rows]
    if not categories:
        raise Failed("not-found", f"There are no orders of {year}.", "Try 1996, 1997 or 1998.")
    return YearlyRevenue(year, categories, sum(c.revenue for c in categories))


@dataclass
class Discounts:
    lines: Annotated[int, "Order lines looked at"]
    discounted: Annotated[int, "Lines with at least that discount"]
    given_away: Annotated[Decimal, "What their discounts cost"]
    worst_order: Annotated[int | None, "The order that lost most"]


@tools.tool(title="Audit of discounts")
def audit_discounts(
    host: Host,
    percent: Annotated[int, "Discounts from here up", {"minimum": 1, "maximum": 100}] = 10,
) -> Discounts:
    """Adds up what discounts cost, line by line over all orders. Takes a moment."""
    total = host.query("SELECT COUNT(*) FROM dbo.[Order Details]").value()
    lost: dict[int, Decimal] = {}
    lines = discounted = 0
    last = {"OrderID": 0, "ProductID": 0}
    while lines < total:
        # The scope caps the rows of one result: what it cuts off is the next page.
        page = host.query(LINES_AFTER, {"order": last["OrderID"], "product": last["ProductID"]},
                          partial=True)
        for batch in page.batches(500):
            for line in batch:
                # A real: its shortest form has the digits that were meant.
                discount = Decimal(str(line["Discount"]))
                if discount * 100 >= percent:
                    discounted += 1
                    amount = line["UnitPrice"] * line["Quantity"] * discount
                    lost[line["OrderID"]] = lost.get(line["OrderID"], Decimal(0)) + amount
            lines += len(batch)
            last = batch[-1]
            host.progress(lines, total, f"{lines} of {total} order lines")
        if page.truncated is None:
            break
    worst = max(lost, key=lambda order: (lost[order], -order), default=None)
    return Discounts(lines, discounted, _cents(sum(lost.values(), Decimal(0))), worst)


LINES_AFTER = """
    SELECT OrderID, ProductID, UnitPrice, Quantity, Discount FROM dbo.[Order Details]
    WHERE OrderID > @order OR (OrderID = @order AND ProductID > @product)
    ORDER BY OrderID, ProductID
    """


@dataclass
class Consent:
    really: Annotated[bool, "Show name and telephone number of this person", {"title": "Show"}]
    reason: Annotated[str, "Kept in the log", {"title": "Reason"}] = ""


@dataclass
class Contact:
    customer: str
    company: str
    name: str
    phone: str | None


@tools.tool(title="Contact of a customer")
def contact_of(host: Host, customer: Customer) -> Contact | Ask:
    """Who to call at a customer. Asks the person first, because these are personal data."""
    answer = host.answers().form("confirm", Consent)
    if answer is None:
        if not host.can_ask("elicitation"):
            raise Failed("unsupported", "This tool has a question, which your client cannot ask.",
                         "Use a client that can show forms.")
        return Ask().form(
            "confirm", f"Show who to call at {customer.upper()}? This is kept in the log.",
            Consent)
    if not (answer.accepted and answer.value.really):
        raise Failed("cancelled", "The person does not want this to be shown.",
                     "Go on without the contact.")
    row = host.query(
        """
        SELECT CustomerID, CompanyName, ContactName, Phone
        FROM dbo.Customers WHERE CustomerID = @customer
        """,
        {"customer": customer.upper()}).first()
    if row is None:
        raise Failed("not-found", f"There is no customer {customer.upper()}.",
                     "Look for its number in dbo.Customers.")
    who = host.whoami()
    host.log("contact shown", customer=row["CustomerID"], to=who.subject if who else "somebody",
             reason=answer.value.reason)
    return Contact(row["CustomerID"], row["CompanyName"], row["ContactName"], row["Phone"])


@tools.self_test
def can_see_its_tables(host: Host) -> None:
    """A scope whose policy hides one of them would only find out from a failed call."""
    for name in ("Orders", "[Order Details]", "Products", "Categories", "Customers"):
        host.resolve(f"dbo.{name}")


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
