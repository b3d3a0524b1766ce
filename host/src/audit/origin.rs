//! Where the request came from that is being served: what every audit line of
//! it tells.

use std::net::IpAddr;
use std::sync::Arc;

/// One request, as its audit lines name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The id that the reply carries in `X-Request-Id`.
    pub request_id: Arc<str>,
    /// The client's address, behind trusted proxies.
    pub address: Option<IpAddr>,
    /// What the client of the token calls itself.
    pub client_name: Option<Arc<str>>,
}

tokio::task_local! {
    static CURRENT: Arc<Origin>;
}

impl Origin {
    /// Does `work` for this request. Lines that are noted on the way, in the same
    /// task, find it with [`current`](Self::current); work that goes on in another
    /// task takes it along.
    pub async fn within<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(Arc::new(self), work).await
    }

    /// The request that this task serves.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }
}
