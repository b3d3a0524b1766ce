//! Customers and their orders.

use std::collections::BTreeSet;

use super::goods::Offer;
use super::places::{self, PLACES, Place};
use super::{Row, cents, int, number, text, text_or_null};
use crate::sample::calendar::{day, midnight};
use crate::sample::random::Random;
use crate::value::Value;

/// What an order needs to know of a customer.
pub(in crate::sample) struct Buyer {
    pub(in crate::sample) id: String,
    /// Name, address, city, region, postal code and country.
    address: Row,
    /// How many lines its orders have at most.
    appetite: i64,
}

/// A line that was shipped, for what comes back.
pub(in crate::sample) struct Shipped {
    pub(in crate::sample) order: i64,
    pub(in crate::sample) product: i64,
    pub(in crate::sample) quantity: i64,
    pub(in crate::sample) day: u32,
}

#[derive(Default)]
pub(in crate::sample) struct Orders {
    pub(in crate::sample) orders: Vec<Row>,
    pub(in crate::sample) lines: Vec<Row>,
    pub(in crate::sample) shipped: Vec<Shipped>,
}

pub(in crate::sample) fn customers(random: &mut Random) -> (Vec<Row>, Vec<Buyer>) {
    let mut taken = BTreeSet::new();
    let names = FORMS
        .iter()
        .flat_map(|form| NAMES.iter().map(move |name| (name, form)));
    names
        .zip(PLACES.iter().cycle())
        .map(|((name, form), place)| {
            let company = format!("{name} {form}");
            let id = code(&company, &mut taken);
            customer(id, &company, place, random)
        })
        .unzip()
}

pub(in crate::sample) fn shippers() -> Vec<Row> {
    ["Rápido Cargo", "Northern Freight", "Blue Anchor Lines"]
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let id = number(index);
            vec![int(id), text(*name), text(format!("(555) 019-00{id:02}"))]
        })
        .collect()
}

/// Orders from July 1996 to May 1998, in the order they were taken.
pub(in crate::sample) fn orders(
    buyers: &[Buyer],
    offers: &[Offer],
    sellers: &[i64],
    random: &mut Random,
) -> Orders {
    let (first, last) = (day(1996, 7, 4), day(1998, 5, 6));
    let mut made = Orders::default();
    for index in 0..ORDERS {
        let Some(buyer) = random.pick(buyers) else {
            break;
        };
        let ordered = first + (last - first) * index / ORDERS;
        let order = 10_248 + i64::from(index);
        let required = ordered + if random.chance(15) { 14 } else { 28 };
        // The orders of the last weeks are still open.
        let takes = u32::try_from(random.between(2, 34)).unwrap_or_default();
        let shipped = Some(ordered + takes).filter(|shipped| *shipped <= last);
        let mut revenue = 0;
        let mut products = BTreeSet::new();
        for _ in 0..random.between(1, buyer.appetite) {
            let Some(offer) = random
                .pick(offers)
                .filter(|offer| products.insert(offer.id))
            else {
                continue;
            };
            let quantity = random.between(1, 60);
            let percent = i64::from(random.chance(35)) * random.between(1, 5) * 5;
            // In ten-thousandths: cents * 100, less the discount in percent.
            revenue += offer.price_in_cents * quantity * (100 - percent);
            made.lines.push(vec![
                int(order),
                int(offer.id),
                cents(offer.price_in_cents),
                int(quantity),
                Value::Real(f32::from(u8::try_from(percent).unwrap_or_default()) / 100.0),
            ]);
            if let Some(day) = shipped {
                let product = offer.id;
                made.shipped.push(Shipped {
                    order,
                    product,
                    quantity,
                    day,
                });
            }
        }
        let mut row = vec![
            int(order),
            text(buyer.id.as_str()),
            random
                .pick(sellers)
                .map_or(Value::Null, |seller| int(*seller)),
            midnight(ordered),
            midnight(required),
            shipped.map_or(Value::Null, midnight),
            int(random.between(1, 3)),
            cents(random.between(50, 25_000)),
        ];
        row.extend(buyer.address.iter().cloned());
        row.push(Value::Money(revenue));
        made.orders.push(row);
    }
    made
}

fn customer(id: String, company: &str, place: &Place, random: &mut Random) -> (Row, Buyer) {
    let location = places::address(place, random);
    let mut row = vec![
        text(id.as_str()),
        text(company),
        text(places::person(place, random)),
        text(random.word(TITLES)),
    ];
    row.extend(location.iter().cloned());
    row.push(places::phone(place, random));
    let fax = random.chance(60);
    row.push(if fax {
        places::phone(place, random)
    } else {
        text_or_null("")
    });
    let mut address = vec![text(company)];
    address.extend(location);
    let appetite = random.between(2, 6);
    (
        row,
        Buyer {
            id,
            address,
            appetite,
        },
    )
}

/// Five letters of the name, the last ones changed until no other has them.
fn code(company: &str, taken: &mut BTreeSet<String>) -> String {
    let letters: String = company
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_uppercase())
        .take(4)
        .collect();
    let code = ('A'..='Z')
        .map(|last| format!("{letters:X<4}{last}"))
        .find(|code| !taken.contains(code))
        .unwrap_or_default();
    taken.insert(code.clone());
    code
}

const ORDERS: u32 = 2_000;

const TITLES: &[&str] = &[
    "Owner",
    "Sales Agent",
    "Purchasing Manager",
    "Accounting Manager",
    "Order Administrator",
];

const FORMS: &[&str] = &["Market", "Delikatessen", "Hermanos", "& Co. 🍷"];

const NAMES: &[&str] = &[
    "Adler",
    "Bodega Sol",
    "Casa Peña",
    "Drake's",
    "Emporium",
    "Fonda Azul",
    "Grüner Baum",
    "Hansa",
    "Isla Verde",
    "Jardín",
    "Kranich",
    "La Cigale",
    "Mirador",
    "Nordlys",
    "Olivar",
    "Pão Doce",
    "Quince",
    "Rosenhof",
    "Sakura 桜",
    "Tivoli",
    "Ultramar",
    "Viñedo",
    "Windrush",
    "Yellow Barn",
    "Zur Post",
];
