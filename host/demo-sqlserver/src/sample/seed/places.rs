//! Where customers and suppliers are, and what people there are called.

use super::{Row, text, text_or_null};
use crate::sample::random::Random;
use crate::value::Value;

pub(in crate::sample) struct Place {
    pub(in crate::sample) city: &'static str,
    /// State or province, or empty.
    pub(in crate::sample) region: &'static str,
    pub(in crate::sample) country: &'static str,
    postal_code: &'static str,
    dial: &'static str,
    streets: &'static [&'static str],
    given: &'static [&'static str],
    family: &'static [&'static str],
}

/// Address, city, region, postal code and country, in the order of the tables.
pub(in crate::sample) fn address(place: &Place, random: &mut Random) -> Row {
    let street = random.word(place.streets);
    let house = random.between(1, 240);
    vec![
        text(format!("{street} {house}")),
        text(place.city),
        text_or_null(place.region),
        text(place.postal_code),
        text(place.country),
    ]
}

pub(in crate::sample) fn phone(place: &Place, random: &mut Random) -> Value {
    let (first, last) = (random.between(100, 999), random.between(1000, 9999));
    text(format!("+{} {first}-{last}", place.dial))
}

pub(in crate::sample) fn person(place: &Place, random: &mut Random) -> String {
    let given = random.word(place.given);
    format!("{given} {}", random.word(place.family))
}

const fn place(
    city: &'static str,
    region: &'static str,
    country: &'static str,
    postal_code: &'static str,
    dial: &'static str,
    language: &Language,
) -> Place {
    Place {
        city,
        region,
        country,
        postal_code,
        dial,
        streets: language.streets,
        given: language.given,
        family: language.family,
    }
}

struct Language {
    streets: &'static [&'static str],
    given: &'static [&'static str],
    family: &'static [&'static str],
}

const GERMAN: Language = Language {
    streets: &["Lindenstraße", "Am Hafen", "Bahnhofplatz", "Mühlweg"],
    given: &["Jürgen", "Käthe", "Lukas", "Änne", "Sönke", "Greta"],
    family: &["Brückner", "Vogelsang", "Weiß", "Hartwig", "Löffler"],
};
const SPANISH: Language = Language {
    streets: &[
        "Calle del Río",
        "Avenida de la Peña",
        "Plaza Mayor",
        "Camino Viejo",
    ],
    given: &["Iñigo", "Begoña", "Lucía", "Andrés", "Ximena", "Raúl"],
    family: &["Muñoz", "Ibáñez", "Quiroga", "Peñalver", "Ordóñez"],
};
const FRENCH: Language = Language {
    streets: &["Rue des Tilleuls", "Quai Neuf", "Place du Marché"],
    given: &["Hélène", "François", "Zoé", "Benoît"],
    family: &["Lefèvre", "Garçon", "Béranger", "Noël"],
};
const ENGLISH: Language = Language {
    streets: &[
        "Harbour Road",
        "Mill Lane",
        "Orchard Street",
        "Station Avenue",
    ],
    given: &["Alice", "Desmond", "Fiona", "Graham", "Priya", "Owen"],
    family: &["O'Hara", "Whitlock", "Pemberton", "Ashdown", "Kaur"],
};
const PORTUGUESE: Language = Language {
    streets: &["Rua das Flores", "Avenida São João", "Largo do Poço"],
    given: &["João", "Conceição", "Tomás", "Inês"],
    family: &["Gonçalves", "Simões", "Araújo", "Leitão"],
};
const NORDIC: Language = Language {
    streets: &["Storgatan", "Havnegade", "Åsvägen"],
    given: &["Åsa", "Søren", "Björn", "Liv"],
    family: &["Sjöberg", "Østergaard", "Nyström", "Dahl"],
};
const JAPANESE: Language = Language {
    streets: &["銀座", "桜木町", "本町"],
    given: &["由紀", "健太", "明美"],
    family: &["田中", "佐藤", "小林"],
};

/// Berlin first, and more than once where there are more customers.
pub(in crate::sample) const PLACES: &[Place] = &[
    place("Berlin", "", "Germany", "12209", "49 30", &GERMAN),
    place("Zürich", "", "Switzerland", "8001", "41 44", &GERMAN),
    place("Madrid", "", "Spain", "28001", "34 91", &SPANISH),
    place("Seattle", "WA", "USA", "98104", "1 206", &ENGLISH),
    place("London", "", "UK", "WC2N 5DU", "44 20", &ENGLISH),
    place("México D.F.", "", "Mexico", "05022", "52 55", &SPANISH),
    place(
        "São Paulo",
        "SP",
        "Brazil",
        "05432-043",
        "55 11",
        &PORTUGUESE,
    ),
    place("Paris", "", "France", "75012", "33 1", &FRENCH),
    place("München", "", "Germany", "80805", "49 89", &GERMAN),
    place("A Coruña", "", "Spain", "15001", "34 981", &SPANISH),
    place("Portland", "OR", "USA", "97201", "1 503", &ENGLISH),
    place("Berlin", "", "Germany", "10115", "49 30", &GERMAN),
    place("Manchester", "", "UK", "M1 2AB", "44 161", &ENGLISH),
    place("Lyon", "", "France", "69004", "33 4", &FRENCH),
    place(
        "Rio de Janeiro",
        "RJ",
        "Brazil",
        "02389-673",
        "55 21",
        &PORTUGUESE,
    ),
    place("東京", "", "Japan", "104-0061", "81 3", &JAPANESE),
    place("Göteborg", "", "Sweden", "411 04", "46 31", &NORDIC),
    place("København", "", "Denmark", "1734", "45 33", &NORDIC),
    place("Sevilla", "", "Spain", "41001", "34 95", &SPANISH),
    place("Austin", "TX", "USA", "78701", "1 512", &ENGLISH),
    place("Vancouver", "BC", "Canada", "V3F 2K1", "1 604", &ENGLISH),
    place("Lisboa", "", "Portugal", "1675", "351 21", &PORTUGUESE),
    place("Buenos Aires", "", "Argentina", "1010", "54 11", &SPANISH),
    place("Köln", "", "Germany", "50739", "49 221", &GERMAN),
];
