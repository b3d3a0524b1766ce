//! The tables of the company: names and types have the shape of Northwind, and
//! in the schema `Sales` that of AdventureWorks.

pub(super) mod goods;
pub(super) mod people;
pub(super) mod sales;
pub(super) mod trade;
