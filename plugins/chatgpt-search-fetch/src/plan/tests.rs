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

/// Every fragment stands in one attempt of the first step.
fn answers(question: &str, fragments: &[&str]) {
    let attempts = attempts(question);
    let found = attempts
        .iter()
        .any(|attempt| fragments.iter().all(|fragment| attempt.sql.contains(fragment)));
    assert!(found, "{question} looks for {fragments:#?} with {attempts:#?}");
}

#[test]
fn dump() {
    for q in ALL_Q {
        println!("== {q}");
        for (n, step) in plan_of(q).steps.iter().take(2).enumerate() {
            for a in &step.attempts { println!("  {n} {} {:?}", a.sql, a.params.iter().map(|p| &p.1).collect::<Vec<_>>()); }
        }
    }
}
const ALL_Q: &[&str] = &[
"top 10 customers by revenue","10 mejores clientes por ingresos","orders shipped late to Berlin","pedidos retrasados a Londres",
"customers in Germany","clientes de Alemania","cheapest products","productos más caros","best selling products","productos más vendidos",
"how many orders in 1997","cuántos pedidos en marzo de 1997","sales by country","ventas por país","ventas por categoría","sales by employee in 1997",
"customers with most orders","empleados con más pedidos","low stock products","productos con pocas existencias","products of supplier Exotic Liquids",
"which customers bought Chai","latest orders","últimos pedidos de Alfreds","employees hired in 1993","order 10248","total sales in 1997","ingresos de marzo de 1997",
"orders by year","pedidos por año","Chai","Around the Horn","which supplier provides Tofu","customers","what tables have phone numbers","orders with highest freight","average price by category",
"top 5 suppliers by number of products","orders not shipped yet pending","productos descontinuados","orders shipped by Speedy Express", "proveedores de Japón", "mejores productos en Alemania", "productos de la categoría bebidas","5 most expensive products","which employee sold the most in 1997","who are our customers in México?","top 3 product categories by sales","orders placed by Davolio","peores productos por ventas","cuál es el cliente con mayor facturación", "how much did we sell in 1997","ventas mensuales","orders from customer ALFKI", "employees in London", "unidades vendidas por producto","what did Alfreds buy"];
