//! Sign-ins under way at an OpenID Connect provider: begun, and ended once.

use super::Store;
use crate::state::records::Federation;
use crate::state::{SecretHash, StoreError};

impl Store {
    /// Keeps what must be known when the browser comes back.
    pub async fn begin_federation(&self, federation: &Federation) -> Result<(), StoreError> {
        change!(self, |transaction| { transaction.put(federation) })
    }

    /// Takes it out: a `state` is good once.
    pub async fn take_federation(
        &self,
        hash: SecretHash,
    ) -> Result<Option<Federation>, StoreError> {
        change!(self, |transaction| {
            let federation: Option<Federation> = transaction.get(hash).await?;
            if let Some(federation) = &federation {
                transaction.delete(federation);
            }
            Ok(federation)
        })
    }
}
