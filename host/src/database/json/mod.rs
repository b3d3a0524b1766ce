//! Rows as JSON, encoded straight from the driver's values into one buffer.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tiberius::ColumnData;

use super::config::Binary;
use super::convert::{self, Kind};
use super::manager::text_size;
use super::text;
use super::value::{Column, JsonShape};

/// Encodes rows of one result.
pub(super) struct Encoder {
    cells: Vec<Cell>,
    shape: JsonShape,
    binary: Binary,
    max_cell: usize,
    /// A cell was cut.
    pub(super) cut: bool,
}

struct Cell {
    /// `"name":`, ready to be copied.
    key: Vec<u8>,
    kind: Kind,
    lossy: bool,
}

impl Encoder {
    pub(super) fn new(
        columns: &[Column],
        kinds: &[Kind],
        shape: JsonShape,
        binary: Binary,
        max_cell: usize,
    ) -> Self {
        let cells = unique_names(columns)
            .into_iter()
            .zip(kinds)
            .map(|(name, kind)| {
                let mut key = Vec::with_capacity(name.len() + 3);
                string(&mut key, &name);
                key.push(b':');
                Cell {
                    key,
                    kind: *kind,
                    lossy: false,
                }
            })
            .collect();
        Self {
            cells,
            shape,
            binary,
            max_cell,
            cut: false,
        }
    }

    /// Appends one row.
    pub(super) fn row<'a>(
        &mut self,
        out: &mut Vec<u8>,
        values: impl Iterator<Item = &'a ColumnData<'static>>,
    ) {
        let (open, close) = match self.shape {
            JsonShape::Objects => (b'{', b'}'),
            JsonShape::Arrays => (b'[', b']'),
        };
        out.push(open);
        for (index, (cell, data)) in self.cells.iter_mut().zip(values).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if self.shape == JsonShape::Objects {
                out.extend_from_slice(&cell.key);
            }
            match write(out, cell.kind, data, self.binary, self.max_cell) {
                Fidelity::Whole => {}
                Fidelity::Cut => self.cut = true,
                Fidelity::Lossy => cell.lossy = true,
            }
        }
        out.push(close);
    }

    /// Appends a row whose one cell is already JSON.
    pub(super) fn raw_row(&self, out: &mut Vec<u8>, json: &[u8]) {
        match (self.shape, self.cells.first()) {
            (JsonShape::Objects, Some(cell)) => {
                out.push(b'{');
                out.extend_from_slice(&cell.key);
                out.extend_from_slice(json);
                out.push(b'}');
            }
            _ => {
                out.push(b'[');
                out.extend_from_slice(json);
                out.push(b']');
            }
        }
    }

    /// Whether any column lost digits so far.
    pub(super) fn is_lossy(&self) -> bool {
        self.cells.iter().any(|cell| cell.lossy)
    }

    /// Appends `[{"name":…,"type":…},…]`.
    pub(super) fn columns(&self, out: &mut Vec<u8>, columns: &[Column]) {
        let named = self.shape == JsonShape::Objects;
        let names = if named {
            unique_names(columns)
        } else {
            columns.iter().map(|column| column.name.clone()).collect()
        };
        out.push(b'[');
        for (index, ((column, name), cell)) in
            columns.iter().zip(names).zip(&self.cells).enumerate()
        {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"name\":");
            string(out, &name);
            out.extend_from_slice(b",\"type\":");
            string(out, &column.sql_type);
            if cell.lossy {
                out.extend_from_slice(b",\"lossy\":true");
            }
            if column.masked {
                out.extend_from_slice(b",\"masked\":true");
            }
            out.push(b'}');
        }
        out.push(b']');
    }
}

/// Keys of an object: a repeated name becomes `a_2`, an empty one `column_3`.
pub(super) fn unique_names(columns: &[Column]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    let mut taken: std::collections::HashSet<String> = columns
        .iter()
        .map(|column| column.name.clone())
        .filter(|name| !name.is_empty())
        .collect();
    let mut seen = std::collections::HashSet::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        if !column.name.is_empty() && seen.insert(column.name.as_str()) {
            names.push(column.name.clone());
            continue;
        }
        let (stem, mut number) = if column.name.is_empty() {
            ("column", index + 1)
        } else {
            (column.name.as_str(), 2)
        };
        let mut name = format!("{stem}_{number}");
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{stem}_{number}");
        }
        names.push(name);
    }
    names
}

/// Appends a JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a Vec cannot fail, nor can serialising a &str.
    _ = serde_json::to_writer(out, text);
}

/// The part of `text` that fits `max` bytes and how many characters do not; of the whole the
/// server sent no more than `sent` bytes.
pub(super) fn cut(text: &str, max: usize, sent: usize) -> Option<(&str, LeftOut)> {
    if text.len() <= max {
        return None;
    }
    let (kept, rest) = text.split_at_checked(text.floor_char_boundary(max))?;
    let rest = LeftOut {
        count: rest.chars().count(),
        unit: "chars",
        // One byte or two for a letter, or UTF-8 of which the last letter was cut, by the
        // column's type.
        is_least: text.encode_utf16().count() * 2 >= sent
            || text.len().saturating_add(LETTER) >= sent,
    };
    Some((kept, rest))
}

/// Bytes of the longest in UTF-8.
const LETTER: usize = 4;

/// What a value has beyond what is shown of it.
pub(super) struct LeftOut {
    count: usize,
    unit: &'static str,
    /// The server left out the rest of it.
    is_least: bool,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, unit, .. } = self;
        let more = if self.is_least { " or more" } else { "" };
        write!(f, "…[+{count} {unit}{more}]")
    }
}

enum Fidelity {
    Whole,
    Cut,
    Lossy,
}

fn write(
    out: &mut Vec<u8>,
    kind: Kind,
    data: &ColumnData<'static>,
    binary: Binary,
    max_cell: usize,
) -> Fidelity {
    match data {
        ColumnData::Bit(Some(bit)) => {
            out.extend_from_slice(if *bit { b"true" } else { b"false" });
        }
        ColumnData::U8(Some(number)) => integer(out, i64::from(*number)),
        ColumnData::I16(Some(number)) => integer(out, i64::from(*number)),
        ColumnData::I32(Some(number)) => integer(out, i64::from(*number)),
        ColumnData::I64(Some(number)) => integer(out, *number),
        // Shortest text of the f32: 0.1 must not widen to 0.10000000149.
        ColumnData::F32(Some(number)) => {
            _ = serde_json::to_writer(out, number);
        }
        ColumnData::F64(Some(number)) if kind == Kind::Money => {
            let mut exact = true;
            quoted(out, |out| exact = text::money(out, *number));
            if !exact {
                return Fidelity::Lossy;
            }
        }
        ColumnData::F64(Some(number)) => {
            _ = serde_json::to_writer(out, number);
            if kind == Kind::Variant && number.abs() >= text::MAX_EXACT_MONEY {
                return Fidelity::Lossy;
            }
        }
        ColumnData::Numeric(Some(number)) => {
            quoted(out, |out| {
                text::decimal(out, number.value(), number.scale());
            });
        }
        ColumnData::String(Some(text)) => {
            return capped_string(out, convert::content(kind, text), max_cell);
        }
        ColumnData::Xml(Some(xml)) => {
            return capped_string(out, xml.as_ref().as_ref(), max_cell);
        }
        ColumnData::Binary(Some(bytes)) => return bytes_cell(out, kind, bytes, binary, max_cell),
        ColumnData::Guid(Some(uuid)) => {
            let mut buffer = tiberius::Uuid::encode_buffer();
            let text = uuid.as_hyphenated().encode_upper(&mut buffer);
            quoted(out, |out| out.extend_from_slice(text.as_bytes()));
        }
        ColumnData::Date(Some(value)) => {
            quoted(out, |out| text::date(out, convert::date(*value)));
        }
        ColumnData::Time(Some(value)) => {
            quoted(out, |out| {
                text::time(out, convert::time(*value), value.scale());
            });
        }
        ColumnData::DateTime(Some(value)) => {
            quoted(out, |out| {
                text::datetime(out, convert::datetime(*value), 3);
            });
        }
        ColumnData::SmallDateTime(Some(value)) => {
            quoted(out, |out| {
                text::datetime(out, convert::small_datetime(*value), 0);
            });
        }
        ColumnData::DateTime2(Some(value)) => {
            quoted(out, |out| {
                text::datetime(out, convert::datetime2(*value), value.time().scale());
            });
        }
        ColumnData::DateTimeOffset(Some(value)) => {
            quoted(out, |out| {
                let local = convert::datetime_offset(*value);
                text::datetime(out, local.local, value.datetime2().time().scale());
                text::offset(out, local.offset_minutes);
            });
        }
        _ => out.extend_from_slice(b"null"),
    }
    Fidelity::Whole
}

fn integer(out: &mut Vec<u8>, number: i64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    if number.unsigned_abs() <= text::MAX_SAFE_INTEGER.unsigned_abs() {
        out.extend_from_slice(digits);
    } else {
        quoted(out, |out| out.extend_from_slice(digits));
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn capped_string(out: &mut Vec<u8>, text: &str, max: usize) -> Fidelity {
    let Some((kept, rest)) = cut(text, max, text_size(max)) else {
        string(out, text);
        return Fidelity::Whole;
    };
    string(out, kept);
    out.pop();
    out.extend_from_slice(format!("{rest}\"").as_bytes());
    Fidelity::Cut
}

fn bytes_cell(out: &mut Vec<u8>, kind: Kind, bytes: &[u8], binary: Binary, max: usize) -> Fidelity {
    let hex = binary == Binary::Hex || matches!(kind, Kind::RowVersion | Kind::Udt);
    // Whole base64 groups, so that what is kept still decodes.
    let fits = if hex { max / 2 } else { max / 4 * 3 };
    let kept = bytes.get(..fits).unwrap_or(bytes);
    let rest = bytes.len() - kept.len();
    out.push(b'"');
    if hex {
        text::hex(out, kept);
    } else {
        let start = out.len();
        out.resize(start + kept.len().div_ceil(3) * 4, 0);
        if let Some(target) = out.get_mut(start..) {
            // The target is exactly as long as the encoding.
            _ = STANDARD.encode_slice(kept, target);
        }
    }
    if rest > 0 {
        let rest = LeftOut {
            count: rest,
            unit: "bytes",
            is_least: bytes.len() >= text_size(max),
        };
        out.extend_from_slice(rest.to_string().as_bytes());
    }
    out.push(b'"');
    if rest > 0 {
        Fidelity::Cut
    } else {
        Fidelity::Whole
    }
}

#[cfg(test)]
mod tests;
