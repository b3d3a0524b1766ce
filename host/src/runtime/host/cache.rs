//! `mssql-mcp:host/cache`: values that may vanish, private to one tool set in
//! one scope, and to one person where the guest asks for that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;

use crate::principal::Principal;
use crate::runtime::bindings::mssql_mcp::host::cache::{Error, Host, Sharing};
use crate::runtime::state::StoreState;
use crate::tally::{CacheFigures, Tally};

impl Host for StoreState {
    fn get(&mut self, sharing: Sharing, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let key = self.cache_key(sharing, key)?;
        let value = self.scope.cache.entries.get(&key);
        self.scope.cache.tally.count(value.is_some());
        Ok(value
            .map(|entry| entry.bytes.to_vec())
            .filter(|bytes| self.memory.fits(bytes.len())))
    }

    fn set(
        &mut self,
        sharing: Sharing,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), Error>> {
        if key.len() > MAX_KEY || value.len() > MAX_VALUE {
            return Ok(Err(Error::TooLarge));
        }
        let key = self.cache_key(sharing, key)?;
        let ttl = ttl_ms.map_or(DEFAULT_TTL, Duration::from_millis);
        self.scope.cache.entries.insert(
            key,
            Entry {
                bytes: value.into(),
                ttl,
            },
        );
        // What is too much goes now: left to the cache's own time, a flood of a
        // mebibyte each held 110 of them where 16 are allowed.
        self.scope.cache.entries.run_pending_tasks();
        Ok(Ok(()))
    }

    fn delete(&mut self, sharing: Sharing, key: String) -> wasmtime::Result<()> {
        let key = self.cache_key(sharing, key)?;
        self.scope.cache.entries.invalidate(&key);
        Ok(())
    }
}

impl StoreState {
    fn cache_key(&self, sharing: Sharing, key: String) -> wasmtime::Result<Key> {
        let (context, _) = self.call()?;
        let owner = Owner::of(sharing, self.scope.by_person, context.principal.as_deref());
        Ok(Key { owner, key })
    }
}

impl Owner {
    fn of(sharing: Sharing, by_person: bool, caller: Option<&Principal>) -> Self {
        match sharing {
            // What one sees another may not: the same as SESSION_CONTEXT is told.
            _ if by_person => Self::Caller(caller.map(|caller| {
                let (subject, client) = caller.caller();
                (subject.to_owned(), client.to_owned(), caller.claims.clone())
            })),
            Sharing::PerScope => Self::Scope,
            Sharing::PerUser => Self::Person(caller.map(|caller| caller.subject.clone())),
        }
    }
}

/// The cache of one tool set in one scope. Cheap to clone.
#[derive(Clone)]
pub struct GuestCache {
    entries: Cache<Key, Entry>,
    tally: Arc<Tally>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    key: String,
}

/// Whose a value is; callers without a name share theirs.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Owner {
    Scope,
    Person(Option<String>),
    /// Subject, client and claims.
    Caller(Option<(String, String, BTreeMap<String, String>)>),
}

#[derive(Clone)]
struct Entry {
    bytes: Arc<[u8]>,
    ttl: Duration,
}

struct ByEntry;

impl Expiry<Key, Entry> for ByEntry {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl GuestCache {
    /// Holds at most `bytes` of keys and values of `tool_set` in `scope`; the least used
    /// go first.
    pub(in crate::runtime) fn new(scope: &str, tool_set: &str, bytes: u64) -> Self {
        let weight = |key: &Key, entry: &Entry| {
            u32::try_from(key.key.len() + entry.bytes.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        let entries = Cache::builder()
            .max_capacity(bytes)
            .weigher(weight)
            .expire_after(ByEntry)
            .build();
        Self {
            entries,
            tally: Arc::new(Tally::new(scope, tool_set)),
        }
    }

    /// Forgets all values.
    pub fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// What it holds, and how often that was of use.
    pub fn figures(&self) -> CacheFigures {
        self.entries.run_pending_tasks();
        let (entries, bytes) = (self.entries.entry_count(), self.entries.weighted_size());
        self.tally.figures(entries, Some(bytes))
    }
}

/// Longest key, in bytes.
const MAX_KEY: usize = 1 << 10;
/// Largest value, in bytes.
const MAX_VALUE: usize = 1 << 20;
/// What an entry costs besides its key and value, in bytes.
const OVERHEAD: usize = 128;
/// Life of a value whose guest names none.
const DEFAULT_TTL: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Rights;

    fn caller(subject: &str, client: &str, department: &str) -> Principal {
        Principal {
            subject: subject.to_owned(),
            client: client.to_owned(),
            rights: Rights::READ,
            claims: [("department".to_owned(), department.to_owned())].into(),
        }
    }

    #[test]
    fn where_rows_differ_by_person_nothing_is_shared_between_two_that_the_database_tells_apart() {
        let (ana, ben) = (caller("ana", "c", "7"), caller("ben", "c", "7"));
        let owner = |sharing, by_person, who: &Principal| Owner::of(sharing, by_person, Some(who));
        assert_eq!(
            owner(Sharing::PerScope, false, &ana),
            owner(Sharing::PerScope, false, &ben)
        );
        for sharing in [Sharing::PerScope, Sharing::PerUser] {
            let anas = owner(sharing, true, &ana);
            for other in [
                &ben,
                &caller("ana", "c", "8"),
                &caller("ana", "another", "7"),
            ] {
                assert_ne!(anas, owner(sharing, true, other));
            }
            assert_eq!(anas, owner(sharing, true, &ana.clone()));
            assert_ne!(anas, Owner::of(sharing, true, None));
        }
    }
}
