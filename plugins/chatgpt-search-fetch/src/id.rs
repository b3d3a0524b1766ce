//! Ids that need no memory: they carry what fetch has to look for.
//!
//! `schema.table/key[,key…]` is a row, `schema.table` a table's description,
//! `query:…` a row of a statement. `@label/` comes first where the database is not
//! the scope's default. Names and keys are percent-encoded (RFC 3986: everything but
//! unreserved characters).

use mssql_mcp_sdk::{Host, TableName, Value};
use serde::{Deserialize, Serialize};

/// What an id asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// A row by the values of its primary key, in key order.
    Row { table: String, key: Vec<String> },
    /// A row of a statement that is run again.
    Query(QueryRow),
    /// A name: a table's, or a table's and a key's joined by `_`.
    Name(String),
}

/// A row that has no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueryRow {
    /// The statement.
    #[serde(rename = "s")]
    pub(crate) sql: String,
    /// Its parameters, all of them text.
    #[serde(rename = "p")]
    pub(crate) params: Vec<(String, String)>,
    /// Where the row was.
    #[serde(rename = "n")]
    pub(crate) index: u32,
    /// [`fingerprint`] of its values then.
    #[serde(rename = "f")]
    pub(crate) fingerprint: u64,
}

/// The id of a row, when every part of its key has a text form.
pub(crate) fn of_row(table: &TableName, key: &[&Value]) -> Option<String> {
    Some(format!("{}/{}", of_table(table), encode_key(key)?))
}

/// The id of a table's description.
pub(crate) fn of_table(table: &TableName) -> String {
    format!("{}.{}", encode(&table.schema), encode(&table.name))
}

/// An id as it is outside, with the label of its database unless that is "".
pub(crate) fn on(database: &str, id: String) -> String {
    if database.is_empty() {
        id
    } else {
        format!("@{}/{id}", encode(database))
    }
}

/// The label and the rest of an id from outside; `None` for a broken label.
pub(crate) fn split_label(id: &str) -> Option<(Option<String>, &str)> {
    let Some(labelled) = id.strip_prefix('@') else {
        return Some((None, id));
    };
    let (label, rest) = labelled.split_once('/')?;
    Some((Some(decode(label)?), rest))
}

/// The id of a row without a key.
pub(crate) fn of_query<H: Host>(host: &H, row: &QueryRow) -> Option<String> {
    let plain = serde_json::to_vec(row).ok()?;
    Some(format!("{QUERY}{}", host.seal(&plain)))
}

/// Reads an id; `None` for one that nobody here gave out.
pub(crate) fn parse<H: Host>(host: &H, id: &str) -> Option<Id> {
    let id = id.trim();
    if let Some(sealed) = id.strip_prefix(QUERY) {
        let plain = host.open(sealed)?;
        return serde_json::from_slice(&plain).ok().map(Id::Query);
    }
    let Some((table, key)) = id.split_once('/') else {
        return decode(id).filter(|name| !name.is_empty()).map(Id::Name);
    };
    // Split before decoding: a point or comma inside a name is encoded.
    let (schema, name) = table.split_once('.')?;
    let table = format!(
        "{}.{}",
        mssql_mcp_sdk::quote(&decode(schema)?),
        mssql_mcp_sdk::quote(&decode(name)?)
    );
    let key = key.split(',').map(decode).collect::<Option<_>>()?;
    Some(Id::Row { table, key })
}

/// The key as it stands in ids and record pages.
pub(crate) fn encode_key(key: &[&Value]) -> Option<String> {
    if key.is_empty() {
        return None;
    }
    let parts: Option<Vec<String>> = key
        .iter()
        .map(|value| crate::record::key_text(value).map(|text| encode(&text)))
        .collect();
    Some(parts?.join(","))
}

/// Percent-encodes all but unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.extend(
                    char::from_digit(u32::from(nibble), 16).map(|d| d.to_ascii_uppercase()),
                );
            }
        }
    }
    encoded
}

/// Undoes [`encode`]; lenient with characters that needed no encoding.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// FNV-1a of the values' text: tells whether a row is still the one found.
pub(crate) fn fingerprint(row: &[Value]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for value in row {
        for byte in crate::record::text(value).bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

const QUERY: &str = "query:";

#[cfg(test)]
mod tests {
    use mssql_mcp_sdk::testing::FakeHost;

    use super::*;

    fn table(schema: &str, name: &str) -> TableName {
        TableName {
            schema: schema.into(),
            name: name.into(),
        }
    }

    #[test]
    fn a_row_id_survives_every_character() {
        let table = table("dbo", "Order. Details/ñ]");
        let key = [Value::Text("a,b/%ü".into()), Value::Int(-7)];
        let id = of_row(&table, &[&key[0], &key[1]]).unwrap();
        assert_eq!(
            id,
            "dbo.Order%2E%20Details%2F%C3%B1%5D/a%2Cb%2F%25%C3%BC,-7"
        );
        assert_eq!(
            parse(&FakeHost::new(), &id),
            Some(Id::Row {
                table: "[dbo].[Order. Details/ñ]]]".into(),
                key: vec!["a,b/%ü".into(), "-7".into()],
            })
        );
    }

    #[test]
    fn a_query_id_opens_only_as_it_was_sealed() {
        let host = FakeHost::new();
        let row = QueryRow {
            sql: "SELECT 1".into(),
            params: vec![],
            index: 0,
            fingerprint: 7,
        };
        let id = of_query(&host, &row).unwrap();
        assert_eq!(parse(&host, &id), Some(Id::Query(row)));
        assert_eq!(parse(&host, "query:SELECT 1"), None);
    }

    #[test]
    fn broken_encodings_are_no_id() {
        for id in ["a.b/%", "a.b/%zz", "a.b/%ff", "noschema/1", ""] {
            assert_eq!(parse(&FakeHost::new(), id), None, "{id}");
        }
    }
}
