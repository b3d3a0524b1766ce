//! How much one caller may have open at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::principal::Principal;

/// Counts what each caller has.
pub(crate) struct Places {
    most: usize,
    /// Of all callers, those without a name included.
    all: AtomicUsize,
    taken: Mutex<HashMap<Arc<(String, String)>, usize>>,
}

/// Given back on drop; of nobody where there is no principal.
pub(crate) struct Place {
    places: Arc<Places>,
    owner: Option<Arc<(String, String)>>,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            all: AtomicUsize::new(0),
            taken: Mutex::default(),
        })
    }

    /// One more for this person and client; `None` when they have all they may.
    /// Without authentication there is one caller, who is at this machine and
    /// has as many as the machine has.
    pub(crate) fn take(self: &Arc<Self>, owner: Option<&Principal>) -> Option<Place> {
        let owner = owner.map(|owner| Arc::new((owner.subject.clone(), owner.client.clone())));
        if let Some(owner) = &owner {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.entry(Arc::clone(owner)).or_default();
            if *count >= self.most {
                return None;
            }
            *count += 1;
        }
        self.all.fetch_add(1, Ordering::Relaxed);
        Some(Place {
            places: Arc::clone(self),
            owner,
        })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.all.fetch_sub(1, Ordering::Relaxed);
        let Some(owner) = self.owner.take() else {
            return;
        };
        let taken = self.places.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = taken.entry(owner) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Rights;

    #[test]
    fn each_caller_has_so_many_and_gets_them_back() {
        let places = Places::new(2);
        let caller = |subject: &str| Principal {
            subject: subject.to_owned(),
            client: "c".to_owned(),
            rights: Rights::READ,
            claims: std::collections::BTreeMap::new(),
        };
        let (ana, bob) = (caller("ana"), caller("bob"));
        let first = places.take(Some(&ana)).unwrap();
        let _second = places.take(Some(&ana)).unwrap();
        assert!(places.take(Some(&ana)).is_none());
        assert!(places.take(Some(&bob)).is_some());
        drop(first);
        assert!(places.take(Some(&ana)).is_some());
        let nobody: Vec<_> = (0..10).map(|_| places.take(None)).collect();
        assert!(nobody.iter().all(Option::is_some));
        assert_eq!(places.taken(), 11);
        drop(nobody);
        assert_eq!(places.taken(), 1);
        assert_eq!(places.taken.lock().unwrap().len(), 1);
    }
}
