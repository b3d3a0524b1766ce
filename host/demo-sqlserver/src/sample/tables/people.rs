//! Who works for the company, and where.

use crate::sample::draft::{Draft, nvarchar, varchar};
use crate::value::SqlType::{DateTime, Image, Int, Money, NChar, NText};

pub(in crate::sample) fn departments() -> Draft {
    Draft::table("dbo", "Departments", "Departments of the company")
        .identity("DepartmentID", 1, "Number of the department")
        .required("DepartmentName", nvarchar(40), "Name, unique")
        .optional("Budget", Money, "Yearly budget in US dollars")
        .primary_key("DepartmentID")
        .unique("DepartmentName")
        .check("Budget", "([Budget]>=(0))")
}

pub(in crate::sample) fn employees() -> Draft {
    Draft::table(
        "dbo",
        "Employees",
        "Employees, with the person each reports to",
    )
    .identity("EmployeeID", 1, "Number of the employee")
    .required("LastName", nvarchar(20), "Family name")
    .required("FirstName", nvarchar(10), "Given name")
    .optional("Title", nvarchar(30), "Position")
    .optional("TitleOfCourtesy", nvarchar(25), "Mr., Ms., Dr.")
    .optional("BirthDate", DateTime, "Date of birth")
    .optional("HireDate", DateTime, "First day of work")
    .optional("Address", nvarchar(60), "")
    .optional("City", nvarchar(15), "")
    .optional(
        "Region",
        nvarchar(15),
        "State or province; NULL outside the Americas",
    )
    .optional("PostalCode", nvarchar(10), "")
    .optional("Country", nvarchar(15), "")
    .optional("HomePhone", nvarchar(24), "Private phone")
    .optional("Extension", nvarchar(4), "Office phone extension")
    .optional(
        "Photo",
        Image,
        "Portrait as a bitmap; NULL where there is none",
    )
    .optional("Notes", NText, "Career and languages")
    .optional(
        "ReportsTo",
        Int,
        "Manager; NULL for the head of the company",
    )
    .optional("PhotoPath", nvarchar(255), "Address of the portrait")
    .required("DepartmentID", Int, "Department the employee works in")
    .default("((1))")
    .primary_key("EmployeeID")
    .foreign_key("ReportsTo", "dbo", "Employees", "EmployeeID")
    .references("DepartmentID", "dbo", "Departments")
    .check("BirthDate", "([BirthDate]<[HireDate])")
    .index("LastName, FirstName", "")
}

pub(in crate::sample) fn regions() -> Draft {
    Draft::table("dbo", "Region", "Sales regions")
        .required("RegionID", Int, "Number of the region")
        .required("RegionDescription", NChar(50), "Name, padded with blanks")
        .primary_key("RegionID")
}

pub(in crate::sample) fn territories() -> Draft {
    Draft::table("dbo", "Territories", "Territories of the sales regions")
        .required(
            "TerritoryID",
            nvarchar(20),
            "Postal prefix of the territory",
        )
        .required(
            "TerritoryDescription",
            NChar(50),
            "Name, padded with blanks",
        )
        .required("RegionID", Int, "Region it belongs to")
        .primary_key("TerritoryID")
        .references("RegionID", "dbo", "Region")
}

pub(in crate::sample) fn employee_territories() -> Draft {
    Draft::table(
        "dbo",
        "EmployeeTerritories",
        "Which employee covers which territory",
    )
    .required("EmployeeID", Int, "Employee")
    .required("TerritoryID", nvarchar(20), "Territory")
    .primary_key("EmployeeID, TerritoryID")
    .references("EmployeeID", "dbo", "Employees")
    .references("TerritoryID", "dbo", "Territories")
}

pub(in crate::sample) fn sensitive_data() -> Draft {
    Draft::table(
        "dbo",
        "SensitiveData",
        "Pay of each employee; readable within the department",
    )
    .identity("RecordID", 1, "Number of the record")
    .required("DepartmentID", Int, "Department that may read the record")
    .required("EmployeeID", Int, "Employee the record is about")
    .required("Salary", Money, "Yearly pay in US dollars")
    .required("IBAN", varchar(34), "Account the pay goes to")
    .optional("Note", nvarchar(200), "Remark of the personnel office")
    .primary_key("RecordID")
    .unique("EmployeeID")
    .references("DepartmentID", "dbo", "Departments")
    .references("EmployeeID", "dbo", "Employees")
    .check("Salary", "([Salary]>(0))")
}
