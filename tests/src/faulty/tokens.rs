//! Tokens of a reply (MS-TDS §2.2.7), true and false ones.

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// int
    Int,
    /// nvarchar(max)
    Text,
    /// varbinary(max)
    Binary,
    /// xml
    Xml,
    /// decimal(38,10)
    Decimal,
    /// A type that MS-TDS does not know
    Unknown,
}

/// COLMETADATA.
pub fn columns(columns: &[(&str, Kind)]) -> Vec<u8> {
    counted_columns(u16::try_from(columns.len()).expect("a count"), columns)
}

/// COLMETADATA that says it has `count` columns.
pub fn counted_columns(count: u16, columns: &[(&str, Kind)]) -> Vec<u8> {
    let mut out = vec![0x81];
    out.extend(count.to_le_bytes());
    for (name, kind) in columns {
        out.extend(column(name, *kind));
    }
    out
}

/// One column of COLMETADATA.
pub fn column(name: &str, kind: Kind) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0, 0x09, 0];
    match kind {
        Kind::Int => out.extend([0x26, 4]),
        Kind::Text => out.extend([0xE7, 0xFF, 0xFF, 0x09, 0x04, 0xD0, 0x00, 0x34]),
        Kind::Binary => out.extend([0xA5, 0xFF, 0xFF]),
        Kind::Xml => out.extend([0xF1, 0]),
        Kind::Decimal => out.extend([0x6C, 17, 38, 10]),
        Kind::Unknown => out.push(0x99),
    }
    out.push(u8::try_from(name.encode_utf16().count()).expect("a short name"));
    out.extend(utf16(name));
    out
}

/// ROW of one int.
pub fn int_row(value: i32) -> Vec<u8> {
    let mut out = vec![0xD1, 4];
    out.extend(value.to_le_bytes());
    out
}

/// The begin of a ROW whose first cell is a PLP value that says it has `length`
/// bytes.
pub fn long_cell(length: u64) -> Vec<u8> {
    let mut out = vec![0xD1];
    out.extend(length.to_le_bytes());
    out
}

/// A chunk of a PLP value that says it has `said` bytes and has these.
pub fn chunk(said: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = said.to_le_bytes().to_vec();
    out.extend(bytes);
    out
}

/// ERROR, or INFO below severity 11.
pub fn error(number: i32, severity: u8, message: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([1, severity]);
    body.extend(us_varchar(message));
    body.extend(b_varchar("SECRET-HOST"));
    body.extend(b_varchar(""));
    body.extend(1_u32.to_le_bytes());
    token(if severity < 11 { 0xAB } else { 0xAA }, &body)
}

/// ENVCHANGE that routes to `host` and `port`.
pub fn routing(host: &str, port: u16) -> Vec<u8> {
    let mut value = vec![0];
    value.extend(port.to_le_bytes());
    value.extend(us_varchar(host));
    let mut body = vec![20];
    body.extend(u16::try_from(value.len()).expect("short").to_le_bytes());
    body.extend(value);
    body.extend([0, 0]);
    token(0xE3, &body)
}

/// LOGINACK of SQL Server 2022.
pub fn login_ack() -> Vec<u8> {
    let mut body = vec![1, 0x74, 0, 0, 4];
    body.extend(b_varchar("Microsoft SQL Server"));
    body.extend([16, 0, 3, 232]);
    token(0xAD, &body)
}

/// A token with the length of its body.
pub fn token(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(u16::try_from(body.len()).expect("short").to_le_bytes());
    out.extend(body);
    out
}

/// DONEINPROC behind which more follows.
pub fn more(rows: u64) -> Vec<u8> {
    done(0xFF, 0x11, rows)
}

/// The DONEPROC that ends a reply.
pub fn last() -> Vec<u8> {
    done(0xFE, 0, 0)
}

/// The DONE that ends a log-in; with or without its error bit.
pub fn log_in_done(failed: bool) -> Vec<u8> {
    done(0xFD, if failed { 2 } else { 0 }, 0)
}

/// The DONE that answers Attention.
pub(super) fn attention() -> Vec<u8> {
    done(0xFD, 0x20, 0)
}

/// The description of a result that the host asks for in front of it: no rows, so
/// that it knows no more than the wire says.
pub(super) fn no_description() -> Vec<u8> {
    let mut out = columns(&[
        ("name", Kind::Text),
        ("is_nullable", Kind::Int),
        ("system_type_name", Kind::Text),
        ("user_type_name", Kind::Text),
    ]);
    out.extend(more(0));
    out
}

fn done(kind: u8, status: u16, rows: u64) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(status.to_le_bytes());
    out.extend(0xC1_u16.to_le_bytes());
    out.extend(rows.to_le_bytes());
    out
}

fn b_varchar(text: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(text.encode_utf16().count()).expect("short")];
    out.extend(utf16(text));
    out
}

fn us_varchar(text: &str) -> Vec<u8> {
    let units = u16::try_from(text.encode_utf16().count()).expect("short");
    let mut out = units.to_le_bytes().to_vec();
    out.extend(utf16(text));
    out
}

/// Text as TDS writes it.
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
