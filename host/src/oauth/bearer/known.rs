//! Tokens that were looked up: found again without a lock and without I/O.
//!
//! A token gets its place in the map before the store is asked about it. So
//! whatever ends while the store answers finds it there, and its answer, which
//! may be older, is asked for again.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::Refusal;
use crate::clock::Timestamp;
use crate::principal::Principal;
use crate::state::{Event, SecretHash};

/// Every token that this node has been shown and knows.
#[derive(Default)]
pub(in crate::oauth) struct KnownTokens {
    slots: papaya::HashMap<SecretHash, Arc<Slot>>,
    /// Whether what ends elsewhere is heard here.
    believed: AtomicBool,
}

/// A token's place.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) judged: OnceCell<Result<Known, Refusal>>,
    /// What was known of it, under the same `alive`, when the store had to be
    /// asked once more.
    pub(super) before: Option<Known>,
    /// Cancelled when it ends. Shared by what runs under it.
    pub(super) alive: Arc<CancellationToken>,
}

/// What a token stands for.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) principal: Arc<Principal>,
    /// What the client called itself when the token was looked up.
    pub(super) client_name: Option<Arc<str>>,
    pub(super) scope: String,
    pub(super) grant: String,
    pub(super) expires_at: Timestamp,
}

/// A name makes no other token.
impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        let of = |known: &Self| (known.expires_at, Arc::clone(&known.principal));
        of(self) == of(other) && self.scope == other.scope && self.grant == other.grant
    }
}

impl Slot {
    /// What is known, when all that was to be asked has been asked.
    pub(super) fn known(&self) -> Result<&Known, Refusal> {
        match self.judged.get() {
            Some(Ok(known)) => Ok(known),
            Some(Err(refusal)) => Err(*refusal),
            None => Err(Refusal::Unavailable),
        }
    }

    /// Whose token it is and of which grant: that never changes.
    fn identity(&self) -> Option<&Known> {
        self.known().ok().or(self.before.as_ref())
    }

    fn to_be_asked_again(&self) -> Self {
        Self {
            judged: OnceCell::new(),
            before: self.identity().cloned(),
            alive: Arc::clone(&self.alive),
        }
    }

    /// Nobody waits for it, nothing runs under it.
    fn is_idle(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1 && Arc::strong_count(&self.alive) == 1
    }
}

impl KnownTokens {
    /// A token that needs no look-up.
    pub(super) fn find(&self, hash: &SecretHash) -> Option<Arc<Slot>> {
        if !self.is_believed() {
            return None;
        }
        let slots = self.slots.pin();
        let slot = slots.get(hash)?;
        slot.known().is_ok().then(|| Arc::clone(slot))
    }

    /// The token's place: the one that others wait at, or a new one. What was
    /// known of it counts only while it is believed.
    pub(super) fn slot(&self, hash: SecretHash, now: Timestamp) -> Arc<Slot> {
        let believed = self.is_believed();
        let slots = self.slots.pin();
        if slots.len() >= MOST {
            self.make_room(now);
        }
        let slot = slots.update_or_insert_with(
            hash,
            |slot| {
                if believed || !slot.judged.initialized() {
                    Arc::clone(slot)
                } else {
                    Arc::new(slot.to_be_asked_again())
                }
            },
            Arc::default,
        );
        Arc::clone(slot)
    }

    /// Takes a place that has ended out of the map.
    pub(super) fn forget(&self, hash: &SecretHash, slot: &Arc<Slot>) {
        let slots = self.slots.pin();
        let _ = slots.remove_if(hash, |_, found| Arc::ptr_eq(found, slot));
    }

    /// Ends a token.
    pub(super) fn end(&self, hash: &SecretHash, slot: &Arc<Slot>) {
        slot.alive.cancel();
        self.forget(hash, slot);
    }

    /// Puts back what was known before an answer that did not come; it is there
    /// for what runs under it to be ended, and is not believed.
    pub(super) fn restore(&self, hash: &SecretHash, slot: &Arc<Slot>) {
        let Some(before) = &slot.before else {
            return self.forget(hash, slot);
        };
        let restored = Arc::new(Slot {
            judged: OnceCell::new_with(Some(Ok(before.clone()))),
            before: None,
            alive: Arc::clone(&slot.alive),
        });
        self.slots.pin().update(*hash, |found| {
            Arc::clone(if Arc::ptr_eq(found, slot) {
                &restored
            } else {
                found
            })
        });
    }

    /// Ends what `events` concern, and whatever is being looked up: nobody
    /// knows yet whom that concerns.
    pub(super) fn hear(&self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let ended = Ended::by(events);
        self.end_those(|hash, slot| {
            let whose = slot.identity();
            whose.is_none_or(|known| ended.concerns(hash, known))
        });
    }

    /// Where it is not known what happened: frees the places of tokens that nothing runs
    /// under, and gives back the others, each to be judged or ended. Nothing is believed
    /// until then, so that whoever comes meanwhile looks his token up.
    pub(super) fn doubt_all(&self) -> Doubted<'_> {
        self.believe(false);
        let mut left = Vec::new();
        self.end_those(|hash, slot| {
            let is_idle = slot.is_idle();
            if !is_idle {
                left.push((*hash, Arc::clone(slot)));
            }
            is_idle
        });
        Doubted { known: self, left }
    }

    /// Frees the places of tokens that have expired and of look-ups that nobody
    /// waits for.
    pub(super) fn purge(&self, now: Timestamp) {
        self.end_those(|_, slot| {
            slot.is_idle() && slot.known().map_or(true, |known| known.expires_at <= now)
        });
    }

    /// Whether a known token needs no look-up.
    pub(in crate::oauth) fn is_believed(&self) -> bool {
        self.believed.load(Ordering::SeqCst)
    }

    /// Sets that.
    pub(super) fn believe(&self, believed: bool) {
        self.believed.store(believed, Ordering::SeqCst);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.pin().len()
    }

    fn make_room(&self, now: Timestamp) {
        self.purge(now);
        if self.slots.len() >= MOST {
            self.end_those(|_, slot| slot.is_idle());
        }
    }

    /// Ended before it is taken out, so that who still finds it there does not
    /// take it for good.
    fn end_those(&self, mut ends: impl FnMut(&SecretHash, &Arc<Slot>) -> bool) {
        self.slots.pin().retain(|hash, slot| {
            let ends = ends(hash, slot);
            if ends {
                slot.alive.cancel();
            }
            !ends
        });
    }
}

/// Tokens that something runs under; those that are left when it is dropped are ended.
pub(super) struct Doubted<'a> {
    known: &'a KnownTokens,
    left: Vec<(SecretHash, Arc<Slot>)>,
}

impl Doubted<'_> {
    /// Some that were not judged yet; none when all were.
    pub(super) fn some(&self, most: usize) -> Vec<SecretHash> {
        let some = self.left.iter().rev().take(most);
        some.map(|(hash, _)| *hash).collect()
    }

    /// What the store says of those that [`Self::some`] gave, in their order.
    pub(super) fn judged(&mut self, answers: Vec<Result<Known, Refusal>>) {
        for answer in answers {
            let Some((hash, slot)) = self.left.pop() else {
                return;
            };
            let now = answer.ok();
            // Of one that is being looked up the older answer may be on its way.
            if now.is_none() || now.as_ref() != slot.identity() {
                self.known.end(&hash, &slot);
            }
        }
    }
}

impl Drop for Doubted<'_> {
    fn drop(&mut self) {
        for (hash, slot) in &self.left {
            self.known.end(hash, slot);
        }
    }
}

/// Whom events concern: one pass over the map, however many there are.
#[derive(Default)]
struct Ended<'a> {
    everything: bool,
    tokens: HashSet<SecretHash>,
    grants: HashSet<&'a str>,
    clients: HashSet<&'a str>,
    people: HashSet<&'a str>,
}

impl<'a> Ended<'a> {
    fn by(events: &'a [Event]) -> Self {
        let mut ended = Self::default();
        for event in events {
            match event {
                Event::GrantRevoked(id) => _ = ended.grants.insert(id),
                // An id that is none is a message that was not understood.
                Event::TokenRevoked(id) => match id.parse() {
                    Ok(hash) => _ = ended.tokens.insert(hash),
                    Err(_) => ended.everything = true,
                },
                // Ended even if the person keeps the same rights: that is rare,
                // and costs the client one refresh; to ask the store first would
                // leave a time in which a removed person still runs statements.
                Event::PersonChanged(subject) => _ = ended.people.insert(subject),
                Event::ClientChanged(id) => _ = ended.clients.insert(id),
                Event::Ordered(_) => {}
                Event::EverythingChanged => ended.everything = true,
            }
        }
        ended
    }

    fn concerns(&self, hash: &SecretHash, known: &Known) -> bool {
        self.everything
            || self.tokens.contains(hash)
            || self.grants.contains(known.grant.as_str())
            || self.clients.contains(known.principal.client.as_str())
            || self.people.contains(known.principal.subject.as_str())
    }
}

/// About 40 MB. Past this, those that nothing runs under are forgotten.
pub(super) const MOST: usize = 100_000;
