//! The sample company: a trader of fine food whose database has the shape of
//! Northwind, with every type, kind of key and kind of text that a client must
//! cope with.

mod all_types;
mod calendar;
mod draft;
mod random;
mod seed;
mod tables;
mod views;

#[cfg(test)]
pub(crate) mod tests;

use crate::schema::Database;

/// The database of the company, the same each time.
#[must_use]
pub fn company() -> Database {
    use tables::{goods, people, sales, trade};
    let mut random = random::Random::new(1996);
    let sellers = seed::people::sellers();
    let suppliers = seed::goods::suppliers(&mut random);
    let (products, offers) = seed::goods::products(&mut random);
    let (customers, buyers) = seed::trade::customers(&mut random);
    let trade = seed::trade::orders(&buyers, &offers, &sellers, &mut random);
    let (headers, details) = seed::sales::shop(&buyers, &offers, &sellers, &mut random);
    let returns = seed::sales::returns(&trade.shipped, &mut random);
    let pay = seed::people::sensitive_data(&mut random);
    let imports = seed::log::imports(&mut random);
    Database {
        name: "DemoDB".to_owned(),
        schemas: vec!["dbo".to_owned(), "Sales".to_owned()],
        tables: vec![
            people::departments().rows(seed::people::departments()),
            people::employees().rows(seed::people::employees()),
            people::regions().rows(seed::people::regions()),
            people::territories().rows(seed::people::territories()),
            people::employee_territories().rows(seed::people::employee_territories()),
            people::sensitive_data().rows(pay),
            goods::categories().rows(seed::goods::categories()),
            goods::suppliers().rows(suppliers),
            goods::products().rows(products),
            trade::customers().rows(customers),
            trade::shippers().rows(seed::trade::shippers()),
            trade::orders().rows(trade.orders),
            trade::order_details().rows(trade.lines),
            trade::import_log().rows(imports),
            sales::sales_order_header().rows(headers),
            sales::sales_order_detail().rows(details),
            sales::returns().rows(returns),
            sales::campaigns().rows(seed::sales::campaigns()),
            all_types::table(),
        ],
        views: views::all(),
        policies: Vec::new(),
    }
}
