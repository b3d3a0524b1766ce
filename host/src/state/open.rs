//! Opens the store that `state.store` names.

use std::path::Path;
use std::sync::Arc;

use super::backend::{Backend, Memory, Redis, Sqlite};
use super::{Secrets, Store, StoreError};
use crate::clock::Clock;

/// Opens `memory`, `sqlite:PATH`, `redis://…` or `rediss://…` (over TLS), and
/// brings its schema up to date. A relative path begins at the working folder.
///
/// # Errors
/// The name is of no known kind, or the store cannot be used.
pub async fn open(name: &str, clock: Clock, secrets: Secrets) -> Result<Store, StoreError> {
    let backend: Arc<dyn Backend> = match name.split_once(':') {
        None if name == "memory" => Arc::new(Memory::new()),
        Some(("sqlite", path)) if !path.is_empty() => {
            Arc::new(Sqlite::open(Path::new(path)).await?)
        }
        Some(("redis" | "rediss", address)) if address.starts_with("//") => {
            Arc::new(Redis::open(name).await?)
        }
        Some((kind, _)) => return Err(StoreError::UnknownStore(format!("{kind}:…"))),
        None => return Err(StoreError::UnknownStore(name.to_owned())),
    };
    Ok(Store::new(backend, clock, secrets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::state::HostKey;

    async fn opened(name: &str) -> Result<Store, StoreError> {
        let secrets = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
        open(name, Clock::system(), secrets).await
    }

    #[tokio::test]
    async fn what_one_opening_of_a_file_writes_the_next_one_reads() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("sqlite:{}/new/state.db", folder.path().display());
        let store = opened(&name).await.unwrap();
        let nobody = std::collections::BTreeSet::new();
        assert!(store.add_person("ana", None, &nobody).await.unwrap());
        drop(store);
        let again = opened(&name).await.unwrap();
        assert_eq!(again.people().await.unwrap().len(), 1);
        assert_eq!(opened("memory").await.unwrap().people().await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_name_of_no_known_kind_is_refused_without_its_password() {
        for name in [
            "",
            "Memory",
            "memory:",
            "sqlite:",
            "sqlite",
            "redis:host",
            "redsi://:hunter2@host",
            "postgres://me:hunter2@host",
        ] {
            let error = opened(name).await.unwrap_err().to_string();
            assert!(error.starts_with("state.store \""), "{name}: {error}");
            assert!(!error.contains("hunter2"), "{name}: {error}");
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::fs::write(
            &path,
            "something else, and long enough to be no SQLite file",
        )
        .unwrap();
        let name = format!("sqlite:{}", path.display());
        let error = opened(&name).await.unwrap_err().to_string();
        assert!(error.starts_with("state.store: the file "), "{error}");
        assert!(error.contains("state.db"), "{error}");
        assert!(matches!(
            opened(&format!("sqlite:{}", folder.path().display())).await,
            Err(StoreError::NotOpened { .. })
        ));
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_is_named_without_its_password() {
        for (name, may_come) in [
            ("redis://me:hunter2@127.0.0.1:1/0", true),
            ("rediss://:hunter2@127.0.0.1:1", true),
            ("redis://:hunter2@127.0.0.1:notaport", false),
            ("redis://", false),
        ] {
            let error = opened(name).await.unwrap_err();
            let waits = matches!(error, StoreError::Unavailable(_));
            assert_eq!(waits, may_come, "{name}: {error}");
            let error = error.to_string();
            assert!(error.contains("Redis"), "{name}: {error}");
            assert!(!error.contains("hunter2"), "{name}: {error}");
        }
    }
}
