//! Which table a name means.

use super::tables::{Table, TableName};
use crate::database::error::Error;
use crate::database::{Inner, policy};

/// See [`Database::resolve`](crate::database::Database::resolve).
pub(in crate::database) async fn resolve(inner: &Inner, name: &str) -> Result<TableName, Error> {
    let tables = policy::visible(inner).await?;
    choose(&tables, name).map(|table| table.name.clone())
}

/// The table of exactly this schema and name.
pub(super) fn find<'a>(tables: &'a [Table], name: &TableName) -> Result<&'a Table, Error> {
    pick(tables, Some(&name.schema), &name.name, &name.to_string())
}

fn choose<'a>(tables: &'a [Table], given: &str) -> Result<&'a Table, Error> {
    let parts = parts(given);
    match parts.as_deref() {
        Some([name]) => pick(tables, None, name, given),
        Some([schema, name]) => pick(tables, Some(schema), name, given),
        _ => Err(Error::UnknownName(nearest(tables, given))),
    }
}

fn pick<'a>(
    tables: &'a [Table],
    schema: Option<&str>,
    name: &str,
    given: &str,
) -> Result<&'a Table, Error> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let matching: Vec<&Table> = tables
        .iter()
        .filter(|table| {
            same(&table.name.name, name)
                && schema.is_none_or(|schema| same(&table.name.schema, schema))
        })
        .collect();
    match matching.as_slice() {
        [] => Err(Error::UnknownName(nearest(tables, given))),
        [table] => Ok(table),
        several => {
            // As the server reads it: a bare name is first one of the default
            // schema. Only a case-sensitive database has two that differ in case.
            let meant = |table: &&&Table| match schema {
                Some(schema) => table.name.name == name && table.name.schema == schema,
                None => table.in_default_schema,
            };
            let mut exact = several.iter().filter(meant);
            match (exact.next(), exact.next()) {
                (Some(table), None) => Ok(table),
                _ => Err(Error::AmbiguousName(
                    several.iter().map(|table| table.name.to_string()).collect(),
                )),
            }
        }
    }
}

/// Splits at dots outside quotes; `None` where the quoting is broken.
fn parts(name: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = name.trim();
    loop {
        let (part, after) = match rest.chars().next()? {
            '[' => quoted(rest, ']')?,
            '"' => quoted(rest, '"')?,
            _ => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (part, after) = rest.split_at_checked(end)?;
                (part.trim().to_owned(), after)
            }
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        let after = after.trim_start();
        if after.is_empty() {
            return Some(parts);
        }
        rest = after.strip_prefix('.')?.trim_start();
    }
}

/// The content of a quoted part, with doubled closing quotes undone, and what
/// follows it.
fn quoted(text: &str, close: char) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((index, next)) = chars.next() {
        if next != close {
            part.push(next);
        } else if chars.next_if(|(_, after)| *after == close).is_some() {
            part.push(close);
        } else {
            return Some((part, text.get(index + close.len_utf8()..)?));
        }
    }
    None
}

/// The names most like `given`, best first.
pub(in crate::database) fn nearest(tables: &[Table], given: &str) -> Vec<String> {
    let wanted = given.replace(['[', ']', '"'], "").to_lowercase();
    let mut scored: Vec<(f64, String)> = tables
        .iter()
        .map(|table| {
            let name = table.name.name.to_lowercase();
            let full = format!("{}.{name}", table.name.schema.to_lowercase());
            let like =
                strsim::jaro_winkler(&wanted, &name).max(strsim::jaro_winkler(&wanted, &full));
            let bare = wanted.rsplit('.').next().unwrap_or(&wanted);
            let within = !bare.is_empty() && (name.contains(bare) || bare.contains(&name));
            let score = like.max(strsim::jaro_winkler(bare, &name));
            (
                if within { score.max(0.9) } else { score },
                table.name.to_string(),
            )
        })
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    scored
        .into_iter()
        .take(CANDIDATES)
        .map(|(_, name)| name)
        .collect()
}

/// Below this two words have little but a letter in common.
const ALIKE: f64 = 0.75;
const CANDIDATES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Vec<Table> {
        [
            ("dbo", "Orders"),
            ("dbo", "Order Details"),
            ("dbo", "Customers"),
            ("Sales", "Customers"),
            ("Sales", "SalesOrderDetail"),
            ("Archive", "SalesOrderDetail"),
        ]
        .into_iter()
        .map(|(schema, name)| Table {
            name: TableName {
                schema: schema.into(),
                name: name.into(),
            },
            kind: "table",
            approximate_rows: None,
            comment: None,
            object_id: 0,
            in_default_schema: schema == "dbo",
        })
        .collect()
    }

    #[test]
    fn a_table_is_found_by_any_of_its_spellings() {
        let tables = database();
        for (given, means) in [
            ("Orders", "dbo.Orders"),
            ("orders", "dbo.Orders"),
            ("DBO.ORDERS", "dbo.Orders"),
            ("[Order Details]", "dbo.[Order Details]"),
            ("Order Details", "dbo.[Order Details]"),
            ("\"dbo\".\"Order Details\"", "dbo.[Order Details]"),
            (" [sales] . customers ", "Sales.Customers"),
            ("customers", "dbo.Customers"),
        ] {
            assert_eq!(choose(&tables, given).unwrap().name.to_string(), means);
        }
    }

    #[test]
    fn an_ambiguous_name_lists_every_candidate() {
        assert_eq!(
            choose(&database(), "salesorderdetail").unwrap_err(),
            Error::AmbiguousName(vec![
                "Sales.SalesOrderDetail".into(),
                "Archive.SalesOrderDetail".into()
            ])
        );
    }

    #[test]
    fn an_unknown_name_lists_the_nearest_first() {
        let Err(Error::UnknownName(names)) = choose(&database(), "Ordrs") else {
            panic!("found");
        };
        assert_eq!(names.first().map(String::as_str), Some("dbo.Orders"));
        let Err(Error::UnknownName(none)) = choose(&database(), "zzz") else {
            panic!("found");
        };
        assert!(none.is_empty(), "{none:?}");
    }

    #[test]
    fn broken_quoting_and_too_many_parts_are_unknown() {
        for given in [
            "",
            "[Orders",
            "a.b.c",
            "x]; DROP TABLE y--",
            "dbo..Orders",
            "[a]b",
        ] {
            assert!(
                matches!(choose(&database(), given), Err(Error::UnknownName(_))),
                "{given}"
            );
        }
    }

    #[test]
    fn a_doubled_bracket_stands_for_one() {
        assert_eq!(parts("[a]]b].c"), Some(vec!["a]b".into(), "c".into()]));
    }
}
