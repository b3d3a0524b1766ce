//! What lines of the audit say together: the first, second, fourth and fifth check.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Said;
use super::signs::signs;
use crate::cli::audit::plain;
use crate::cli::audit_row::Row;

/// How often something was, and when last.
#[derive(Debug, Default)]
struct Often {
    count: u64,
    last: String,
}

impl Often {
    fn add(&mut self, count: u64, time: &str) {
        self.count += count;
        if *time > *self.last {
            time.clone_into(&mut self.last);
        }
    }
}

/// Counts of what was seen, by what tells them apart.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By event, name that was typed, and address.
    failed_sign_ins: BTreeMap<(String, String), Often>,
    /// By address.
    refused_requests: BTreeMap<String, Often>,
    /// By what it means, and whose it was.
    stolen: BTreeMap<(String, String), Often>,
    /// By sign, who, and what became of it.
    signs: BTreeMap<(&'static str, String, String), Often>,
    /// By who.
    refused_statements: BTreeMap<String, Often>,
    writes: BTreeMap<String, Often>,
    /// By who and address.
    connections: BTreeMap<(String, String), Often>,
    by_operator: BTreeMap<String, Often>,
    registrations: u64,
}

impl Seen {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let count = 1 + row.suppressed;
        let text =
            |field: &Option<Cow<'_, str>>| field.as_deref().map_or_else(|| "-".to_owned(), plain);
        let address = text(&row.address);
        let who = who(row);
        let refused = row.outcome == "refused";
        match &*row.event {
            _ if row.by.is_some() => {
                let done = format!("{} {}", plain(&row.event), text(&row.subject));
                self.by_operator.entry(done).or_default().add(1, &row.time);
                return;
            }
            "sign_in" if refused => {
                let key = (text(&row.subject), address);
                self.failed_sign_ins
                    .entry(key)
                    .or_default()
                    .add(count, &row.time);
                return;
            }
            "registration" if !refused => self.registrations += 1,
            "access" | "code_exchange" | "refresh" | "registration" if refused => {
                let reason = row.reason.as_deref().unwrap_or_default();
                if let Some(meaning) = meaning(reason) {
                    let key = (meaning.to_owned(), who);
                    self.stolen.entry(key).or_default().add(count, &row.time);
                }
                let of_address = self.refused_requests.entry(address).or_default();
                of_address.add(count, &row.time);
                return;
            }
            _ => {}
        }
        if row.subject.is_some() {
            let key = (who.clone(), address);
            self.connections.entry(key).or_default().add(1, &row.time);
        }
        let mut wrote = row.code.as_deref() == Some(WRITE);
        for statement in &row.statements {
            let code = statement.code.as_deref();
            wrote |= code == Some(WRITE);
            if code.is_some_and(|code| code.ends_with("-not-allowed") && code != WRITE) {
                let of_who = self.refused_statements.entry(who.clone()).or_default();
                of_who.add(1, &row.time);
            }
            for sign in signs(statement.sql.as_deref().unwrap_or_default()) {
                let became = code.map_or_else(|| "it ran".to_owned(), plain);
                let which = format!("{became}, statement {}", plain(&statement.hash));
                let key = (sign, who.clone(), which);
                self.signs.entry(key).or_default().add(1, &row.time);
            }
        }
        if wrote {
            self.writes.entry(who).or_default().add(1, &row.time);
        }
    }

    /// Failed authentication, statements that try things, blocked writes, connections.
    pub(super) fn tell(&self, said: &mut Said) {
        self.authentication(said);
        for ((sign, who, which), often) in &self.signs {
            said.found(
                "injection",
                format!("{sign}: {who}, {} ({which})", times(often)),
            );
        }
        for (who, often) in &self.refused_statements {
            if often.count >= PROBING {
                said.found(
                    "injection",
                    format!("the guard refused {} statements of {who}", often.count),
                );
            }
        }
        for (who, often) in &self.writes {
            said.found(
                "writes",
                format!("a write was asked for and refused: {who}, {}", times(often)),
            );
        }
        let mut recent: Vec<_> = self.connections.iter().collect();
        recent.sort_by(|(_, one), (_, other)| other.last.cmp(&one.last));
        for ((who, address), often) in recent.iter().take(CONNECTIONS) {
            said.note(
                "connections",
                format!("{who} from {address}, {}", times(often)),
            );
        }
        if recent.len() > CONNECTIONS {
            let more = recent.len() - CONNECTIONS;
            said.note(
                "connections",
                format!("{more} more; `mssql-mcp audit` lists them"),
            );
        }
        if self.registrations > 0 {
            said.note(
                "connections",
                format!("{} clients registered", self.registrations),
            );
        }
        for (what, often) in &self.by_operator {
            said.note("operator", format!("{what}, {}", times(often)));
        }
    }

    fn authentication(&self, said: &mut Said) {
        let (mut by_name, mut by_address) = (BTreeMap::new(), BTreeMap::new());
        for ((name, address), often) in &self.failed_sign_ins {
            let of_name: &mut Often = by_name.entry(name).or_default();
            of_name.add(often.count, &often.last);
            let of_address: &mut Often = by_address.entry(address).or_default();
            of_address.add(often.count, &often.last);
        }
        for (kind, counted) in [("as", by_name), ("from", by_address)] {
            let many = counted.iter().filter(|(_, often)| often.count >= SIGN_INS);
            for (what, often) in many {
                let sentence = format!("sign-ins failed {kind} {what}, {}", times(often));
                said.found("authentication", sentence);
            }
        }
        for ((meaning, who), often) in &self.stolen {
            said.found(
                "authentication",
                format!("{meaning}: {who}, {}", times(often)),
            );
        }
        for (address, often) in &self.refused_requests {
            if often.count >= REQUESTS {
                let sentence = format!(
                    "requests without a good token from {address}, {}",
                    times(often)
                );
                said.found("authentication", sentence);
            }
        }
        let failed = self.failed_sign_ins.values().map(|often| often.count);
        let refused = self.refused_requests.values().map(|often| often.count);
        let sentence = format!(
            "{} failed sign-ins, {} requests without a good token",
            failed.sum::<u64>(),
            refused.sum::<u64>()
        );
        said.note("authentication", sentence);
    }
}

fn times(often: &Often) -> String {
    match often.count {
        1 => format!("at {}", often.last),
        count => format!("{count} times, the last at {}", often.last),
    }
}

/// Person, client and scope, as far as they are known.
fn who(row: &Row<'_>) -> String {
    let client = row.client_name.as_ref().or(row.client_id.as_ref());
    let mut who = row
        .subject
        .as_deref()
        .map_or_else(|| "somebody unknown".to_owned(), plain);
    if let Some(client) = client {
        who = format!("{who} with {}", plain(client));
    }
    if let Some(scope) = &row.scope {
        who = format!("{who} in {}", plain(scope));
    }
    who
}

/// What a reason of a refusal means where it means more than a token that has expired.
fn meaning(reason: &str) -> Option<&'static str> {
    let known = REASONS.iter().find(|(start, _)| reason.starts_with(start));
    known.map(|(_, meaning)| *meaning)
}

const REASONS: &[(&str, &str)] = &[
    (
        "the refresh token was used before",
        "a refresh token was used twice, so one of two who have it stole it",
    ),
    ("the code was redeemed before", "a code was redeemed twice"),
    (
        "in the address",
        "a token was sent in an address, where logs keep it",
    ),
    (
        "of another scope",
        "a token was tried at a scope that it is not for",
    ),
    (
        "person not admitted",
        "somebody who may no longer enter came with a token",
    ),
];
const WRITE: &str = "write-not-allowed";
/// People mistype; programs that guess do it more often.
const SIGN_INS: u64 = 5;
/// A client whose token expired is refused once, and renews it.
const REQUESTS: u64 = 50;
/// A model that errs is told what to write instead, and does not go on like this.
const PROBING: u64 = 20;
/// As many as the script that this replaces has shown.
const CONNECTIONS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lines: &[&str]) -> Said {
        let mut seen = Seen::default();
        for line in lines {
            let line =
                format!(r#"{{"time":"2026-11-21T10:00:00.000Z","outcome":"refused",{line}}}"#);
            seen.add(&serde_json::from_str(&line).unwrap());
        }
        let mut said = Said::default();
        seen.tell(&mut said);
        said
    }

    #[test]
    fn one_wrong_password_is_a_slip_and_five_are_a_finding() {
        let wrong = r#""event":"sign_in","subject":"ana","address":"192.0.2.1""#;
        assert_eq!(seen(&[wrong; 4]).findings(), [""; 0]);
        let findings = seen(&[wrong; 5]).findings();
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(
            findings[0].contains("failed as ana, 5 times"),
            "{findings:?}"
        );
        assert!(
            findings[1].contains("failed from 192.0.2.1"),
            "{findings:?}"
        );
        let suppressed = format!(r#"{wrong},"suppressed":100"#);
        assert_eq!(seen(&[&suppressed]).findings().len(), 2);
    }

    #[test]
    fn writes_signs_and_reuse_are_found_at_once() {
        for (line, told) in [
            (
                r#""event":"tool_call","subject":"ana","client_name":"Claude","scope":"s","code":"write-not-allowed""#,
                "writes: a write was asked for and refused: ana with Claude in s",
            ),
            (
                r#""event":"tool_call","subject":"ana","statements":[{"hash":"h","sql":"DROP TABLE t","code":"statement-not-allowed"}]"#,
                "injection: DROP TABLE: ana, at 2026-11-21T10:00:00.000Z (statement-not-allowed, statement h)",
            ),
            (
                r#""event":"refresh","reason":"the refresh token was used before; its grant is revoked""#,
                "authentication: a refresh token was used twice",
            ),
            (
                r#""event":"access","reason":"of another scope""#,
                "authentication: a token was tried",
            ),
        ] {
            let findings = seen(&[line]).findings();
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with(told), "{findings:?}");
        }
    }

    #[test]
    fn what_is_usual_is_no_finding() {
        let lines = [
            r#""event":"access","code":"invalid_token","reason":"expired","address":"192.0.2.1""#,
            r#""event":"tool_call","subject":"ana","code":"invalid-arguments","statements":[{"hash":"h","sql":"SELECT a FROM t","code":"table-not-allowed"}]"#,
            r#""event":"token_issue","by":"operator","subject":"ana""#,
        ];
        let said = seen(&lines);
        assert_eq!(said.findings(), [""; 0]);
        let notes = said.notes();
        assert!(
            notes.iter().any(|note| note.contains("token_issue ana")),
            "{notes:?}"
        );
        assert!(
            notes.iter().any(|note| note.contains("ana from -")),
            "{notes:?}"
        );
    }
}
