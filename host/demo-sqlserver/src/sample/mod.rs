//! The sample company: a trader of fine food whose database has the shape of
//! Northwind, with every type, kind of key and kind of text that a client must
//! cope with.

mod all_types;
mod calendar;
mod draft;
mod tables;
mod views;

use crate::schema::Database;

/// The database of the company, the same each time.
#[must_use]
pub fn company() -> Database {
    use tables::{goods, people, sales, trade};
    Database {
        name: "DemoDB".to_owned(),
        schemas: vec!["dbo".to_owned(), "Sales".to_owned()],
        tables: vec![
            people::departments().rows(vec![]),
            people::employees().rows(vec![]),
            people::regions().rows(vec![]),
            people::territories().rows(vec![]),
            people::employee_territories().rows(vec![]),
            people::sensitive_data().rows(vec![]),
            goods::categories().rows(vec![]),
            goods::suppliers().rows(vec![]),
            goods::products().rows(vec![]),
            trade::customers().rows(vec![]),
            trade::shippers().rows(vec![]),
            trade::orders().rows(vec![]),
            trade::order_details().rows(vec![]),
            trade::import_log().rows(vec![]),
            sales::sales_order_header().rows(vec![]),
            sales::sales_order_detail().rows(vec![]),
            sales::returns().rows(vec![]),
            sales::campaigns().rows(vec![]),
            all_types::table(),
        ],
        views: views::all(),
    }
}
