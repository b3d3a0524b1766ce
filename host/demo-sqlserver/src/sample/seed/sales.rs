//! The web shop's orders, what came back, and campaigns.

use super::goods::Offer;
use super::trade::{Buyer, Shipped};
use super::{Row, cents, int, number, text};
use crate::sample::calendar::{HOUR, SECOND, day, midnight};
use crate::sample::random::Random;
use crate::value::Value;

/// Headers and lines.
pub(in crate::sample) fn shop(
    buyers: &[Buyer],
    offers: &[Offer],
    sellers: &[i64],
    random: &mut Random,
) -> (Vec<Row>, Vec<Row>) {
    let first = day(1997, 1, 2);
    let (mut headers, mut lines) = (Vec::new(), Vec::new());
    for index in 0..ORDERS {
        let Some(buyer) = random.pick(buyers) else {
            break;
        };
        let order = 43_659 + i64::from(index);
        let ordered = first + index * 480 / ORDERS;
        let open = index + 40 > ORDERS;
        let mut subtotal = 0;
        for _ in 0..random.between(1, 6) {
            let Some(offer) = random.pick(offers) else {
                break;
            };
            let quantity = random.between(1, 20);
            let percent = i64::from(random.chance(20)) * 10;
            subtotal += offer.price_in_cents * quantity * (100 - percent);
            lines.push(vec![
                int(order),
                int(number(lines.len())),
                text(format!(
                    "{:04X}-{:04X}",
                    random.below(0xFFFF),
                    random.below(0xFFFF)
                )),
                int(quantity),
                int(offer.id),
                cents(offer.price_in_cents),
                Value::Money(percent * 100),
                Value::Guid(random.guid()),
                midnight(ordered + 7),
            ]);
        }
        let online = random.chance(70);
        headers.push(vec![
            int(order),
            Value::DateTime(ordered, random.below(24 * 3600) * SECOND),
            midnight(ordered + 12),
            if open {
                Value::Null
            } else {
                midnight(ordered + 7)
            },
            int(if open { 1 } else { 5 }),
            Value::Bit(online),
            text(format!("SO{order}")),
            text(buyer.id.as_str()),
            random
                .pick(sellers)
                .filter(|_| !online)
                .map_or(Value::Null, |seller| int(*seller)),
            Value::Money(subtotal),
            Value::Money(subtotal * 8 / 100),
            Value::Money(subtotal * 25 / 1_000),
            Value::Guid(random.guid()),
            midnight(ordered + 7),
        ]);
    }
    (headers, lines)
}

/// One line of twenty comes back within three weeks.
pub(in crate::sample) fn returns(shipped: &[Shipped], random: &mut Random) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in shipped {
        if !random.chance(5) {
            continue;
        }
        let later = u32::try_from(random.between(3, 21)).unwrap_or_default();
        let comment = random.word(COMMENTS);
        rows.push(vec![
            int(number(rows.len())),
            int(line.order),
            int(line.product),
            Value::Date(line.day + later),
            int(random.between(1, line.quantity)),
            text(random.word(&["damaged", "late", "wrong item", "not wanted"])),
            super::text_or_null(comment),
        ]);
    }
    rows
}

pub(in crate::sample) fn campaigns() -> Vec<Row> {
    CAMPAIGNS
        .iter()
        .enumerate()
        .map(|(index, (name, year, euros, month, category, message))| {
            vec![
                int(number(index)),
                text(*name),
                int(*year),
                Value::Decimal(euros * 100),
                // Nine in the morning, an hour ahead of UTC.
                Value::DateTimeOffset(day(*year, *month, 1), 8 * HOUR, 60),
                int(*category),
                text(*message),
            ]
        })
        .collect()
}

const ORDERS: u32 = 900;

const COMMENTS: &[&str] = &[
    "",
    "",
    "Das Glas war zerbrochen 😞",
    "Llegó tarde",
    "届きませんでした",
    "Wrong label",
];

/// Name, year, budget in euros, month, category and text.
const CAMPAIGNS: &[(&str, i32, i128, u32, i64, &str)] = &[
    (
        "Otoño en la mesa",
        1996,
        12_000,
        9,
        4,
        "Quesos de montaña 🧀",
    ),
    (
        "Navidad dulce",
        1996,
        30_500,
        11,
        3,
        "El turrón de siempre 🎄",
    ),
    ("Mañanas de café", 1997, 8_750, 2, 1, "¡Despierta! ☕"),
    ("Verano de mar", 1997, 21_000, 6, 8, "Anchoas y sol 🐟☀️"),
    (
        "Navidad dulce",
        1997,
        34_000,
        11,
        3,
        "Más turrón, más ñam 🎁",
    ),
    (
        "Primavera 日本",
        1998,
        15_250,
        3,
        8,
        "海苔 y arroz para compartir 🍣",
    ),
];
