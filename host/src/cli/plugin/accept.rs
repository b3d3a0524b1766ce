//! `mssql-mcp plugin accept`: shows what is new in a version that waits, and lets
//! it serve. A running server does so within a second.

use crate::app;
use crate::cli::exit::{NothingDone, UsageError, print};
use crate::config::Source;

pub(super) fn run(name: Option<&str>, digest: Option<&str>, source: &Source) -> anyhow::Result<()> {
    let config = source.read()?;
    let Some(lock) = app::lock(&config) else {
        return Err(UsageError("there is no lock: tool_sets.lock is \"off\"".to_owned()).into());
    };
    let Some(name) = name else {
        let waiting = lock.waiting()?;
        return match waiting.as_slice() {
            [] => Err(NothingDone("no version waits".to_owned()).into()),
            names => print(&names.join("\n")),
        };
    };
    let Some(parked) = lock.parked(name)? else {
        return Err(NothingDone(format!("no version of \"{name}\" waits")).into());
    };
    let Some(digest) = digest else {
        print(&format!(
            "sha256:{} serves\nsha256:{} waits{}",
            parked.accepted,
            parked.digest,
            // The file alone does not say why.
            if parked.digest == parked.accepted {
                ": the same file, which describes itself otherwise now"
            } else {
                ""
            }
        ))?;
        for change in &parked.changes {
            print(&format!("  {change}"))?;
        }
        return print(&format!(
            "To accept it: mssql-mcp plugin accept {name} --digest {}{}",
            parked.digest,
            source.option()
        ));
    };
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    if !lock.accept(name, digest)? {
        return Err(NothingDone(format!(
            "what waits is sha256:{}, not that one; look at it again",
            parked.digest
        ))
        .into());
    }
    print(&format!("sha256:{digest} may serve as \"{name}\""))
}
