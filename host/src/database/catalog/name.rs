//! Which table a name means.

use super::list::{Tables, fold};
use super::tables::{Table, TableName};
use super::{KEPT, KEPT_FROM_UNKNOWN};
use crate::database::error::Error;
use crate::database::{Inner, policy};

/// See [`Database::resolve`](crate::database::Database::resolve).
pub(in crate::database) async fn resolve(inner: &Inner, name: &str) -> Result<TableName, Error> {
    let parts = parts(name);
    let found = match parts.as_deref() {
        Some([bare]) => look(inner, None, bare, name).await,
        Some([schema, bare]) => look(inner, Some(schema), bare, name).await,
        _ => Err(Error::UnknownName(Vec::new())),
    };
    match found {
        Ok(table) => Ok(table.name),
        Err(Error::UnknownName(_)) => {
            let tables = policy::visible(inner, KEPT).await?;
            match raw(&tables, name) {
                Some(table) => Ok(table.name.clone()),
                None => Err(Error::UnknownName(nearest(&tables, name))),
            }
        }
        Err(error) => Err(error),
    }
}

/// The one table whose name is `given` letter for letter, as a list shows it: with
/// points, brackets and quotes of its own; after its schema or without.
fn raw<'a>(tables: &'a Tables, given: &str) -> Option<&'a Table> {
    let whole = std::iter::once((None, given));
    let split = given
        .match_indices('.')
        .filter_map(|(at, _)| Some((Some(given.get(..at)?), given.get(at + 1..)?)));
    let mut found = whole
        .chain(split)
        .flat_map(|(schema, name)| tables.named(schema, name));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The table of exactly this schema and name.
pub(super) async fn find(inner: &Inner, name: &TableName) -> Result<Table, Error> {
    look(inner, Some(&name.schema), &name.name, &name.to_string()).await
}

/// A name that is not there may be of a table that was made a moment ago.
async fn look(
    inner: &Inner,
    schema: Option<&str>,
    name: &str,
    given: &str,
) -> Result<Table, Error> {
    let mut tables = policy::visible(inner, KEPT).await?;
    if tables.named(schema, name).is_empty() {
        tables = policy::visible(inner, KEPT_FROM_UNKNOWN).await?;
    }
    pick(&tables, schema, name, given).cloned()
}

fn pick<'a>(
    tables: &'a Tables,
    schema: Option<&str>,
    name: &str,
    given: &str,
) -> Result<&'a Table, Error> {
    match tables.named(schema, name).as_slice() {
        [] => Err(Error::UnknownName(nearest(tables, given))),
        [table] => Ok(*table),
        several => {
            // As the server reads it: a bare name is first one of the default
            // schema. Only a case-sensitive database has two that differ in case.
            let meant = |table: &&&Table| match schema {
                Some(schema) => table.name.name == name && table.name.schema == schema,
                None => table.in_default_schema,
            };
            let mut exact = several.iter().filter(meant);
            match (exact.next(), exact.next()) {
                (Some(table), None) => Ok(*table),
                _ => Err(Error::AmbiguousName(
                    several.iter().map(|table| table.name.to_string()).collect(),
                )),
            }
        }
    }
}

/// The parts of a name, quotes undone.
fn parts(name: &str) -> Option<Vec<String>> {
    let parts = split(name)?.into_iter();
    Some(parts.map(|part| part.text).collect())
}

/// A part of a name as somebody wrote it.
pub(in crate::database) struct Part {
    /// Its text, quotes undone.
    pub(in crate::database) text: String,
    pub(in crate::database) is_quoted: bool,
}

/// Splits at dots outside quotes; `None` where the quoting is broken or a part is empty.
pub(in crate::database) fn split(name: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = name.trim();
    loop {
        let (part, after) = match rest.chars().next()? {
            '[' => quoted(rest, ']')?,
            '"' => quoted(rest, '"')?,
            _ => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (part, after) = rest.split_at_checked(end)?;
                let part = Part {
                    text: part.trim().to_owned(),
                    is_quoted: false,
                };
                (part, after)
            }
        };
        if part.text.is_empty() {
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
fn quoted(text: &str, close: char) -> Option<(Part, &str)> {
    let mut part = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((index, next)) = chars.next() {
        if next != close {
            part.push(next);
        } else if chars.next_if(|(_, after)| *after == close).is_some() {
            part.push(close);
        } else {
            let part = Part {
                text: part,
                is_quoted: true,
            };
            return Some((part, text.get(index + close.len_utf8()..)?));
        }
    }
    None
}

/// The names most like `given`, best first.
pub(in crate::database) fn nearest(tables: &Tables, given: &str) -> Vec<String> {
    let wanted = fold(&given.replace(['[', ']', '"'], ""));
    let bare = wanted.rsplit('.').next().unwrap_or(&wanted);
    let qualified = bare.len() < wanted.len();
    let mut full = String::new();
    let mut scored: Vec<(f64, &TableName)> = tables
        .folded()
        .map(|(folded, table)| {
            let name = &folded.name;
            let mut score = strsim::jaro_winkler(bare, name);
            if qualified {
                full.clear();
                full.extend([&*folded.schema, ".", &**name]);
                score = score.max(strsim::jaro_winkler(&wanted, &full));
            }
            let within = !bare.is_empty() && (name.contains(bare) || bare.contains(&**name));
            (if within { score.max(0.9) } else { score }, &table.name)
        })
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(CANDIDATES)
        .map(|(_, name)| name.to_string())
        .collect()
}

/// Below this two words have little but a letter in common.
const ALIKE: f64 = 0.75;
const CANDIDATES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Tables {
        let tables = [
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
        });
        Tables::new(tables.collect())
    }

    fn choose<'a>(tables: &'a Tables, given: &str) -> Result<&'a Table, Error> {
        match parts(given).as_deref() {
            Some([name]) => pick(tables, None, name, given),
            Some([schema, name]) => pick(tables, Some(schema), name, given),
            _ => Err(Error::UnknownName(nearest(tables, given))),
        }
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
    fn a_name_of_odd_characters_is_found_as_it_is_listed_and_as_it_is_quoted() {
        let names = ["a.b", "[x", "50% \"off\"", "it's", "1st", "🙂 ñ", " edge "];
        let table = |name: &str| Table {
            name: TableName {
                schema: "dbo".into(),
                name: name.into(),
            },
            kind: "table",
            approximate_rows: None,
            comment: None,
            object_id: 0,
            in_default_schema: true,
        };
        let tables = Tables::new(names.into_iter().map(table).collect());
        for name in names {
            let found = |given: &str| {
                let parsed = choose(&tables, given).ok();
                parsed
                    .or_else(|| raw(&tables, given))
                    .unwrap()
                    .name
                    .name
                    .clone()
            };
            assert_eq!(found(name), name);
            assert_eq!(found(&format!("dbo.{name}")), name);
            assert_eq!(found(&table(name).name.to_string()), name);
        }
        assert!(raw(&tables, "dbo.a").is_none());
    }

    #[test]
    fn a_doubled_bracket_stands_for_one() {
        assert_eq!(parts("[a]]b].c"), Some(vec!["a]b".into(), "c".into()]));
    }
}
