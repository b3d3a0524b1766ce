//! What is known of each file: which version serves, and what is wrong with the
//! one that does not.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

/// The files by name.
#[derive(Debug, Default)]
pub(in crate::app) struct Statuses(watch::Sender<BTreeMap<String, FileStatus>>);

/// One file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileStatus {
    /// SHA-256 of the version that serves.
    pub serving: Option<String>,
    /// What keeps the version in the folder from serving.
    pub problem: Option<Problem>,
    /// Scopes that take it behind `"*"` and do without it, and why.
    pub left_out: BTreeMap<String, String>,
    /// Scopes where a database was away when it tried itself, and what it said then.
    pub untested: BTreeMap<String, String>,
    /// Times that a new version, or the same one with other settings, came to serve.
    pub reloads: u64,
    /// Times that one did not.
    pub refusals: u64,
}

/// Why a version does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// SHA-256 of the version, if it could be read.
    pub digest: Option<String>,
    /// What is wrong, and what to do.
    pub sentence: String,
    /// Whether it only waits for the operator to accept it.
    pub parked: bool,
}

impl Statuses {
    /// A version serves; `anew` in place of one that served before.
    pub(in crate::app) fn serves(&self, name: &str, digest: &str, anew: bool) {
        self.change(name, |status| {
            let again = anew && status.serving.is_some();
            let served = FileStatus {
                serving: Some(digest.to_owned()),
                problem: None,
                reloads: status.reloads + u64::from(again),
                ..status.clone()
            };
            let news = *status != served;
            *status = served;
            news
        });
    }

    /// A version does not serve; whether that is news.
    pub(in crate::app) fn refused(&self, name: &str, problem: Problem) -> bool {
        self.change(name, |status| {
            let news = status.problem.as_ref() != Some(&problem);
            if news {
                status.refusals += 1;
                status.problem = Some(problem);
            }
            news
        })
    }

    /// What serves is what every scope has of it, unless it is told otherwise; it could
    /// not be tried in these.
    pub(in crate::app) fn everywhere(&self, name: &str, untested: BTreeMap<String, String>) {
        self.change(name, |status| {
            let news = !status.left_out.is_empty() || status.untested != untested;
            status.left_out.clear();
            status.untested = untested;
            news
        });
    }

    /// A scope does without it.
    pub(in crate::app) fn left_out(&self, name: &str, scope: &str, why: String) {
        self.change(name, |status| {
            let before = status.left_out.insert(scope.to_owned(), why);
            before.as_ref() != status.left_out.get(scope)
        });
    }

    /// Nobody uses other files any more.
    pub(in crate::app) fn retain(&self, files: &BTreeSet<String>) {
        self.0.send_if_modified(|all| {
            let before = all.len();
            all.retain(|name, _| files.contains(name));
            all.len() != before
        });
    }

    /// All of them.
    pub(in crate::app) fn all(&self) -> BTreeMap<String, FileStatus> {
        self.0.borrow().clone()
    }

    /// All of them, now and whenever one changes.
    pub(in crate::app) fn subscribe(&self) -> watch::Receiver<BTreeMap<String, FileStatus>> {
        self.0.subscribe()
    }

    /// `change` says whether it changed anything.
    fn change(&self, name: &str, change: impl FnOnce(&mut FileStatus) -> bool) -> bool {
        self.0
            .send_if_modified(|all| change(all.entry(name.to_owned()).or_default()))
    }
}
