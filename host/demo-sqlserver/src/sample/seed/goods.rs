//! Categories, suppliers and products.

use super::places::{self, PLACES};
use super::{Row, cents, int, number, text};
use crate::sample::all_types::PIXEL;
use crate::sample::random::Random;
use crate::value::Value;

/// What an order needs to know of a product.
pub(in crate::sample) struct Offer {
    pub(in crate::sample) id: i64,
    pub(in crate::sample) price_in_cents: i64,
}

pub(in crate::sample) fn categories() -> Vec<Row> {
    CATEGORIES
        .iter()
        .enumerate()
        .map(|(index, (name, description, ..))| {
            vec![
                int(number(index)),
                text(*name),
                text(*description),
                Value::Bytes(PIXEL.to_vec()),
            ]
        })
        .collect()
}

pub(in crate::sample) fn suppliers(random: &mut Random) -> Vec<Row> {
    SUPPLIERS
        .iter()
        .zip(PLACES)
        .enumerate()
        .map(|(index, (name, place))| {
            let mut row = vec![
                int(number(index)),
                text(*name),
                text(places::person(place, random)),
                text("Sales Manager"),
            ];
            row.extend(places::address(place, random));
            row.push(places::phone(place, random));
            row.push(Value::Null);
            row.push(text(format!("https://supplier{}.example", number(index))));
            row
        })
        .collect()
}

/// Each kind of good in each of its makes: name, price and stock.
pub(in crate::sample) fn products(random: &mut Random) -> (Vec<Row>, Vec<Offer>) {
    let mut rows = Vec::new();
    let mut offers = Vec::new();
    for (category, (_, _, pack, goods)) in CATEGORIES.iter().enumerate() {
        for (good, dollars) in *goods {
            for (make, percent) in MAKES {
                let id = number(rows.len());
                let price_in_cents = dollars * percent;
                let discontinued = random.chance(8);
                let stock = random.between(0, 120);
                let reorder = random.between(0, 6) * 5;
                let on_order = if stock < reorder && random.chance(50) {
                    40
                } else {
                    0
                };
                rows.push(vec![
                    int(id),
                    text(format!("{good}{make}")),
                    int(random.between(1, number(SUPPLIERS.len() - 1))),
                    int(number(category)),
                    text(*pack),
                    cents(price_in_cents),
                    int(stock),
                    int(on_order),
                    int(reorder),
                    Value::Bit(discontinued),
                ]);
                offers.push(Offer { id, price_in_cents });
            }
        }
    }
    (rows, offers)
}

/// Name and price in percent.
const MAKES: &[(&str, i64)] = &[("", 100), (" Reserva", 140), (" Orgánico", 175)];

/// Name, description, packing, and the goods with their price in dollars.
type Category = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, i64)],
);

const CATEGORIES: &[Category] = &[
    (
        "Beverages",
        "Coffees, teas, juices, beers and wines",
        "24 x 330 ml",
        &[
            ("Chai Levante", 18),
            ("Chamomile Tea", 9),
            ("Café Añejo", 46),
            ("Horchata Clara", 12),
            ("Cidra Brava", 15),
        ],
    ),
    (
        "Condiments",
        "Sauces, spreads and seasonings",
        "12 x 200 ml",
        &[
            ("Chef's Pepper Mix", 21),
            ("Piment de Mai", 13),
            ("Alioli Suave", 10),
            ("Jerez Vinegar", 25),
        ],
    ),
    (
        "Confections",
        "Desserts, candies and sweet breads",
        "10 x 120 g",
        &[
            ("Chocolate Noir", 14),
            ("Turrón de Nuez", 43),
            ("Marzipan Bär", 17),
            ("Mochi 日本", 22),
        ],
    ),
    (
        "Dairy Products",
        "Cheeses and butter",
        "8 x 500 g",
        &[
            ("Cheddar Ashdown", 34),
            ("Queso Peña", 38),
            ("Alpkäse Zürich", 55),
        ],
    ),
    (
        "Grains/Cereals",
        "Breads, crackers, pasta and rice",
        "20 x 400 g",
        &[("Knäcke Sjö", 9), ("Arroz Bomba", 28), ("Pasta Lunga", 19)],
    ),
    (
        "Meat/Poultry",
        "Prepared meats",
        "4 x 1 kg",
        &[
            ("Jamón Roble", 124),
            ("Chorizo Picante", 33),
            ("Entenbrust", 62),
        ],
    ),
    (
        "Produce",
        "Dried fruit and bean curd",
        "15 x 300 g",
        &[
            ("Champignon Mix", 24),
            ("Dátiles del Sur", 30),
            ("Tofu Momen", 23),
        ],
    ),
    (
        "Seafood",
        "Seaweed and fish",
        "16 x 250 g",
        &[
            ("Anchoas Norte", 26),
            ("Salmón Ahumado", 72),
            ("Caviar Rojo", 210),
            ("Nori 海苔", 8),
        ],
    ),
];

const SUPPLIERS: &[&str] = &[
    "Spreehof Feinkost GmbH",
    "Limmat Käserei AG",
    "Huerta Real S.L.",
    "Puget Growers Co.",
    "Thames Tea Traders",
    "Cocina del Valle",
    "Fazenda Boa Vista",
    "Maison Beaulieu",
    "Isar Wurstwaren",
    "Rías Conservas S.A.",
    "Willamette Orchards",
    "Havel Backwaren",
    "Irwell Preserves",
    "Confluence Épices",
    "Costa Verde Cafés",
    "東京海苔株式会社",
    "Västkust Fisk AB",
    "Øresund Mejeri",
];
