//! Whether the file can be served: it has no mistake, and the host takes its
//! statements.

use mssql_mcp_sdk::{Access, Error, Host, Options};

use crate::file::File;
use crate::mistake::Mistake;
use crate::parameter::Parameter;
use crate::template::Template;

/// Tries every template that reads with its defaults, or NULL.
///
/// # Errors
/// One sentence for the operator: the mistake in the file, or the statement that
/// will never run. A server that is away or an error of its own is no reason.
pub fn self_test<H: Host>(host: &H, file: &Result<File, Mistake>) -> Result<(), String> {
    let file = file.as_ref().map_err(ToString::to_string)?;
    for template in &file.templates {
        if host.remaining_ms() < RESERVE_MS {
            break;
        }
        if template.access == Access::Write {
            continue;
        }
        match refusal(host, template) {
            Ok(None) => {}
            Ok(Some(mistake)) => return Err(mistake.to_string()),
            Err(Unreachable) => break,
        }
    }
    Ok(())
}

/// No further template would be answered.
struct Unreachable;

fn refusal<H: Host>(host: &H, template: &Template) -> Result<Option<Mistake>, Unreachable> {
    let parameters = template.parameters.iter();
    let params: Vec<_> = parameters.map(Parameter::bind_for_a_try).collect();
    let options = Options {
        max_rows: Some(1),
        max_bytes: None,
        timeout_ms: Some(TRY_MS),
        cache_ttl_ms: None,
    };
    let answer = host.query(&template.database, &template.sql, &params, Some(options));
    let (key, message) = match answer.map(drop) {
        Err(Error::Denied(denial)) => (
            "sql".to_owned(),
            match denial.hint {
                Some(hint) => format!("{} {hint}", denial.message),
                None => denial.message,
            },
        ),
        Err(Error::InvalidStatement(message)) => ("sql".to_owned(), message),
        Err(Error::InvalidParameter((name, message))) => (format!("parameters.{name}"), message),
        Err(Error::UnknownName(known)) if !template.database.is_empty() => (
            "database".to_owned(),
            format!("is none of this scope's; there is {}", known.join(", ")),
        ),
        Err(Error::Unavailable(_) | Error::Busy | Error::Cancelled) => return Err(Unreachable),
        Ok(()) | Err(_) => return Ok(None),
    };
    let mistake = Mistake::new(message)
        .line(template.sql_line)
        .tool(format!("{:?}", template.name))
        .key(key);
    Ok(Some(mistake))
}

/// Time for one statement: what is slow was let through, which is the question.
const TRY_MS: u32 = 1_000;
/// Time to leave for the answer.
const RESERVE_MS: u64 = 500;
