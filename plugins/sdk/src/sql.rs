//! Names and parameters in T-SQL.

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
    fn wildcards_in_a_word_are_literal() {
        assert_eq!(contains_pattern(r"50%_[a]\"), r"%50\%\_\[a\]\\%");
    }
}
