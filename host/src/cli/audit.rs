//! `mssql-mcp audit`: the lines of the files that a configuration names, oldest
//! first, also while they are written.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::builder::PossibleValuesParser;

use super::audit_row::Row;
use super::config::ConfigArguments;
use super::exit::{NothingDone, UsageError, out};
use crate::audit::{Event, Names, is_refusal};
use crate::clock::Clock;
use crate::config::Config;

/// `mssql-mcp audit`
#[derive(Debug, clap::Args)]
pub(super) struct AuditArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Lines of this person
    #[arg(long)]
    user: Option<String>,
    /// Lines of this scope
    #[arg(long)]
    scope: Option<String>,
    /// Lines since then: a time ago (24h, 7d), a day (2026-11-21), or RFC 3339
    #[arg(long)]
    since: Option<String>,
    /// Lines of this event
    #[arg(long, value_parser = PossibleValuesParser::new(Event::ALL.map(Event::name)))]
    event: Option<String>,
    /// Lines of what was not allowed
    #[arg(long)]
    refused: bool,
    /// The lines as they are, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: AuditArguments) -> anyhow::Result<()> {
    let config = arguments.config.source().read()?;
    let files = files(&config, arguments.scope.as_deref())?;
    let filter = Filter::new(arguments)?;
    let mut out = out();
    let shown = files
        .iter()
        .try_for_each(|file| show(file, &filter, &mut out));
    match shown.and_then(|()| out.flush()) {
        // `mssql-mcp audit | head`
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        shown => Ok(shown?),
    }
}

/// The files of one scope, or of all.
pub(super) fn files(config: &Config, scope: Option<&str>) -> anyhow::Result<BTreeSet<PathBuf>> {
    if let Some(scope) = scope
        && !config.scopes.contains_key(scope)
    {
        let names: Vec<&str> = config.scopes.keys().map(String::as_str).collect();
        let names = names.join(", ");
        return Err(UsageError(format!("there is no scope \"{scope}\"; there is {names}")).into());
    }
    let wanted = config
        .scopes
        .iter()
        .filter(|(name, _)| scope.is_none_or(|scope| scope == *name));
    let files: BTreeSet<PathBuf> = wanted
        .filter_map(|(_, section)| section.audit.file.clone())
        .collect();
    if files.is_empty() {
        let scope = scope.unwrap_or("NAME");
        return Err(NothingDone(format!(
            "The audit goes to the log (target \"audit\"); to have it in a file set \
             scopes.{scope}.audit = {{ file = \"/var/log/mssql-mcp/audit.jsonl\" }}"
        ))
        .into());
    }
    Ok(files)
}

/// Shows what passes the filter of one file and its older parts.
fn show(path: &Path, filter: &Filter, out: &mut impl Write) -> io::Result<()> {
    walk(path, filter.since_day(), &mut |line| {
        let Ok(row) = serde_json::from_slice::<Row<'_>>(line) else {
            return Ok(false);
        };
        if filter.admits(&row) {
            if filter.json {
                out.write_all(line)?;
            } else {
                writeln!(out, "{}", text(&row))?;
            }
        }
        Ok(true)
    })
}

/// Hands each line of one file and its older parts to `visit`, oldest first, those of
/// parts before `since` left out. `visit` says whether it is a line.
pub(super) fn walk(
    path: &Path,
    since: Option<NaiveDate>,
    visit: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let named = |path: &Path, error: &io::Error| {
        io::Error::new(
            error.kind(),
            format!(
                "{} cannot be read: {error}; run the command as a user who may",
                path.display()
            ),
        )
    };
    let names = Names::of(path);
    // Opened before the parts are listed: if it becomes one meanwhile it is known.
    let current = match File::open(path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(named(path, &error)),
    };
    let parts = match names.parts() {
        Ok(parts) => parts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(named(path, &error)),
    };
    let mut unreadable = 0;
    for part in parts {
        if since.is_some_and(|since| part.day < since) {
            continue;
        }
        let file = match File::open(&part.path) {
            Ok(file) => file,
            // Its time was over.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(named(&part.path, &error)),
        };
        if !current
            .as_ref()
            .is_some_and(|current| is_same(current, &file))
        {
            unreadable += lines(file, visit)?;
        }
    }
    if let Some(current) = current {
        unreadable += lines(current, visit)?;
    }
    if unreadable > 0 {
        tracing::warn!(
            "{unreadable} lines of {} are no audit lines",
            path.display()
        );
    }
    Ok(())
}

/// Visits lines; how many are none. What comes after the last line break is still
/// being written.
fn lines(file: File, visit: &mut dyn FnMut(&[u8]) -> io::Result<bool>) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let mut line = Vec::new();
    let mut unreadable = 0;
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.last() != Some(&b'\n') {
            break;
        }
        unreadable += u64::from(!visit(&line)?);
        line.clear();
    }
    Ok(unreadable)
}

#[cfg(unix)]
fn is_same(one: &File, other: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |file: &File| file.metadata().map(|found| (found.dev(), found.ino())).ok();
    id(one).is_some() && id(one) == id(other)
}

/// Where files have no numbers an open one cannot be renamed.
#[cfg(not(unix))]
fn is_same(_: &File, _: &File) -> bool {
    false
}

/// Which lines are shown, and how.
struct Filter {
    user: Option<String>,
    scope: Option<String>,
    /// As lines write it, so that it compares as text.
    since: Option<String>,
    event: Option<String>,
    refused: bool,
    json: bool,
}

impl Filter {
    fn new(arguments: AuditArguments) -> Result<Self, UsageError> {
        let now = Clock::system().now();
        let now = DateTime::from_timestamp_millis(now.0).unwrap_or_default();
        let since = arguments.since.as_deref();
        Ok(Self {
            user: arguments.user,
            scope: arguments.scope,
            since: since.map(|text| since_of(text, now)).transpose()?,
            event: arguments.event,
            refused: arguments.refused,
            json: arguments.json,
        })
    }

    fn since_day(&self) -> Option<NaiveDate> {
        self.since.as_deref()?.get(..10)?.parse().ok()
    }

    fn admits(&self, row: &Row<'_>) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
        };
        let refused = || {
            let mut codes = row.statements.iter().filter_map(|s| s.code.as_deref());
            row.outcome == "refused" || codes.any(is_refusal)
        };
        is(&self.user, row.subject.as_deref())
            && is(&self.scope, row.scope.as_deref())
            && is(&self.event, Some(&row.event))
            && self
                .since
                .as_deref()
                .is_none_or(|since| *row.time >= *since)
            && (!self.refused || refused())
    }
}

/// The moment that `text` means, as lines write it.
pub(super) fn since_of(text: &str, now: DateTime<Utc>) -> Result<String, UsageError> {
    let moment = if let Ok(ago) = humantime_serde::re::humantime::parse_duration(text) {
        chrono::Duration::from_std(ago)
            .ok()
            .and_then(|ago| now.checked_sub_signed(ago))
    } else if let Ok(day) = text.parse::<NaiveDate>() {
        day.and_hms_opt(0, 0, 0).map(|start| start.and_utc())
    } else {
        text.parse::<DateTime<Utc>>().ok()
    };
    let moment = moment.ok_or_else(|| {
        UsageError(format!(
            "--since {text} is no time; write 24h, 7d, 2026-11-21 or 2026-11-21T08:00:00Z (UTC)"
        ))
    })?;
    Ok(moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// One line for people.
fn text(row: &Row<'_>) -> String {
    let shown = |field: &Option<Cow<'_, str>>| match field {
        Some(text) => plain(text),
        None => "-".to_owned(),
    };
    let outcome = match &row.code {
        Some(code) => format!("{} ({})", plain(&row.outcome), plain(code)),
        None => plain(&row.outcome),
    };
    let client = shown(if row.client_name.is_some() {
        &row.client_name
    } else {
        &row.client_id
    });
    let mut line = format!(
        "{}  {:<13} {outcome:<10} {:<10} {:<20} {client:<16} {}",
        plain(&row.time),
        plain(&row.event),
        shown(&row.scope),
        shown(&row.subject),
        shown(if row.tool.is_some() {
            &row.tool
        } else {
            &row.tool_set
        }),
    );
    // To a string: nothing can fail.
    if let Some(rows) = row.rows {
        let _ = write!(line, "  {rows} rows");
    }
    if let Some(time) = row.wall_us {
        let _ = write!(line, "  {}.{} ms", time / 1_000, time % 1_000 / 100);
    }
    if let (None, Some(address)) = (&row.tool, &row.address) {
        let _ = write!(line, "  from {}", plain(address));
    }
    if let Some(reason) = &row.reason {
        let _ = write!(line, "  {}", plain(reason));
    }
    for statement in &row.statements {
        let sql = statement.sql.as_ref().unwrap_or(&statement.hash);
        let _ = write!(line, "\n    {}", plain(sql));
        if let Some(code) = &statement.code {
            let _ = write!(line, "  ({})", plain(code));
        }
    }
    line
}

/// Without what would steer a terminal: names are those that people and clients
/// chose.
pub(super) fn plain(text: &str) -> String {
    let chars = text.chars();
    chars
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn everything() -> Filter {
        Filter {
            user: None,
            scope: None,
            since: None,
            event: None,
            refused: false,
            json: true,
        }
    }

    fn shown(path: &Path, filter: &Filter) -> String {
        let mut out = Vec::new();
        show(path, filter, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn line(time: &str, rest: &str) -> String {
        format!("{{\"time\":\"{time}\",\"event\":\"tool_call\",{rest}}}\n")
    }

    #[test]
    fn since_is_a_time_ago_a_day_or_a_moment() {
        for (text, meant) in [
            ("24h", Some("2026-11-20T12:00:00.000Z")),
            ("7d", Some("2026-11-14T12:00:00.000Z")),
            ("2026-11-01", Some("2026-11-01T00:00:00.000Z")),
            (
                "2026-11-21T08:00:00+01:00",
                Some("2026-11-21T07:00:00.000Z"),
            ),
            ("yesterday", None),
            ("9000000000000000y", None),
        ] {
            assert_eq!(since_of(text, now()).ok().as_deref(), meant, "{text}");
        }
    }

    #[test]
    fn parts_come_before_the_file_and_a_torn_line_is_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let times = ["2026-11-19", "2026-11-20", "2026-11-21"];
        let [first, second, third] =
            times.map(|day| line(&format!("{day}T10:00:00.000Z"), r#""outcome":"ok""#));
        let part = |name: &str| folder.path().join(format!("audit-{name}.jsonl"));
        std::fs::write(part("2026-11-20.001"), &second).unwrap();
        std::fs::write(part("2026-11-19.001"), format!("{first}garbage\n")).unwrap();
        std::fs::write(&path, format!("{third}{{\"time\":\"2026-11-2")).unwrap();
        std::fs::write(part("old"), "not ours\n").unwrap();
        let all = shown(&path, &everything());
        assert_eq!(all, format!("{first}{second}{third}"));
        let since = Filter {
            since: Some(since_of("2026-11-20", now()).unwrap()),
            ..everything()
        };
        assert_eq!(shown(&path, &since), format!("{second}{third}"));
    }

    #[test]
    fn a_filter_lets_through_what_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let of = |rest: &str| line("2026-11-21T10:00:00.000Z", rest);
        let ana = of(r#""outcome":"ok","subject":"ana","scope":"a""#);
        let bob = of(r#""outcome":"refused","code":"write-not-allowed","subject":"bob""#);
        let hidden = of(
            r#""outcome":"ok","subject":"bob","statements":[{"hash":"x","tables":[],"code":"table-not-allowed"}]"#,
        );
        std::fs::write(&path, [&*ana, &bob, &hidden].concat()).unwrap();
        let user = Filter {
            user: Some("ANA".to_owned()),
            ..everything()
        };
        assert_eq!(shown(&path, &user), ana);
        let scope = Filter {
            scope: Some("a".to_owned()),
            ..everything()
        };
        assert_eq!(shown(&path, &scope), ana);
        let refused = Filter {
            refused: true,
            ..everything()
        };
        assert_eq!(shown(&path, &refused), [bob, hidden].concat());
        let event = Filter {
            event: Some("sign_in".to_owned()),
            ..everything()
        };
        assert_eq!(shown(&path, &event), "");
    }

    #[test]
    fn what_people_read_does_not_steer_their_terminal() {
        let row = r#"{"time":"t","event":"sign_in","outcome":"done","subject":"a\u001b[2Jb","statements":[{"sql":"SELECT\n?"}]}"#;
        let text = text(&serde_json::from_str(row).unwrap());
        assert!(text.contains("a\u{fffd}[2Jb"), "{text}");
        assert!(text.ends_with("\n    SELECT\u{fffd}?"), "{text}");
    }
}
