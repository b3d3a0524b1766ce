//! Questions in both languages and the statement that must come first.

use super::*;
use crate::catalogue::Catalogue;
use crate::fixture::host;

fn plan_of(question: &str) -> Plan {
    let catalogue = Catalogue::read(&host()).unwrap();
    plan(&Question::parse(question), &catalogue, 50)
}

/// The attempts of the first step.
fn attempts(question: &str) -> Vec<Statement> {
    let mut plan = plan_of(question);
    assert!(!plan.steps.is_empty(), "{question} has no plan");
    plan.steps.remove(0).attempts
}

fn first(question: &str) -> String {
    attempts(question).remove(0).sql
}

/// The first statement has every fragment, for each way to ask.
fn asks(questions: &[&str], fragments: &[&str]) {
    for question in questions {
        let sql = first(question);
        for fragment in fragments {
            assert!(
                sql.contains(fragment),
                "{question}\n{sql}\nlacks {fragment}"
            );
        }
    }
}

/// One of the attempts has every fragment and looks for the value.
fn finds(questions: &[&str], fragments: &[&str], value: &str) {
    for question in questions {
        let attempts = attempts(question);
        let found = attempts.iter().any(|attempt| {
            fragments
                .iter()
                .all(|fragment| attempt.sql.contains(fragment))
                && attempt
                    .params
                    .iter()
                    .any(|(_, text)| text.eq_ignore_ascii_case(value))
        });
        assert!(
            found,
            "{question}: {fragments:?} {value} in none of {attempts:#?}"
        );
    }
}

#[test]
fn the_best_customers_are_those_whose_order_lines_bring_the_most() {
    let questions = [
        "top 10 customers by revenue",
        "10 mejores clientes por ingresos",
        "the ten best customers",
        "los 10 clientes con mayor facturación",
    ];
    for question in questions {
        assert_eq!(
            first(question),
            "SELECT TOP (10) t1.[CustomerID], t1.[CompanyName], \
             SUM(CAST(t4.[UnitPrice] AS decimal(19,4)) * t4.[Quantity]) AS [Revenue] \
             FROM [dbo].[Order Details] AS t4 \
             JOIN [dbo].[Orders] AS t5 ON t5.[OrderID] = t4.[OrderID] \
             JOIN [dbo].[Customers] AS t1 ON t1.[CustomerID] = t5.[CustomerID] \
             GROUP BY t1.[CustomerID], t1.[CompanyName] ORDER BY [Revenue] DESC",
            "{question}"
        );
    }
}

#[test]
fn late_is_shipped_after_it_was_required() {
    let late = "t5.[ShippedDate] > t5.[RequiredDate]";
    asks(
        &[
            "orders shipped late",
            "pedidos retrasados",
            "overdue orders",
        ],
        &["FROM [dbo].[Orders] AS t5", late],
    );
    finds(
        &[
            "orders shipped late to Berlin",
            "pedidos enviados tarde a Berlín",
        ],
        &[
            late,
            "t5.[ShipCity] COLLATE Latin1_General_100_CI_AI LIKE @w",
        ],
        "%berlin%",
    );
}

#[test]
fn pending_is_not_shipped() {
    asks(
        &[
            "pending orders",
            "orders not shipped yet",
            "pedidos sin enviar",
        ],
        &["FROM [dbo].[Orders]", "WHERE t5.[ShippedDate] IS NULL"],
    );
}

#[test]
fn best_sellers_are_counted_in_units_and_sellers_in_money() {
    asks(
        &[
            "best-selling products",
            "5 productos más vendidos",
            "units sold by product",
        ],
        &[
            "SUM(t4.[Quantity]) AS [Quantity]",
            "GROUP BY t6.[ProductID]",
        ],
    );
    asks(
        &[
            "which employee sold the most in 1997",
            "qué empleado vendió más en 1997",
        ],
        &[
            "AS [Revenue]",
            "GROUP BY t2.[EmployeeID]",
            "YEAR(t5.[OrderDate]) = 1997",
        ],
    );
}

#[test]
fn the_worst_come_in_the_other_order() {
    let sql = first("peores productos por ventas");
    assert!(sql.ends_with("ORDER BY [Revenue]"), "{sql}");
}

#[test]
fn a_measure_by_a_table_is_of_that_table() {
    asks(
        &[
            "sales by category",
            "ventas por categoría",
            "top 3 product categories by sales",
        ],
        &[
            "AS [Revenue]",
            "GROUP BY t0.[CategoryID], t0.[CategoryName]",
        ],
    );
    asks(
        &["sales by employee in 1997", "ventas por empleado en 1997"],
        &[
            "GROUP BY t2.[EmployeeID], t2.[FirstName], t2.[LastName]",
            "= 1997",
        ],
    );
    asks(
        &["average price by category", "precio promedio por categoría"],
        &["AVG(t6.[UnitPrice])", "GROUP BY t0.[CategoryID]"],
    );
}

#[test]
fn a_measure_by_a_column_or_a_time_is_grouped() {
    asks(
        &["sales by country", "ventas por país"],
        &[
            "t1.[Country], SUM(",
            "GROUP BY t1.[Country] ORDER BY [Revenue] DESC",
        ],
    );
    asks(
        &["orders by year", "pedidos por año"],
        &["COUNT(*) AS [Count]", "GROUP BY YEAR(t5.[OrderDate])"],
    );
    asks(
        &["monthly sales", "ventas mensuales"],
        &[
            "AS [Revenue]",
            "GROUP BY YEAR(t5.[OrderDate]), MONTH(t5.[OrderDate])",
        ],
    );
}

#[test]
fn most_of_something_counts_its_rows() {
    asks(
        &[
            "customers with most orders",
            "clientes con más pedidos",
            "customers by number of orders",
        ],
        &[
            "COUNT(*) AS [Count]",
            "GROUP BY t1.[CustomerID]",
            "ORDER BY [Count] DESC",
        ],
    );
}

#[test]
fn how_many_is_a_count_in_its_period() {
    asks(
        &["how many orders in 1997", "cuántos pedidos hubo en 1997"],
        &[
            "SELECT COUNT(*) AS [Count] FROM [dbo].[Orders]",
            "YEAR(t5.[OrderDate]) = 1997",
        ],
    );
    asks(
        &[
            "number of orders in March 1997",
            "cuántos pedidos en marzo de 1997",
        ],
        &["YEAR(t5.[OrderDate]) = 1997 AND MONTH(t5.[OrderDate]) = 3"],
    );
    assert!(matches!(
        attempts("how many orders")[0].gives,
        Gives::Aggregate
    ));
}

#[test]
fn a_total_is_one_row() {
    asks(
        &[
            "total sales in 1997",
            "ingresos totales de 1997",
            "how much did we sell in 1997",
        ],
        &[
            "SELECT SUM(CAST(t4.[UnitPrice]",
            "YEAR(t5.[OrderDate]) = 1997",
        ],
    );
}

#[test]
fn cheap_and_expensive_order_by_price() {
    asks(
        &["cheapest products", "productos más baratos"],
        &["SELECT TOP (50) t6.*", "ORDER BY t6.[UnitPrice]"],
    );
    asks(
        &["5 most expensive products", "los 5 productos más caros"],
        &["SELECT TOP (5) t6.*", "ORDER BY t6.[UnitPrice] DESC"],
    );
    asks(
        &["orders with highest freight"],
        &["ORDER BY t5.[Freight] DESC"],
    );
}

#[test]
fn short_of_stock_is_at_the_level_of_reordering() {
    asks(
        &["products low in stock", "productos con pocas existencias"],
        &["t6.[UnitsInStock] <= t6.[ReorderLevel] ORDER BY t6.[UnitsInStock]"],
    );
    asks(
        &["discontinued products", "productos descatalogados"],
        &["t6.[Discontinued] = 1"],
    );
}

#[test]
fn newest_first_and_by_the_date_that_is_meant() {
    asks(
        &["latest orders", "últimos pedidos"],
        &["FROM [dbo].[Orders] AS t5 ORDER BY t5.[OrderDate] DESC"],
    );
    asks(
        &["employees hired in 1993", "empleados contratados en 1993"],
        &["FROM [dbo].[Employees]", "YEAR(t2.[HireDate]) = 1993"],
    );
}

#[test]
fn a_place_is_looked_for_as_the_data_may_write_it() {
    finds(
        &["customers in Germany", "clientes de Alemania"],
        &[
            "FROM [dbo].[Customers]",
            "t1.[Country] COLLATE Latin1_General_100_CI_AI LIKE",
        ],
        "%Germany%",
    );
    finds(
        &["clientes del Reino Unido"],
        &["t1.[Country] COLLATE Latin1_General_100_CI_AI LIKE"],
        "%UK%",
    );
    finds(
        &["customers in México"],
        &["t1.[Country] COLLATE Latin1_General_100_CI_AI LIKE"],
        "%mexico%",
    );
    finds(
        &["best products in Germany", "mejores productos en Alemania"],
        &[
            "t5.[ShipCountry] COLLATE Latin1_General_100_CI_AI LIKE",
            "GROUP BY t6.[ProductID]",
        ],
        "%Germany%",
    );
}

#[test]
fn a_name_is_looked_for_in_the_table_it_belongs_to() {
    finds(
        &[
            "products of supplier \"Exotic Liquids\"",
            "productos del proveedor \"Exotic Liquids\"",
        ],
        &[
            "FROM [dbo].[Products]",
            "t9.[CompanyName] COLLATE Latin1_General_100_CI_AI LIKE",
        ],
        "%Exotic Liquids%",
    );
    finds(
        &["orders placed by Davolio", "pedidos de Davolio"],
        &[
            "FROM [dbo].[Orders]",
            "t2.[LastName] COLLATE Latin1_General_100_CI_AI LIKE",
        ],
        "%Davolio%",
    );
    finds(
        &["bebidas", "products in category Beverages"],
        &["t0.[CategoryName] COLLATE Latin1_General_100_CI_AI LIKE"],
        "%beverages%",
    );
}

#[test]
fn beside_a_name_an_unknown_word_in_small_letters_is_no_value() {
    let attempts = attempts("gimme customers whatsoever in Berlin");
    assert_eq!(
        attempts[0].params,
        [("w0".to_owned(), "%Berlin%".to_owned())]
    );
}

#[test]
fn who_bought_what_goes_through_the_order_lines() {
    finds(
        &["which customers bought Chai", "qué clientes compraron Chai"],
        &[
            "SELECT DISTINCT TOP (50) t1.[CustomerID]",
            "t6.[ProductName] COLLATE Latin1_General_100_CI_AI LIKE",
        ],
        "%Chai%",
    );
    finds(
        &["which supplier provides Tofu", "proveedor de Tofu"],
        &[
            "t9.[SupplierID]",
            "t6.[ProductName] COLLATE Latin1_General_100_CI_AI LIKE",
        ],
        "%Tofu%",
    );
}

#[test]
fn a_number_is_the_key() {
    asks(
        &["order 10248", "pedido 10248"],
        &["WHERE t5.[OrderID] = 10248"],
    );
}

#[test]
fn words_without_a_table_are_looked_for_everywhere_once() {
    let plan = plan_of("Around the Horn");
    let statements: Vec<_> = plan.steps.iter().flat_map(|step| &step.attempts).collect();
    assert!(
        statements
            .iter()
            .any(|statement| statement.sql.contains("FROM [dbo].[Customers]"))
    );
    let any = statements
        .iter()
        .position(|statement| statement.sql.contains(") OR (t"))
        .unwrap();
    let all = statements
        .iter()
        .rposition(|statement| statement.sql.contains(") AND (t"))
        .unwrap();
    assert!(all < any, "all the words come before any of them");
}

#[test]
fn a_question_about_tables_names_them() {
    let catalogue = Catalogue::read(&host()).unwrap();
    for question in [
        "what tables have phone numbers",
        "qué tablas tienen teléfono",
    ] {
        let plan = plan_of(question);
        assert!(plan.about_tables, "{question}");
        let names: Vec<_> = plan
            .tables
            .iter()
            .map(|&table| catalogue.tables[table].name.name.as_str())
            .collect();
        assert_eq!(names, ["Customers", "Shippers"], "{question}");
    }
}

#[test]
fn no_word_of_a_question_becomes_part_of_a_statement() {
    for question in [
        "customers named \"x'); DROP TABLE y--\"",
        "orders to ]; DELETE FROM z",
        "sales by country in O'Higgins",
    ] {
        for step in plan_of(question).steps {
            for statement in step.attempts {
                assert!(!statement.sql.contains(';'), "{}", statement.sql);
                for word in ["DROP", "DELETE", "Higgins", "--"] {
                    assert!(!statement.sql.contains(word), "{}", statement.sql);
                }
            }
        }
    }
}

#[test]
fn what_there_is_none_of_is_looked_for_by_its_absence() {
    asks(
        &["customers without orders", "clientes sin pedidos"],
        &[
            "FROM [dbo].[Customers] AS t1",
            "NOT EXISTS (SELECT 1 FROM [dbo].[Orders] AS t5 WHERE t5.[CustomerID] = t1.[CustomerID])",
        ],
    );
    asks(
        &["customers without orders in 1997"],
        &["= t1.[CustomerID] AND YEAR(t5.[OrderDate]) = 1997)"],
    );
    asks(
        &[
            "products out of stock",
            "productos sin existencias",
            "productos agotados",
        ],
        &["FROM [dbo].[Products] AS t6 WHERE t6.[UnitsInStock] <= 0"],
    );
}

#[test]
fn a_threshold_is_compared_with_the_number_that_is_meant() {
    asks(
        &["products priced under 10", "productos de menos de 10 euros"],
        &["WHERE t6.[UnitPrice] < 10 ORDER BY t6.[UnitPrice]"],
    );
    asks(
        &[
            "orders with freight over 500",
            "pedidos con flete superior a 500",
        ],
        &["WHERE t5.[Freight] > 500 ORDER BY t5.[Freight] DESC"],
    );
    asks(
        &[
            "customers with more than 30 orders",
            "clientes con más de 30 pedidos",
        ],
        &[
            "FROM [dbo].[Orders] AS t5 JOIN [dbo].[Customers] AS t1",
            "HAVING COUNT(*) > 30",
        ],
    );
}

#[test]
fn the_largest_orders_bring_the_most_and_have_not_the_most_lines() {
    asks(
        &["largest orders", "pedidos más grandes"],
        &["SUM(CAST(t4.[UnitPrice] AS decimal(19,4)) * t4.[Quantity]) AS [Revenue]"],
    );
}

#[test]
fn the_most_recent_are_in_order_of_time() {
    asks(
        &["most recent orders", "los pedidos más recientes"],
        &["ORDER BY t5.[OrderDate] DESC"],
    );
    asks(
        &["empleados más antiguos", "oldest employees"],
        &["ORDER BY t2.[HireDate]"],
    );
}

#[test]
fn days_and_quarters_bound_the_rows() {
    asks(
        &["orders between 1997-01-01 and 1997-01-31"],
        &["t5.[OrderDate] >= '19970101' AND t5.[OrderDate] < DATEADD(day, 1, '19970131')"],
    );
    asks(
        &[
            "orders in the first quarter of 1997",
            "pedidos del primer trimestre de 1997",
        ],
        &["YEAR(t5.[OrderDate]) = 1997 AND DATEPART(quarter, t5.[OrderDate]) = 1"],
    );
}

#[test]
fn an_endless_word_is_not_looked_for() {
    let plan = plan_of(&"x".repeat(10_000));
    assert!(plan.steps.is_empty());
}
