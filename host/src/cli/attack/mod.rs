//! `mssql-mcp attack`: loads hostile tool sets into this very program, serves them
//! over HTTP on loopback beside an honest scope, and tells for each what contained
//! it, how long recovery took, and what others felt. All is judged by what can be
//! seen from outside: replies, times, memory, processor, log, and bait.

mod attacks;
mod bait;
mod call;
mod client;
mod file;
mod files;
mod forge;
mod gauge;
mod leave;
mod others;
mod plan;
mod report;
mod stage;

pub use self::plan::Plan;
pub use self::report::{Others, Report, Row};

use self::attacks::{ATTACKS, Attack, Kind};
use self::others::Watch;
use self::stage::Stage;
use super::config::ConfigArguments;
use super::exit::{NothingDone, UsageError, print};
use crate::config::{LimitsSection, Source};

/// `mssql-mcp attack`
#[derive(Debug, clap::Args)]
pub(super) struct AttackArguments {
    // For --scope.
    #[command(flatten)]
    config: ConfigArguments,
    /// Scope of the configuration whose limits are to hold; without it the usual limits
    #[arg(long)]
    scope: Option<String>,
    /// Only the attacks whose names contain this; may be given several times
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: AttackArguments) -> anyhow::Result<()> {
    let limits = match &arguments.scope {
        Some(scope) => limits_of(&arguments.config.source(), scope)?,
        None => LimitsSection::default(),
    };
    let plan = Plan {
        only: arguments.only,
        ..Plan::under(&limits)
    };
    if !arguments.json {
        print(&report::head(&plan.limits, plan.callers))?;
    }
    let report = attack(&plan, |row| match arguments.json {
        true => Ok(()),
        false => print(&report::line(row)),
    })
    .await?;
    print(&if arguments.json {
        report.json()
    } else {
        report.sum()
    })?;
    if report.rows.is_empty() {
        let only = plan.only.join(", ");
        return Err(UsageError(format!("--only {only}: no attack has that in its name")).into());
    }
    match report.rows.iter().filter(|row| !row.contained).count() {
        0 => Ok(()),
        1 => Err(NothingDone("one attack is not contained".to_owned()).into()),
        count => Err(NothingDone(format!("{count} attacks are not contained")).into()),
    }
}

/// Attacks as `plan` says, and tells `done` of each attack when it is over.
///
/// # Errors
/// The product does not start, or its honest scope does not answer.
pub async fn attack(
    plan: &Plan,
    done: impl Fn(&Row) -> anyhow::Result<()>,
) -> anyhow::Result<Report> {
    let stage = Stage::set(plan).await?;
    let mut rows = Vec::new();
    for attack in ATTACKS {
        let mut wanted = plan.only.iter();
        if !plan.only.is_empty() && !wanted.any(|wanted| attack.name.contains(wanted)) {
            continue;
        }
        let mut row = once(&stage, plan, attack).await?;
        // Other programs slow small calls down, too, but not each time.
        for _ in 1..TRIES {
            if !row.only_others_waited {
                break;
            }
            let tries = row.tries + 1;
            row = Row {
                tries,
                ..once(&stage, plan, attack).await?
            };
        }
        done(&row)?;
        rows.push(row);
    }
    stage.end();
    Ok(Report {
        limits: plan.limits,
        callers: plan.callers,
        rows,
    })
}

async fn once(stage: &Stage, plan: &Plan, attack: &Attack) -> anyhow::Result<Row> {
    let watch = Watch::begin(stage, plan).await?;
    let seen = match &attack.kind {
        Kind::Call(call) => call::run(stage, plan, call).await,
        Kind::File(file) => file::run(stage, plan, file).await?,
        Kind::Leave(tool) => leave::run(stage, plan, tool).await,
    };
    Ok(watch.end(stage, plan, attack.name, seen).await)
}

/// How often an attack is made that others seem to feel.
const TRIES: usize = 3;

fn limits_of(source: &Source, scope: &str) -> anyhow::Result<LimitsSection> {
    let config = source.read()?;
    let Some(section) = config.scopes.get(scope) else {
        let known: Vec<&str> = config.scopes.keys().map(String::as_str).collect();
        return Err(UsageError(format!(
            "--scope {scope}: there is no such scope; there is {}",
            known.join(", ")
        ))
        .into());
    };
    Ok(section.limits)
}
