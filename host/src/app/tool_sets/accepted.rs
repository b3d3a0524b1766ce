//! What the lock says of versions that are to serve, and what it is told of them. Its
//! files may be large, or held by another process: whoever waits for them is on a thread
//! that serves nobody.

use std::sync::Arc;

use super::lock::{LockError, Staged};
use super::{Lock, ToolSets, Verdict, Version, parked};
use crate::app::BuildError;
use crate::runtime::{Component, sha256};

/// What is to be written down of a version that serves from now on.
pub(super) struct Settling {
    pub(super) file: String,
    pub(super) component: Arc<Component>,
    pub(super) version: Version,
    /// The file, where this version of it is not known to serve.
    pub(super) wasm: Option<Arc<[u8]>>,
    pub(super) copy: Option<Staged>,
}

impl ToolSets {
    /// Asks the lock whether a version may serve, and writes down that one waits so
    /// that the operator can look at it and accept it; with `accept` also that it
    /// serves from now on. The error says what is new.
    pub(super) async fn may_serve(
        &self,
        file: &str,
        component: &Component,
        version: Version,
        accept: bool,
    ) -> Result<(), BuildError> {
        let judged = self.with_lock(file, move |lock, file| -> Result<Verdict, LockError> {
            if !accept && lock.compare(file, &version)?.is_empty() {
                return Ok(Verdict::Accepted);
            }
            lock.judge(file, version)
        });
        match judged.await?.transpose()? {
            Some(Verdict::Parked(changes)) => Err(parked(file, component, changes)),
            Some(Verdict::Accepted) | None => Ok(()),
        }
    }

    /// Writes the copy of a version that the lock would let serve, for it to be put in its
    /// place in no time once it does.
    pub(super) async fn staged(
        &self,
        file: &str,
        wasm: &Arc<[u8]>,
        version: Version,
    ) -> Result<Option<Staged>, BuildError> {
        let wasm = Arc::clone(wasm);
        let staged = self.with_lock(file, move |lock, file| {
            // Why it may not serve, or cannot be compared, is told when it is judged.
            let news = lock.compare(file, &version);
            let may_serve = news.is_ok_and(|news| news.is_empty());
            may_serve.then(|| lock.stage(file, &wasm))
        });
        Ok(staged.await?.flatten())
    }

    /// Puts the copy of a version that was accepted in the place of the one before.
    pub(super) async fn keep(&self, file: &str, wasm: Arc<[u8]>, copy: Option<Staged>) {
        let kept = self.with_lock(file, move |lock, file| keep(lock, file, &wasm, copy));
        if let Err(error) = kept.await {
            tracing::warn!(tool_set = file, %error, "no copy of the tool set is kept");
        }
    }

    /// The copy of the component of `file` that served last, if it is still that, and its
    /// digest.
    pub(super) async fn kept(&self, file: &str) -> Option<(Arc<[u8]>, String)> {
        let kept = self.with_lock(file, |lock, file| {
            let kept = lock.kept(file)?;
            let digest = sha256(&kept);
            Some((Arc::<[u8]>::from(kept), digest))
        });
        kept.await.ok().flatten().flatten()
    }

    /// Whether nothing in a version is new to the lock.
    pub(super) async fn is_known(&self, file: &str, version: Version) -> Result<bool, BuildError> {
        let news = self.with_lock(file, move |lock, file| lock.compare(file, &version));
        let news = news.await?.transpose()?;
        Ok(news.is_none_or(|news| news.is_empty()))
    }

    /// Nothing of `file` waits any more.
    pub(super) async fn withdraw(&self, file: &str) -> Result<(), BuildError> {
        let withdrawn = self.with_lock(file, Lock::withdraw);
        withdrawn.await?.transpose()?;
        Ok(())
    }

    /// Writes down what serves from now on.
    pub(super) async fn settle(&self, all: Vec<Settling>) -> Result<(), BuildError> {
        let settled = self.with_lock("*", move |lock, _| -> Result<(), BuildError> {
            for one in &all {
                let version = one.version.clone();
                let verdict = match &one.wasm {
                    Some(_) => lock.judge(&one.file, version)?,
                    None => lock.judge_again(&one.file, version)?,
                };
                if let Verdict::Parked(changes) = verdict {
                    return Err(parked(&one.file, &one.component, changes));
                }
            }
            for one in all {
                if let Some(wasm) = one.wasm {
                    keep(lock, &one.file, &wasm, one.copy);
                }
            }
            Ok(())
        });
        settled.await?.unwrap_or(Ok(()))
    }

    /// What `work` gives, with the lock and the name of the file; nothing without a lock.
    async fn with_lock<T: Send + 'static>(
        &self,
        file: &str,
        work: impl FnOnce(&Lock, &str) -> T + Send + 'static,
    ) -> Result<Option<T>, BuildError> {
        let Some(lock) = self.lock.clone() else {
            return Ok(None);
        };
        let name = file.to_owned();
        let done = tokio::task::spawn_blocking(move || work(&lock, &name)).await;
        done.map(Some)
            .map_err(|_| BuildError::Lost(file.to_owned()))
    }
}

/// One that was not written before was accepted meanwhile.
fn keep(lock: &Lock, file: &str, wasm: &[u8], copy: Option<Staged>) {
    copy.unwrap_or_else(|| lock.stage(file, wasm)).keep();
}
