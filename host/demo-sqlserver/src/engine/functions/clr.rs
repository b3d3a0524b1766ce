//! Values of CLR types as text ([MS-SSCLRT]): points, single lines, and hierarchies of
//! small ordinals, which is all that the sample has.

use rusqlite::Connection;
use rusqlite::types::Value as Stored;

use super::strict;
use crate::engine::error::{Result, unsupported};
use crate::value::{SqlType, Udt};

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    // clr_text(bytes, type)
    strict(connection, "clr_text", 2, |a| {
        let text = match a.sql_type(1) {
            SqlType::Udt(Udt::HierarchyId) => hierarchy(a.blob(0)),
            SqlType::Udt(Udt::Geography) => place(a.blob(0), true),
            _ => place(a.blob(0), false),
        };
        text.map(Stored::Text)
    })
}

/// Well-known text. Latitude comes first in the bytes of a geography, longitude in its
/// text.
fn place(bytes: &[u8], latitude_first: bool) -> Result<String> {
    let shape = bytes.get(4..).unwrap_or_default();
    let (name, numbers) = match shape {
        [1, 0x0C, numbers @ ..] if numbers.len() == 16 => ("POINT", numbers),
        [1, 0x14, numbers @ ..] if numbers.len() == 32 => ("LINESTRING", numbers),
        [1, 0x04, 0, 0, 0, 0, ..] => return Ok("POINT EMPTY".to_owned()),
        _ => return Err(unsupported("the text of this shape")),
    };
    let numbers: Vec<f64> = numbers
        .chunks_exact(8)
        .filter_map(|bytes| Some(f64::from_le_bytes(bytes.try_into().ok()?)))
        .collect();
    let points: Vec<String> = numbers
        .chunks_exact(2)
        .filter_map(|point| match point {
            [latitude, longitude] if latitude_first => Some(format!("{longitude} {latitude}")),
            [x, y] => Some(format!("{x} {y}")),
            _ => None,
        })
        .collect();
    Ok(format!("{name} ({})", points.join(", ")))
}

/// `/1/2/`: ordinals of 0 to 3 are `01`, two bits and `1`, those of 4 to 7 `100`, two
/// bits and `1`; zeros fill the last byte.
fn hierarchy(bytes: &[u8]) -> Result<String> {
    let mut bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| (byte >> place) & 1));
    let mut text = "/".to_owned();
    loop {
        let least = match (bits.next(), bits.next()) {
            (None | Some(0), None | Some(0)) => return Ok(text),
            (Some(0), Some(1)) => 0,
            (Some(1), Some(0)) if bits.next() == Some(0) => 4,
            _ => return Err(unsupported("the text of this hierarchyid")),
        };
        let (Some(two), Some(one), Some(1)) = (bits.next(), bits.next(), bits.next()) else {
            return Err(unsupported("the text of this hierarchyid"));
        };
        text.push_str(&format!("{}/", least + two * 2 + one));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hierarchy_is_its_path() {
        for (bytes, text) in [
            (&[][..], "/"),
            (&[0x58], "/1/"),
            (&[0x5A, 0xC0], "/1/1/"),
            (&[0x5B, 0x40], "/1/2/"),
            (&[0x84], "/4/"),
        ] {
            assert_eq!(hierarchy(bytes).unwrap(), text);
        }
        assert!(hierarchy(&[0xFF]).is_err());
    }
}
