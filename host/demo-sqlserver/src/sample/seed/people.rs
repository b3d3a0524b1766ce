//! Departments, employees and their territories.

use super::{Row, cents, int, number, text, text_or_null};
use crate::sample::calendar::{day, midnight};
use crate::sample::random::Random;
use crate::value::Value;

pub(in crate::sample) fn departments() -> Vec<Row> {
    DEPARTMENTS
        .iter()
        .enumerate()
        .map(|(index, (name, thousands))| {
            vec![int(number(index)), text(*name), cents(thousands * 100_000)]
        })
        .collect()
}

pub(in crate::sample) fn employees() -> Vec<Row> {
    EMPLOYEES
        .iter()
        .enumerate()
        .map(|(index, employee)| {
            let (year, month) = employee.hired;
            vec![
                int(number(index)),
                text(employee.name.1),
                text(employee.name.0),
                text(employee.title),
                text(employee.courtesy),
                midnight(day(year - employee.age, 13 - month, 17)),
                midnight(day(year, month, 3)),
                text(format!("{} {}", employee.place.0, 10 + number(index))),
                text(employee.place.1),
                text_or_null(employee.place.2),
                text(employee.place.3),
                text(employee.place.4),
                text(format!("(555) 010-{:04}", 4000 + number(index))),
                text(format!("{}", 3400 + number(index))),
                Value::Null,
                text(format!(
                    "{} speaks {}.",
                    employee.name.0, employee.languages
                )),
                employee.manager.map_or(Value::Null, int),
                text(format!(
                    "https://intranet.example/photos/{}.bmp",
                    number(index)
                )),
                int(employee.department),
            ]
        })
        .collect()
}

pub(in crate::sample) fn regions() -> Vec<Row> {
    ["Europe", "Americas", "Iberia", "Asia"]
        .iter()
        .enumerate()
        .map(|(index, name)| vec![int(number(index)), text(format!("{name:<50}"))])
        .collect()
}

pub(in crate::sample) fn territories() -> Vec<Row> {
    TERRITORIES
        .iter()
        .map(|(id, name, region)| vec![text(*id), text(format!("{name:<50}")), int(*region)])
        .collect()
}

/// Every employee of the sales department covers three territories.
pub(in crate::sample) fn employee_territories() -> Vec<Row> {
    let sellers = EMPLOYEES
        .iter()
        .enumerate()
        .filter(|(_, employee)| employee.department == SALES);
    sellers
        .flat_map(|(index, _)| {
            let shift = index * 2;
            let covered = TERRITORIES.iter().cycle().skip(shift).take(3);
            covered.map(move |(id, ..)| vec![int(number(index)), text(*id)])
        })
        .collect()
}

pub(in crate::sample) fn sensitive_data(random: &mut Random) -> Vec<Row> {
    EMPLOYEES
        .iter()
        .enumerate()
        .map(|(index, employee)| {
            let account = random.below(10_000_000_000);
            vec![
                int(number(index)),
                int(employee.department),
                int(number(index)),
                cents(random.between(320, 990) * 10_000),
                text(format!("DE00100100{account:010}00")),
                if random.chance(40) {
                    text("Reviewed 🔒")
                } else {
                    Value::Null
                },
            ]
        })
        .collect()
}

/// The employees who take orders.
pub(in crate::sample) fn sellers() -> Vec<i64> {
    EMPLOYEES
        .iter()
        .enumerate()
        .filter(|(_, employee)| employee.department == SALES)
        .map(|(index, _)| number(index))
        .collect()
}

struct Employee {
    name: (&'static str, &'static str),
    courtesy: &'static str,
    title: &'static str,
    /// Year and month.
    hired: (i32, u32),
    /// In years, when hired.
    age: i32,
    /// Street, city, region, postal code, country.
    place: (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    ),
    languages: &'static str,
    manager: Option<i64>,
    department: i64,
}

const SALES: i64 = 2;

const DEPARTMENTS: &[(&str, i64)] = &[
    ("Management", 900),
    ("Sales", 2400),
    ("Purchasing", 750),
    ("Logistics", 1100),
    ("Finance & IT", 640),
];

type Home = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const LONDON: Home = ("Mill Lane", "London", "", "EC1 7DP", "UK");
const SEATTLE: Home = ("Orchard Street", "Seattle", "WA", "98122", "USA");
const MADRID: Home = ("Calle del Río", "Madrid", "", "28003", "Spain");

const fn employee(
    name: (&'static str, &'static str),
    courtesy: &'static str,
    title: &'static str,
    hired: (i32, u32),
    place: Home,
    manager: Option<i64>,
    department: i64,
) -> Employee {
    Employee {
        name,
        courtesy,
        title,
        hired,
        age: 24 + hired.1 as i32,
        place,
        languages: "English and Spanish",
        manager,
        department,
    }
}

const EMPLOYEES: &[Employee] = &[
    employee(
        ("Marisol", "Ibáñez"),
        "Dr.",
        "Chief Executive",
        (1991, 3),
        MADRID,
        None,
        1,
    ),
    employee(
        ("Desmond", "Whitlock"),
        "Mr.",
        "Vice President, Sales",
        (1992, 4),
        SEATTLE,
        Some(1),
        SALES,
    ),
    employee(
        ("Jürgen", "Weiß"),
        "Mr.",
        "Sales Manager",
        (1992, 8),
        LONDON,
        Some(2),
        SALES,
    ),
    employee(
        ("Fiona", "Ashdown"),
        "Ms.",
        "Sales Representative",
        (1993, 5),
        LONDON,
        Some(3),
        SALES,
    ),
    employee(
        ("Iñigo", "Muñoz"),
        "Mr.",
        "Sales Representative",
        (1993, 10),
        MADRID,
        Some(3),
        SALES,
    ),
    employee(
        ("由紀", "田中"),
        "Ms.",
        "Sales Representative",
        (1993, 10),
        SEATTLE,
        Some(2),
        SALES,
    ),
    employee(
        ("Priya", "Kaur"),
        "Ms.",
        "Inside Sales Coordinator",
        (1994, 1),
        LONDON,
        Some(3),
        SALES,
    ),
    employee(
        ("Owen", "O'Hara"),
        "Mr.",
        "Sales Representative",
        (1994, 3),
        SEATTLE,
        Some(2),
        SALES,
    ),
    employee(
        ("Zoé", "Lefèvre"),
        "Ms.",
        "Sales Representative",
        (1994, 11),
        LONDON,
        Some(3),
        SALES,
    ),
    employee(
        ("Tomás", "Gonçalves"),
        "Mr.",
        "Head of Purchasing",
        (1992, 6),
        MADRID,
        Some(1),
        3,
    ),
    employee(
        ("Åsa", "Nyström"),
        "Ms.",
        "Buyer",
        (1993, 2),
        LONDON,
        Some(10),
        3,
    ),
    employee(
        ("Graham", "Pemberton"),
        "Mr.",
        "Head of Logistics",
        (1992, 9),
        SEATTLE,
        Some(1),
        4,
    ),
    employee(
        ("Begoña", "Quiroga"),
        "Mrs.",
        "Dispatcher",
        (1995, 7),
        SEATTLE,
        Some(12),
        4,
    ),
    employee(
        ("Lukas", "Hartwig"),
        "Mr.",
        "Controller",
        (1993, 12),
        LONDON,
        Some(1),
        5,
    ),
    employee(
        ("Alice", "Vogelsang"),
        "Ms.",
        "Database Administrator",
        (1996, 2),
        MADRID,
        Some(14),
        5,
    ),
];

const TERRITORIES: &[(&str, &str, i64)] = &[
    ("10115", "Berlin", 1),
    ("80331", "München", 1),
    ("08001", "Zürich", 1),
    ("75001", "Paris", 1),
    ("00020", "London", 1),
    ("41104", "Göteborg", 1),
    ("98104", "Seattle", 2),
    ("97201", "Portland", 2),
    ("78701", "Austin", 2),
    ("05022", "México", 2),
    ("05432", "São Paulo", 2),
    ("28001", "Madrid", 3),
    ("15001", "A Coruña", 3),
    ("01675", "Lisboa", 3),
    ("10400", "東京", 4),
];
