// Tools of an order desk: rows handed through, a summary that is kept, progress over
// batches, and a question before personal data is given out.

import { ask, fail, form, json, param, rows, toolSet, wrongArgument } from "../../sdk/javascript/mssql-mcp.js";

const DAY = { type: "string", format: "date", pattern: "^\\d{4}-\\d{2}-\\d{2}$" };
const YEAR = { type: "integer", minimum: 1996, maximum: 1998, description: "Year of the order." };
const MINUTES = 60_000;
const BATCH = 50;

export default toolSet({
  name: "order-desk",
  version: "1.0.0",
  description: "What an order desk looks up every day.",
  instructions:
    "orders_between lists orders, sales_by_country sums them up, delivery_times says how long they took, " +
    "contacts_in whom to call.",
  tools: {
    orders_between: {
      title: "Orders between two days",
      description: "Orders of a period, both days included, the newest first; of one country, if it is given.",
      input: {
        from: { ...DAY, description: "First day, such as 1998-04-01." },
        to: { ...DAY, description: "Last day." },
        country: { type: "string", optional: true, description: "Country it was shipped to, such as Germany." },
        least_freight: {
          type: "string",
          pattern: "^\\d{1,15}(\\.\\d{1,4})?$",
          default: "0",
          description: "Leaves out cheaper freight: US dollars.",
        },
      },
      output: "rows",
      call({ from, to, country, least_freight }, host) {
        if (from > to) wrongArgument("to", `it lies before ${from}`);
        const sql = `SELECT OrderID, CustomerID, OrderDate, ShippedDate, ShipCity, ShipCountry, Freight
          FROM dbo.Orders
          WHERE OrderDate >= @from AND OrderDate < DATEADD(day, 1, @to) AND Freight >= @freight
            AND (@country IS NULL OR ShipCountry = @country)
          ORDER BY OrderDate DESC, OrderID DESC`;
        // Money compared with a float would not be exact; an index wants the column's own type.
        const params = { from: param.date(from), to: param.date(to), freight: param.decimal(least_freight, "money") };
        return rows(host.query(sql, { ...params, country: country ?? param.null("nvarchar(15)") }));
      },
    },

    sales_by_country: {
      title: "Sales by country",
      description:
        "Orders and revenue of a year by country, the best first, with each one's share. At most ten minutes old.",
      input: { year: YEAR },
      output: {
        year: { type: "integer" },
        orders: { type: "integer" },
        revenue: { type: "string", description: "In US dollars, with exact digits." },
        countries: {
          type: "array",
          items: {
            type: "object",
            properties: {
              country: { type: "string" },
              orders: { type: "integer" },
              revenue: { type: "string" },
              share: { type: "number", description: "Part of all revenue, in percent." },
            },
            required: ["country", "orders", "revenue", "share"],
          },
        },
        computed: { type: "string", description: "When, in UTC." },
      },
      call({ year }, host) {
        // Everybody in the scope sees the same orders, so they may share the answer. What
        // depends on the person belongs into `host.personal`.
        return json(host.shared.remember(`sales ${year}`, 10 * MINUTES, () => salesByCountry(host, year)));
      },
    },

    delivery_times: {
      title: "Delivery times",
      description:
        "How many days the orders of a quarter took from order to shipping: median, nine in ten, and the slowest.",
      input: { year: YEAR, quarter: { type: "integer", minimum: 1, maximum: 4 } },
      output: {
        orders: { type: "integer" },
        not_shipped: { type: "integer" },
        median_days: { type: ["integer", "null"] },
        nine_in_ten_days: { type: ["integer", "null"], description: "Nine of ten orders took no longer." },
        slowest: {
          type: "array",
          items: {
            type: "object",
            properties: { order: { type: "integer" }, days: { type: "integer" } },
            required: ["order", "days"],
          },
        },
        complete: { type: "boolean", description: "False if the scope's limits left orders out." },
      },
      call: deliveryTimes,
    },

    contacts_in: {
      title: "Contacts in a country",
      description:
        "Names and phone numbers of the customers in a country. The person is asked first what they are for.",
      input: { country: { type: "string", description: "Such as Germany." } },
      output: "rows",
      call: contactsIn,
    },
  },

  selfTest(host) {
    host.resolve("dbo.Orders");
    host.resolve("dbo.Customers");
  },
});

function salesByCountry(host, year) {
  const sql = `SELECT ISNULL(ShipCountry, 'unknown') AS country, COUNT(*) AS orders,
      CAST(SUM(Revenue) AS decimal(19, 2)) AS revenue,
      CAST(100 * SUM(Revenue) / SUM(SUM(Revenue)) OVER () AS decimal(5, 1)) AS share,
      SUM(COUNT(*)) OVER () AS all_orders, CAST(SUM(SUM(Revenue)) OVER () AS decimal(19, 2)) AS all_revenue
    FROM dbo.Orders WHERE YEAR(OrderDate) = @year
    GROUP BY ISNULL(ShipCountry, 'unknown') ORDER BY SUM(Revenue) DESC`;
  const found = host.query(sql, { year }).all();
  const [{ all_orders: orders, all_revenue: revenue } = { all_orders: 0, all_revenue: "0.00" }] = found;
  return {
    year,
    orders,
    revenue,
    countries: found.map(({ country, orders, revenue, share }) => ({ country, orders, revenue, share: Number(share) })),
    computed: new Date().toISOString(),
  };
}

function deliveryTimes({ year, quarter }, host) {
  const period = { first: param.date(`${year}-${String(3 * quarter - 2).padStart(2, "0")}-01`) };
  const within = "FROM dbo.Orders WHERE OrderDate >= @first AND OrderDate < DATEADD(month, 3, @first)";
  const { orders: total } = host.query(`SELECT COUNT(*) AS orders ${within}`, period).first();
  const found = host.query(`SELECT OrderID, OrderDate, ShippedDate ${within} ORDER BY OrderID`, period);

  let orders = 0;
  const shipped = [];
  for (const batch of found.batches(BATCH)) {
    for (const { OrderID, OrderDate, ShippedDate } of batch) {
      if (ShippedDate !== null) shipped.push({ order: OrderID, days: daysBetween(OrderDate, ShippedDate) });
    }
    orders += batch.length;
    host.progress(orders, total, `${orders} of ${total} orders`);
  }

  shipped.sort((a, b) => a.days - b.days || a.order - b.order);
  const days = (part) => shipped[Math.ceil(shipped.length * part) - 1]?.days ?? null;
  return json({
    orders,
    not_shipped: orders - shipped.length,
    median_days: days(0.5),
    nine_in_ten_days: days(0.9),
    slowest: shipped.slice(-3).reverse(),
    complete: found.truncated === undefined,
  });
}

function daysBetween(earlier, later) {
  const day = (text) => Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 86_400_000;
  return day(later) - day(earlier);
}

function contactsIn({ country }, host) {
  // The repeat of the call need not count again: the question carried the number.
  const count =
    host.state()?.count ??
    host.query("SELECT COUNT(*) AS n FROM dbo.Customers WHERE Country = @country", { country }).first().n;
  if (count === 0) fail("not-found", `There are no customers in ${country}.`, "Countries are written in English.");
  const most = Number(host.setting("most_contacts") ?? 50);
  if (count > most) fail("unsupported", `${count} contacts are more than the ${most} that may be given out at once.`);

  const purpose = form(`Give out names and phone numbers of ${count} customers in ${country}?`, {
    purpose: { type: "string", title: "What for", enum: ["an order", "a complaint", "a visit"] },
    note: { type: "string", title: "Remark", maxLength: 200, optional: true },
  });
  const answer = host.answer("purpose", purpose);
  if (!answer) return ask({ purpose }, { count });
  if (answer.action !== "accept") fail("cancelled", "The person did not want the contacts to be given out.");

  host.log.info("contacts given out", { country, count, ...answer.content });
  const sql = `SELECT CustomerID, CompanyName, ContactName, ContactTitle, City, Phone
    FROM dbo.Customers WHERE Country = @country ORDER BY CompanyName`;
  return rows(host.query(sql, { country }));
}
