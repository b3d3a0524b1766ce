//! The operator page of a running server, where the configuration asks for it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::serve::bind;
use crate::app::{self, App, AppHealth, AppSite, AskToReload};
use crate::audit::Observer;
use crate::clock::Clock;
use crate::config::Config;
use crate::oauth::OAuth;
use crate::operator::{self, OperatorConfig, OperatorState, Recorder};
use crate::server::Edge;
use crate::state::HostKey;

/// What the page is opened over.
pub(super) struct OperatorPage<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) health: &'a Arc<AppHealth>,
    /// None where nobody signs in.
    pub(super) oauth: Option<&'a OAuth>,
    /// The rules about networks, which the page goes by as well.
    pub(super) edge: &'a Edge,
    pub(super) reload: Option<AskToReload>,
}

impl OperatorPage<'_> {
    /// Serves it until `shutdown`; the address, if there is to be one.
    pub(super) async fn open(
        self,
        config: &Config,
        key: &HostKey,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<Option<SocketAddr>> {
        let Some(address) = config.http.admin_listen else {
            return Ok(None);
        };
        let listener = bind(address, "http.admin_listen").await?;
        let address = listener.local_addr()?;
        let recorder = Recorder::new(Clock::system());
        self.app
            .audit()
            .observe(Arc::clone(&recorder) as Arc<dyn Observer>);
        let oauth = match self.oauth {
            Some(oauth) => oauth.clone(),
            None => {
                let oauth = app::nobody_signs_in(config, key)?;
                oauth.set_audit(self.app.audit().clone());
                oauth
            }
        };
        let health = Arc::clone(self.health);
        let state = OperatorState::new(OperatorConfig {
            oauth,
            tokens: self.oauth.is_some(),
            site: Arc::new(AppSite::new(Arc::clone(self.app), health, self.reload)),
            recorder,
            edge: self.edge.clone(),
        });
        tokio::spawn(operator::serve(listener, state, shutdown.clone()));
        Ok(Some(address))
    }
}
