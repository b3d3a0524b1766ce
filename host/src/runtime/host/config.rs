//! `mssql-mcp:host/config`: the tool set's settings in this scope.

use crate::runtime::bindings::mssql_mcp::host::config::Host;
use crate::runtime::state::StoreState;

impl Host for StoreState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.scope.settings.get(&key).cloned())
    }
}
