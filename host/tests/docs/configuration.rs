//! Blocks of TOML that are a configuration, or a part of one.

use mssql_mcp::config::Config;
use toml::{Table, Value};

use crate::markdown::Block;

/// Whether the program takes `block`: as it is when it is a whole configuration, else
/// laid over one. What is marked as a fragment has only to be TOML.
pub(super) fn check(block: &Block) -> Result<(), String> {
    let table: Table = toml::from_str(&block.text).map_err(|error| error.to_string())?;
    if let Some(mark) = &block.mark {
        return match mark.strip_prefix("fragment: ") {
            Some(_) => Ok(()),
            None => Err(format!("\"{mark}\" is no mark of docs/development.md")),
        };
    }
    let whole = ["http", "databases", "scopes"]
        .iter()
        .all(|section| table.contains_key(*section));
    let text = if whole {
        block.text.clone()
    } else {
        toml::to_string(&completed(table)).map_err(|error| error.to_string())?
    };
    match Config::parse(&text, "the block") {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// `part` over a configuration that has what parts name and do not show.
fn completed(part: Table) -> Table {
    let mut whole: Table = toml::from_str(WHOLE).unwrap();
    merge(&mut whole, part);
    let scopes = whole.get_mut("scopes").and_then(Value::as_table_mut);
    for (_, scope) in scopes.unwrap().iter_mut() {
        let scope = scope.as_table_mut().unwrap();
        for (key, value) in [("databases", "sales"), ("tool_sets", "claude-tools")] {
            if !scope.contains_key(key) {
                scope.insert(key.to_owned(), Value::from(vec![value]));
            }
        }
    }
    whole
}

fn merge(whole: &mut Table, part: Table) {
    for (key, value) in part {
        match value {
            Value::Table(part) if whole.get(&key).is_some_and(Value::is_table) => {
                if let Some(Value::Table(whole)) = whole.get_mut(&key) {
                    merge(whole, part);
                }
            }
            value => {
                whole.insert(key, value);
            }
        }
    }
}

const WHOLE: &str = r#"
[databases.sales]
host = "sql.example.com"
database = "Sales"
user = "mcp_reader"
password = "…"
[scopes.claude]
tool_sets = ["claude-tools"]
databases = ["sales"]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(mark: Option<&str>, text: &str) -> Result<(), String> {
        check(&Block {
            line: 1,
            language: "toml".to_owned(),
            mark: mark.map(ToOwned::to_owned),
            text: text.to_owned(),
        })
    }

    #[test]
    fn a_key_that_is_not_known_is_found_in_a_part_too() {
        assert_eq!(said(None, "[scopes.claude]\nmax_rows = 5\n"), Ok(()));
        assert_eq!(said(None, "[scopes.other.limits]\ncpu = \"1s\"\n"), Ok(()));
        assert!(said(None, "[scopes.claude]\nmax_row = 5\n").is_err());
        assert!(said(None, WHOLE.replace("Sales", "S\"").as_str()).is_err());
        assert_eq!(said(Some("fragment: of a test"), "[[call]]\n"), Ok(()));
        assert!(said(Some("fragment: of a test"), "[[call]\n").is_err());
        assert!(said(Some("whatever"), "a = 1\n").is_err());
    }
}
