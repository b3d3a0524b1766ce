//! What every request shares.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;

use super::bearer::Authentication;
use super::edge::Edge;
use super::guard::HostGuard;
use super::health::Health;
use super::metrics::RenderMetrics;
use super::request_id::RequestIds;
use super::tls::Tls;
use crate::audit::Audit;
use crate::mcp::McpScope;

/// What a server is made of.
pub struct ServerConfig {
    /// The scopes, each at its own path.
    pub scopes: Vec<Arc<McpScope>>,
    /// The scope that answers at the root as well.
    pub default_scope: Arc<str>,
    /// Who is let in.
    pub authentication: Authentication,
    /// Which `Host` and `Origin` are answered.
    pub guard: HostGuard,
    /// Whose word about addresses is believed, and who is not let in.
    pub edge: Edge,
    /// What `/health` and `/ready` say.
    pub health: Arc<dyn Health>,
    /// What `/metrics` says; `None` where nothing is collected.
    pub metrics: Option<RenderMetrics>,
    /// Largest body of a request, in bytes; [`ServerConfig::MAX_BODY_BYTES`]
    /// is a good size.
    pub max_body_bytes: usize,
}

impl ServerConfig {
    /// 1 MiB: a long query is some kilobytes.
    pub const MAX_BODY_BYTES: usize = 1 << 20;
}

/// A configuration that cannot be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Two scopes have one path.
    #[error("there are two scopes named \"{0}\"; give one of them another name")]
    DuplicateScope(Arc<str>),
    /// The scope at the root does not exist.
    #[error("default_scope is \"{0}\", which is not a scope")]
    UnknownDefault(Arc<str>),
}

/// The server's state; cheap to clone.
#[derive(Clone)]
pub struct ServerState {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    /// Swapped whole when the configuration changes.
    scopes: ArcSwap<Scopes>,
    default_scope: Arc<str>,
    pub(super) authentication: Authentication,
    pub(super) guard: HostGuard,
    pub(super) edge: Edge,
    pub(super) health: Arc<dyn Health>,
    pub(super) metrics: Option<RenderMetrics>,
    pub(super) max_body_bytes: usize,
    pub(super) request_ids: RequestIds,
    audit: OnceLock<Audit>,
    draining: AtomicBool,
    tls: OnceLock<Tls>,
}

impl ServerState {
    /// Checks `config` and prepares what requests share.
    ///
    /// # Errors
    /// Two scopes have one name, or the default scope is none of them.
    pub fn new(config: ServerConfig) -> Result<Self, ServerError> {
        let scopes = by_name(config.scopes, &config.default_scope)?;
        let shared = Shared {
            scopes: ArcSwap::from_pointee(scopes),
            default_scope: config.default_scope,
            authentication: config.authentication,
            guard: config.guard,
            edge: config.edge,
            health: config.health,
            metrics: config.metrics,
            max_body_bytes: config.max_body_bytes,
            request_ids: RequestIds::random(),
            audit: OnceLock::new(),
            draining: AtomicBool::new(false),
            tls: OnceLock::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Serves these scopes from now on; the one at the root stays.
    ///
    /// # Errors
    /// Two scopes have one name, or the default scope is none of them.
    pub fn set_scopes(&self, scopes: Vec<Arc<McpScope>>) -> Result<(), ServerError> {
        let scopes = by_name(scopes, &self.shared.default_scope)?;
        self.shared.scopes.store(Arc::new(scopes));
        Ok(())
    }

    /// The rules about networks that it goes by.
    pub fn edge(&self) -> &Edge {
        &self.shared.edge
    }

    /// Serves TLS with it, which before is plain HTTP. Once, before it serves.
    pub fn set_tls(&self, tls: Tls) {
        // A second one is a mistake without harm.
        let _ = self.shared.tls.set(tls);
    }

    /// What the listener speaks TLS with, if it does.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.shared.tls.get()
    }

    /// Has refusals noted there, which before are not noted at all. Once.
    pub fn set_audit(&self, audit: Audit) {
        // A second one is a mistake without harm.
        let _ = self.shared.audit.set(audit);
    }

    /// Where refusals are noted.
    pub(super) fn audit(&self) -> Option<&Audit> {
        self.shared.audit.get()
    }

    /// From now on connections end with their next reply, and `/ready` says so.
    pub(super) fn drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server is about to stop.
    pub(super) fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Relaxed)
    }

    /// Ends the streams of every scope in good order.
    pub(super) fn close(&self) {
        for scope in self.shared.scopes.load().values() {
            scope.close();
        }
    }

    /// The scope at path `name`, or the one at the root.
    pub(super) fn scope(&self, name: Option<&str>) -> Option<Arc<McpScope>> {
        let name = name.unwrap_or(&self.shared.default_scope);
        self.shared.scopes.load().get(name).cloned()
    }
}

/// Scopes by their names.
type Scopes = HashMap<Arc<str>, Arc<McpScope>>;

fn by_name(list: Vec<Arc<McpScope>>, default_scope: &Arc<str>) -> Result<Scopes, ServerError> {
    let mut scopes = Scopes::new();
    for scope in list {
        if let Some(twice) = scopes.insert(Arc::clone(scope.name()), scope) {
            return Err(ServerError::DuplicateScope(Arc::clone(twice.name())));
        }
    }
    if !scopes.contains_key(default_scope) {
        return Err(ServerError::UnknownDefault(Arc::clone(default_scope)));
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::testing::fixture;
    use crate::server::Status;
    use crate::server::testing::Fixed;

    fn config(scopes: &[&str], default_scope: &str) -> ServerConfig {
        ServerConfig {
            scopes: scopes.iter().map(|name| fixture(name).scope).collect(),
            default_scope: default_scope.into(),
            authentication: Authentication::Off,
            guard: HostGuard::new(([127, 0, 0, 1], 0).into(), None).unwrap(),
            edge: Edge::default(),
            health: Arc::new(Fixed(Status::Healthy)),
            metrics: None,
            max_body_bytes: ServerConfig::MAX_BODY_BYTES,
        }
    }

    #[test]
    fn scopes_need_names_of_their_own_and_the_default_must_be_one() {
        let error = |config| ServerState::new(config).err();
        assert_eq!(
            error(config(&["a", "a"], "a")),
            Some(ServerError::DuplicateScope("a".into()))
        );
        assert_eq!(
            error(config(&["a"], "b")),
            Some(ServerError::UnknownDefault("b".into()))
        );
        assert_eq!(error(config(&["a", "b"], "b")), None);
    }
}
