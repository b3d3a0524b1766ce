//! Names, columns and parameters in T-SQL.

use serde::Deserialize;

use crate::{Param, TableName, Value};

/// A delimited identifier: `a]b` becomes `[a]]b]`.
#[must_use]
pub fn quote(identifier: &str) -> String {
    let mut quoted = String::with_capacity(identifier.len() + 2);
    quoted.push('[');
    for character in identifier.chars() {
        quoted.push(character);
        if character == ']' {
            quoted.push(']');
        }
    }
    quoted.push(']');
    quoted
}

/// `[schema].[name]`
#[must_use]
pub fn quote_table(table: &TableName) -> String {
    format!("{}.{}", quote(&table.schema), quote(&table.name))
}

/// What to select for whole rows of a table: `*`, or where columns are of CLR types,
/// whose bytes say nothing to anybody, every column by its name and those as text.
/// `table` is an alias with its point, or "".
pub fn whole_rows<'a>(
    table: &str,
    columns: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> String {
    if columns
        .clone()
        .all(|(_, sql_type)| method(sql_type).is_none())
    {
        return format!("{table}*");
    }
    let listed = columns.map(|(name, sql_type)| {
        let name = quote(name);
        match method(sql_type) {
            Some(method) => format!("{table}{name}.{method}() AS {name}"),
            None => format!("{table}{name}"),
        }
    });
    listed.collect::<Vec<_>>().join(", ")
}

/// What makes text of a CLR type of the server's own.
fn method(sql_type: &str) -> Option<&'static str> {
    match sql_type {
        "geometry" | "geography" => Some("STAsText"),
        "hierarchyid" => Some("ToString"),
        _ => None,
    }
}

/// The columns of a description, as [`Host::describe`](crate::Host::describe) gives it,
/// with their types; none of one that is not as agreed.
#[must_use]
pub fn columns(description: &str) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Document {
        columns: Vec<Column>,
    }
    #[derive(Deserialize)]
    struct Column {
        name: String,
        r#type: String,
    }
    let Ok(document) = serde_json::from_str::<Document>(description) else {
        return Vec::new();
    };
    let columns = document.columns.into_iter();
    columns.map(|column| (column.name, column.r#type)).collect()
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `text` anywhere, taken
/// literally: `%`, `_`, `[` and the escape itself lose their meaning.
#[must_use]
pub fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// An nvarchar parameter.
#[must_use]
pub fn text_param(name: &str, value: &str) -> Param {
    Param {
        name: name.to_owned(),
        value: Value::Text(value.to_owned()),
        sql_type: None,
    }
}

/// A bigint parameter.
#[must_use]
pub fn int_param(name: &str, value: i64) -> Param {
    Param {
        name: name.to_owned(),
        value: Value::Int(value),
        sql_type: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracket_cannot_end_a_quoted_name() {
        assert_eq!(quote("a]b"), "[a]]b]");
        assert_eq!(quote("x] DROP TABLE y--"), "[x]] DROP TABLE y--]");
        let table = TableName {
            schema: "dbo".into(),
            name: "Order Details".into(),
        };
        assert_eq!(quote_table(&table), "[dbo].[Order Details]");
    }

    #[test]
    fn columns_of_clr_types_are_selected_as_text() {
        let plain = [("a", "int"), ("b", "nvarchar(10)")];
        assert_eq!(whole_rows("", plain.into_iter()), "*");
        assert_eq!(whole_rows("t1.", plain.into_iter()), "t1.*");
        let mixed = [("a", "int"), ("h]", "hierarchyid"), ("g", "geography")];
        assert_eq!(
            whole_rows("t1.", mixed.into_iter()),
            "t1.[a], t1.[h]]].ToString() AS [h]]], t1.[g].STAsText() AS [g]"
        );
        let description = r#"{"columns":[{"name":"g","type":"geometry","nullable":true}]}"#;
        assert_eq!(
            columns(description),
            [("g".to_owned(), "geometry".to_owned())]
        );
        assert!(columns("{}").is_empty());
    }

    #[test]
    fn wildcards_in_a_word_are_literal() {
        assert_eq!(contains_pattern(r"50%_[a]\"), r"%50\%\_\[a\]\\%");
    }
}
