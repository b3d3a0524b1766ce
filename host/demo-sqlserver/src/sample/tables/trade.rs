//! Customers, their orders from 1996 to 1998 and who carries them, and the log
//! of the nightly imports.

use crate::sample::draft::{Draft, nvarchar, varchar};
use crate::value::Length;
use crate::value::SqlType::{
    Bit, DateTime, DateTime2, Int, Money, NChar, NVarChar, Real, SmallInt,
};

pub(in crate::sample) fn customers() -> Draft {
    Draft::table("dbo", "Customers", "Companies that buy from us")
        .required("CustomerID", NChar(5), "Five letters taken from the name")
        .required("CompanyName", nvarchar(40), "Name of the customer")
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
        .primary_key("CustomerID")
        .index("Country, City", "CompanyName")
        .index("CompanyName", "")
}

pub(in crate::sample) fn shippers() -> Draft {
    Draft::table("dbo", "Shippers", "Carriers of the orders")
        .identity("ShipperID", 1, "Number of the carrier")
        .required("CompanyName", nvarchar(40), "Name of the carrier")
        .optional("Phone", nvarchar(24), "")
        .primary_key("ShipperID")
}

pub(in crate::sample) fn orders() -> Draft {
    Draft::table(
        "dbo",
        "Orders",
        "Orders; late where ShippedDate is after RequiredDate, open where it is NULL",
    )
    .identity("OrderID", 10248, "Number of the order")
    .optional("CustomerID", NChar(5), "Customer who ordered")
    .optional("EmployeeID", Int, "Employee who took the order")
    .optional("OrderDate", DateTime, "Day of the order")
    .optional("RequiredDate", DateTime, "Day the customer wants it by")
    .optional(
        "ShippedDate",
        DateTime,
        "Day it left; NULL while it has not",
    )
    .optional("ShipVia", Int, "Carrier")
    .optional("Freight", Money, "Cost of carriage in US dollars")
    .default("((0))")
    .optional("ShipName", nvarchar(40), "Name on the parcel")
    .optional("ShipAddress", nvarchar(60), "")
    .optional("ShipCity", nvarchar(15), "")
    .optional(
        "ShipRegion",
        nvarchar(15),
        "State or province; NULL outside the Americas",
    )
    .optional("ShipPostalCode", nvarchar(10), "")
    .optional("ShipCountry", nvarchar(15), "")
    .required(
        "Revenue",
        Money,
        "Value of the lines after discount, in US dollars, without freight",
    )
    .default("((0))")
    .primary_key("OrderID")
    .references("CustomerID", "dbo", "Customers")
    .references("EmployeeID", "dbo", "Employees")
    .foreign_key("ShipVia", "dbo", "Shippers", "ShipperID")
    .check("RequiredDate", "([RequiredDate]>=[OrderDate])")
    .index("CustomerID, OrderDate DESC", "ShippedDate, Freight")
    .index("OrderDate", "")
    .index("ShipCountry, ShipCity", "")
}

pub(in crate::sample) fn order_details() -> Draft {
    Draft::table("dbo", "Order Details", "The lines of the orders")
        .required("OrderID", Int, "Order the line belongs to")
        .required("ProductID", Int, "Product ordered")
        .required("UnitPrice", Money, "Price of one unit when it was ordered")
        .default("((0))")
        .required("Quantity", SmallInt, "Units ordered")
        .default("((1))")
        .required("Discount", Real, "Discount as a fraction: 0.15 is 15 %")
        .default("((0))")
        .primary_key("OrderID, ProductID")
        .references("OrderID", "dbo", "Orders")
        .references("ProductID", "dbo", "Products")
        .check("UnitPrice", "([UnitPrice]>=(0))")
        .check("Quantity", "([Quantity]>(0))")
        .check("Discount", "([Discount]>=(0) AND [Discount]<=(1))")
        .index("ProductID", "Quantity")
}

pub(in crate::sample) fn import_log() -> Draft {
    Draft::table(
        "dbo",
        "ImportLog",
        "Runs of the nightly imports, in the order they were written",
    )
    .required("LoggedAt", DateTime2(7), "When the run ended, UTC")
    .default("(sysutcdatetime())")
    .required("Source", varchar(40), "File or system read")
    .required("RowsRead", Int, "Rows taken over")
    .required("Succeeded", Bit, "0 if the run failed")
    .optional(
        "Message",
        NVarChar(Length::Max),
        "What went wrong, or a remark",
    )
    .index("LoggedAt DESC", "Source, Succeeded")
}
