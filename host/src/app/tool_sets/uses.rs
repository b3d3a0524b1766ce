//! What a version of a file is prepared for: the scopes that use the file, and what
//! serves of it. Preparing asks guests, which takes up to ten seconds for each scope, and
//! holds nobody up; whether it was for what there is now is asked when it is to serve.

use std::sync::Arc;

use super::{ToolSets, using};
use crate::app::scope::ServedScope;
use crate::config::ToolSetEntry;
use crate::runtime::Component;

/// A scope that uses a file.
pub(super) struct Use {
    pub(super) scope: Arc<ServedScope>,
    /// As what; nothing where it takes the rest of a folder that does not have the file.
    pub(super) entries: Vec<ToolSetEntry>,
    /// Those of them that serve.
    pub(super) serving: Vec<ToolSetEntry>,
}

/// All that a version of a file is prepared for.
pub(super) struct Basis {
    pub(super) uses: Vec<Use>,
    /// What serves of the file. Each swap makes another, with whatever digest.
    pub(super) known: Option<Arc<Component>>,
}

impl Use {
    /// Whether all that serves there, besides the component, is made of what it would
    /// be made of now.
    pub(super) fn is_up_to_date(&self) -> bool {
        let bound = self.scope.bound();
        self.entries.iter().all(|entry| {
            let bound = bound.iter().find(|bound| bound.entry == *entry);
            bound.is_some_and(|bound| {
                let settings = self.scope.settings(&entry.file);
                settings.is_ok_and(|settings| settings == bound.settings)
            })
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.scope, &other.scope)
            && self.entries == other.entries
            && self.serving == other.serving
    }
}

impl Basis {
    /// Whether the version with that digest serves.
    pub(super) fn serves(&self, digest: &str) -> bool {
        let known = self.known.as_ref();
        known.is_some_and(|known| known.digest() == digest)
    }

    /// Whether what was prepared for this is right for `now`.
    pub(super) fn holds(&self, now: &Self) -> bool {
        let known = match (&self.known, &now.known) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let mut uses = self.uses.iter().zip(&now.uses);
        known && self.uses.len() == now.uses.len() && uses.all(|(one, other)| one.is_same(other))
    }
}

impl ToolSets {
    /// What a version of `file` is prepared for where these scopes serve, and `known`
    /// serves of the file.
    pub(super) fn basis(
        &self,
        file: &str,
        scopes: &[Arc<ServedScope>],
        known: Option<&Arc<Component>>,
    ) -> Basis {
        let uses = using(scopes, file).into_iter().map(|scope| {
            let entries = self.entries(&scope).into_iter();
            let entries: Vec<_> = entries.filter(|entry| entry.file == file).collect();
            let serving = entries.iter().filter(|entry| scope.has_bound(entry));
            Use {
                serving: serving.cloned().collect(),
                entries,
                scope,
            }
        });
        Basis {
            uses: uses.collect(),
            known: known.cloned(),
        }
    }
}
