//! JSON_VALUE, JSON_QUERY, ISJSON and the rows of OPENJSON, in lax mode unless
//! the path says `strict`.

use rusqlite::Connection;
use rusqlite::types::Value as Stored;
use serde_json::Value as Json;

use super::{scalar, strict};
use crate::engine::convert::convert;
use crate::engine::error::{Result, error};
use crate::engine::storage::encode;
use crate::value::{Length, SqlType, Value};

pub(super) fn register(c: &Connection) -> rusqlite::Result<()> {
    strict(c, "j_is", 1, |a| {
        Ok(Stored::Integer(i64::from(matches!(
            serde_json::from_str::<Json>(a.text(0)),
            Ok(Json::Object(_) | Json::Array(_))
        ))))
    })?;
    strict(c, "j_value", 2, |a| {
        let json = parse(a.text(0))?;
        Ok(at(&json, a.text(1))?
            .and_then(scalar_text)
            .map_or(Stored::Null, Stored::Text))
    })?;
    strict(c, "j_query", 2, |a| {
        let json = parse(a.text(0))?;
        Ok(match at(&json, a.text(1))? {
            Some(found @ (Json::Object(_) | Json::Array(_))) => Stored::Text(found.to_string()),
            _ => Stored::Null,
        })
    })?;
    // j_open(json, path): an array of [key, value, type]
    strict(c, "j_open", 2, |a| {
        let json = parse(a.text(0))?;
        let rows: Vec<Json> = match at(&json, a.text(1))? {
            Some(Json::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(i, v)| open_row(&i.to_string(), v))
                .collect(),
            Some(Json::Object(members)) => members.iter().map(|(k, v)| open_row(k, v)).collect(),
            _ => Vec::new(),
        };
        Ok(Stored::Text(Json::Array(rows).to_string()))
    })?;
    // j_rows(json, path): the elements that OPENJSON … WITH turns into rows
    strict(c, "j_rows", 2, |a| {
        let json = parse(a.text(0))?;
        Ok(Stored::Text(match at(&json, a.text(1))? {
            Some(array @ Json::Array(_)) => array.to_string(),
            Some(object @ Json::Object(_)) => Json::Array(vec![object.clone()]).to_string(),
            _ => "[]".into(),
        }))
    })?;
    // j_column(element, path, type, as json)
    scalar(c, "j_column", 4, |a| {
        if a.null(0) {
            return Ok(Stored::Null);
        }
        let json: Json = serde_json::from_str(a.text(0)).unwrap_or(Json::Null);
        let found = at(&json, a.text(1))?;
        if a.int(3) != 0 {
            return Ok(match found {
                Some(part @ (Json::Object(_) | Json::Array(_))) => Stored::Text(part.to_string()),
                _ => Stored::Null,
            });
        }
        let Some(text) = found.and_then(scalar_text) else {
            return Ok(Stored::Null);
        };
        convert(
            Value::Text(text),
            SqlType::NVarChar(Length::Max),
            a.sql_type(2),
            None,
        )
        .map(|v| encode(&v))
    })
}

/// 13609
fn parse(text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|_| {
        error(
            13609,
            "JSON text is not properly formatted. Unexpected character is found.",
        )
    })
}

fn open_row(key: &str, value: &Json) -> Json {
    let (text, kind) = match value {
        Json::Null => (Json::Null, 0),
        Json::String(s) => (Json::String(s.clone()), 1),
        Json::Number(n) => (Json::String(n.to_string()), 2),
        Json::Bool(b) => (Json::String(b.to_string()), 3),
        Json::Array(_) => (Json::String(value.to_string()), 4),
        Json::Object(_) => (Json::String(value.to_string()), 5),
    };
    Json::Array(vec![Json::String(key.to_owned()), text, Json::from(kind)])
}

fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::String(s) => Some(s.clone()),
        Json::Number(n) => Some(n.to_string()),
        Json::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// Follows `$.a."b c"[0]`.
fn at<'j>(json: &'j Json, path: &str) -> Result<Option<&'j Json>> {
    let bad = || {
        error(
            13607,
            format!(
                "JSON path is not properly formatted. Unexpected character is found at position 0. ({path})"
            ),
        )
    };
    let trimmed = path.trim();
    let (is_strict, rest) = match trimmed.strip_prefix("strict ") {
        Some(rest) => (true, rest.trim_start()),
        None => (
            false,
            trimmed.strip_prefix("lax ").unwrap_or(trimmed).trim_start(),
        ),
    };
    let mut rest = rest.strip_prefix('$').ok_or_else(bad)?;
    let mut current = Some(json);
    while !rest.is_empty() {
        let next;
        if let Some(member) = rest.strip_prefix('.') {
            let (name, after) = match member.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(bad)?,
                None => member.split_at(member.find(['.', '[']).unwrap_or(member.len())),
            };
            if name.is_empty() {
                return Err(bad());
            }
            next = current
                .and_then(|c| c.as_object())
                .and_then(|o| o.get(name));
            rest = after;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']').ok_or_else(bad)?;
            let number: usize = number.trim().parse().map_err(|_| bad())?;
            next = current
                .and_then(|c| c.as_array())
                .and_then(|a| a.get(number));
            rest = after;
        } else {
            return Err(bad());
        }
        if next.is_none() && is_strict {
            return Err(error(
                13608,
                "Property cannot be found on the specified JSON path.",
            ));
        }
        current = next;
    }
    Ok(current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_members_and_elements() {
        let json: Json = serde_json::from_str(r#"{"a":{"b c":[1,{"d":"x"}]}}"#).unwrap();
        assert_eq!(
            at(&json, r#"$.a."b c"[1].d"#).unwrap(),
            Some(&Json::from("x"))
        );
        assert_eq!(at(&json, "$.z.y").unwrap(), None);
        assert_eq!(at(&json, "strict $.z").unwrap_err().number, 13608);
        assert!(at(&json, "a").is_err());
    }
}
