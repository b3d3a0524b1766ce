//! The schema `Sales`: web shop, returns and campaigns.

use crate::sample::draft::{Draft, nvarchar, varchar};
use crate::value::SqlType::{
    Bit, Date, DateTime, DateTimeOffset, Decimal, Int, Money, NChar, SmallInt, TinyInt,
    UniqueIdentifier,
};

pub(in crate::sample) fn sales_order_header() -> Draft {
    Draft::table("Sales", "SalesOrderHeader", "Orders of the web shop")
        .identity("SalesOrderID", 43659, "Number of the order")
        .required("OrderDate", DateTime, "Day of the order")
        .default("(getdate())")
        .required("DueDate", DateTime, "Day it is promised for")
        .optional("ShipDate", DateTime, "Day it left; NULL while it has not")
        .required(
            "Status",
            TinyInt,
            "1 in process, 2 approved, 3 backordered, 4 rejected, 5 shipped, 6 cancelled",
        )
        .default("((1))")
        .required(
            "OnlineOrderFlag",
            Bit,
            "0 if taken by an employee, 1 if ordered online",
        )
        .default("((1))")
        .required(
            "SalesOrderNumber",
            nvarchar(25),
            "Number as the customer sees it",
        )
        .required("CustomerID", NChar(5), "Customer who ordered")
        .optional(
            "SalesPersonID",
            Int,
            "Employee who took the order; NULL if ordered online",
        )
        .required("SubTotal", Money, "Sum of the lines")
        .default("((0.00))")
        .required("TaxAmt", Money, "Tax")
        .default("((0.00))")
        .required("Freight", Money, "Cost of carriage")
        .default("((0.00))")
        .computed(
            "TotalDue",
            Money,
            "(isnull(([SubTotal]+[TaxAmt])+[Freight],(0)))",
            "What the customer pays: SubTotal + TaxAmt + Freight",
        )
        .required("rowguid", UniqueIdentifier, "")
        .default("(newid())")
        .required("ModifiedDate", DateTime, "")
        .default("(getdate())")
        .primary_key("SalesOrderID")
        .unique("SalesOrderNumber")
        .references("CustomerID", "dbo", "Customers")
        .foreign_key("SalesPersonID", "dbo", "Employees", "EmployeeID")
        .check("Status", "([Status]>=(0) AND [Status]<=(8))")
        .check("DueDate", "([DueDate]>=[OrderDate])")
        .check("Freight", "([Freight]>=(0.00))")
        .index("CustomerID", "SubTotal, TaxAmt, Freight")
}

pub(in crate::sample) fn sales_order_detail() -> Draft {
    Draft::table(
        "Sales",
        "SalesOrderDetail",
        "The lines of the web shop's orders",
    )
    .required("SalesOrderID", Int, "Order the line belongs to")
    .identity("SalesOrderDetailID", 1, "Number of the line")
    .optional(
        "CarrierTrackingNumber",
        nvarchar(25),
        "Number of the parcel",
    )
    .required("OrderQty", SmallInt, "Units ordered")
    .required("ProductID", Int, "Product ordered")
    .required("UnitPrice", Money, "Price of one unit")
    .required("UnitPriceDiscount", Money, "Discount as a fraction")
    .default("((0.0))")
    .computed(
        "LineTotal",
        Decimal {
            precision: 38,
            scale: 6,
        },
        "(isnull(([UnitPrice]*((1.0)-[UnitPriceDiscount]))*[OrderQty],(0.0)))",
        "Value of the line after discount",
    )
    .required("rowguid", UniqueIdentifier, "")
    .default("(newid())")
    .required("ModifiedDate", DateTime, "")
    .default("(getdate())")
    .primary_key("SalesOrderID, SalesOrderDetailID")
    .references("SalesOrderID", "Sales", "SalesOrderHeader")
    .references("ProductID", "dbo", "Products")
    .check("OrderQty", "([OrderQty]>(0))")
    .check("UnitPrice", "([UnitPrice]>=(0.00))")
    .check("UnitPriceDiscount", "([UnitPriceDiscount]>=(0.00))")
    .index("ProductID", "")
}

pub(in crate::sample) fn returns() -> Draft {
    Draft::table("Sales", "Returns", "Goods that customers sent back")
        .identity("ReturnID", 1, "Number of the return")
        .required("OrderID", Int, "Order the goods came from")
        .required("ProductID", Int, "Product returned")
        .required("ReturnedOn", Date, "Day the goods arrived")
        .required("Quantity", SmallInt, "Units returned")
        .required(
            "Reason",
            varchar(20),
            "damaged, late, wrong item or not wanted",
        )
        .optional("Comment", nvarchar(200), "Words of the customer")
        .primary_key("ReturnID")
        .unique("OrderID, ProductID")
        .references("OrderID, ProductID", "dbo", "Order Details")
        .check("Quantity", "([Quantity]>(0))")
        .index("ReturnedOn DESC", "Reason")
}

pub(in crate::sample) fn campaigns() -> Draft {
    Draft::table(
        "Sales",
        "Campañas",
        "Campañas de publicidad en España y Latinoamérica",
    )
    .identity("CampañaID", 1, "Número de la campaña")
    .required("Nombre", nvarchar(60), "Nombre de la campaña")
    .required("Año", SmallInt, "Año en que se publicó")
    .required(
        "Presupuesto",
        Decimal {
            precision: 12,
            scale: 2,
        },
        "Presupuesto en euros",
    )
    .required(
        "InicioEn",
        DateTimeOffset(0),
        "Comienzo, con la hora local del país",
    )
    .required("CategoryID", Int, "Categoría anunciada")
    .optional("Mensaje", nvarchar(200), "Texto del anuncio")
    .primary_key("CampañaID")
    .unique("Nombre, Año")
    .references("CategoryID", "dbo", "Categories")
}
