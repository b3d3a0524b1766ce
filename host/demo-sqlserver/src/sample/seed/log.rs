//! The log of the nightly imports.

use super::{Row, int, text};
use crate::sample::calendar::{HOUR, day};
use crate::sample::random::Random;
use crate::value::Value;

/// Two runs a night from 1997 to May 1998; one of twenty failed.
pub(in crate::sample) fn imports(random: &mut Random) -> Vec<Row> {
    (day(1997, 1, 1)..=day(1998, 5, 6))
        .flat_map(|night| [(night, "stock.csv"), (night, "prices.xml")])
        .map(|(night, source)| {
            let failed = random.chance(5);
            vec![
                Value::DateTime(night, 2 * HOUR + random.below(HOUR)),
                text(source),
                int(if failed { 0 } else { random.between(20, 400) }),
                Value::Bit(!failed),
                if failed {
                    text("Línea 7: «Zürich» no es un número ⚠️")
                } else {
                    Value::Null
                },
            ]
        })
        .collect()
}
