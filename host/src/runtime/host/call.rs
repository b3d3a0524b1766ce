//! `mssql-mcp:host/call`: the running call and who makes it.

use std::time::Instant;

use crate::runtime::bindings::mssql_mcp::host::call::{Ability, Host, Principal};
use crate::runtime::state::StoreState;
use crate::tools::InputMethod;

impl Host for StoreState {
    fn scope(&mut self) -> wasmtime::Result<String> {
        Ok(self.call()?.0.scope.to_string())
    }

    fn whoami(&mut self) -> wasmtime::Result<Option<Principal>> {
        let (context, _) = self.call()?;
        Ok(context.principal.as_ref().map(|principal| Principal {
            subject: principal.subject.clone(),
            client: principal.client.clone(),
            scopes: principal
                .rights
                .iter()
                .map(|scope| scope.as_str().to_owned())
                .collect(),
        }))
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u64> {
        let (_, deadline) = self.call()?;
        let remaining = deadline.saturating_duration_since(Instant::now());
        Ok(u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX))
    }

    fn cancelled(&mut self) -> wasmtime::Result<bool> {
        Ok(self.call()?.0.cancel.is_cancelled())
    }

    fn progress(
        &mut self,
        done: f64,
        total: Option<f64>,
        message: Option<String>,
    ) -> wasmtime::Result<()> {
        let message = message.as_deref().map(shown);
        if let Some(progress) = &self.call()?.0.progress {
            progress.report(done, total, message);
        }
        Ok(())
    }

    fn can_ask(&mut self, what: Ability) -> wasmtime::Result<bool> {
        let method = match what {
            Ability::Elicitation => InputMethod::Elicitation,
            Ability::Sampling => InputMethod::Sampling,
            Ability::Roots => InputMethod::Roots,
        };
        Ok(self.call()?.0.abilities.has(method))
    }

    fn answers(&mut self) -> wasmtime::Result<Option<String>> {
        let answers = self.call()?.0.round.answers.as_deref();
        Ok(answers.map(str::to_owned))
    }

    fn state(&mut self) -> wasmtime::Result<Option<Vec<u8>>> {
        let state = self.call()?.0.round.state.as_deref();
        Ok(state.map(<[u8]>::to_vec))
    }
}

/// A line of text: what more there is, a client has no place for.
fn shown(message: &str) -> String {
    let visible = message.chars().filter(|c| !c.is_control());
    visible.take(MESSAGE).collect()
}

/// Letters of a message on progress.
const MESSAGE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_on_progress_is_one_short_line() {
        assert_eq!(shown("half\n\u{1b}[2Jdone"), "half[2Jdone");
        assert_eq!(shown(&"é".repeat(1 << 20)).len(), 2 * MESSAGE);
    }
}
