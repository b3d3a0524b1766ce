//! What the company sells and where it buys it.

use crate::sample::draft::{Draft, nvarchar};
use crate::value::SqlType::{Bit, Image, Int, Money, NText, SmallInt};

pub(in crate::sample) fn categories() -> Draft {
    Draft::table("dbo", "Categories", "Product categories")
        .identity("CategoryID", 1, "Number of the category")
        .required("CategoryName", nvarchar(15), "Name, unique")
        .optional("Description", NText, "What belongs to the category")
        .optional("Picture", Image, "Icon as a bitmap")
        .primary_key("CategoryID")
        .unique("CategoryName")
}

pub(in crate::sample) fn suppliers() -> Draft {
    Draft::table("dbo", "Suppliers", "Companies the products are bought from")
        .identity("SupplierID", 1, "Number of the supplier")
        .required("CompanyName", nvarchar(40), "Name of the supplier")
        .optional("ContactName", nvarchar(30), "Person to talk to")
        .optional("ContactTitle", nvarchar(30), "Position of the contact")
        .optional("Address", nvarchar(60), "")
        .optional("City", nvarchar(15), "")
        .optional(
            "Region",
            nvarchar(15),
            "State or province; NULL outside the Americas",
        )
        .optional("PostalCode", nvarchar(10), "")
        .optional("Country", nvarchar(15), "")
        .optional("Phone", nvarchar(24), "")
        .optional("Fax", nvarchar(24), "")
        .optional("HomePage", NText, "Web address")
        .primary_key("SupplierID")
        .index("CompanyName", "")
}

pub(in crate::sample) fn products() -> Draft {
    Draft::table("dbo", "Products", "Products with price and stock")
        .identity("ProductID", 1, "Number of the product")
        .required("ProductName", nvarchar(40), "Name of the product")
        .optional("SupplierID", Int, "Supplier it is bought from")
        .optional("CategoryID", Int, "Category it belongs to")
        .optional(
            "QuantityPerUnit",
            nvarchar(20),
            "How a unit is packed: 12 x 250 g",
        )
        .optional("UnitPrice", Money, "Price of one unit in US dollars")
        .default("((0))")
        .optional("UnitsInStock", SmallInt, "Units in the warehouse")
        .default("((0))")
        .optional(
            "UnitsOnOrder",
            SmallInt,
            "Units ordered from the supplier, not yet arrived",
        )
        .default("((0))")
        .optional(
            "ReorderLevel",
            SmallInt,
            "Order more once the stock falls below this",
        )
        .default("((0))")
        .required("Discontinued", Bit, "1 if the product is no longer sold")
        .default("((0))")
        .computed("Price", Money, "([UnitPrice])", "The same as UnitPrice")
        .primary_key("ProductID")
        .references("SupplierID", "dbo", "Suppliers")
        .references("CategoryID", "dbo", "Categories")
        .check("UnitPrice", "([UnitPrice]>=(0))")
        .check("UnitsInStock", "([UnitsInStock]>=(0))")
        .check("UnitsOnOrder", "([UnitsOnOrder]>=(0))")
        .check("ReorderLevel", "([ReorderLevel]>=(0))")
        .index("CategoryID, UnitPrice DESC", "ProductName, UnitsInStock")
        .index("ProductName", "")
}
