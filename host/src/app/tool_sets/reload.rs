//! A file that may be another: made ready beside what serves, then swapped in wherever it
//! is used. A guest that takes its time over that keeps no other file waiting.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::plan::Prepared;
use super::uses::{Basis, Use};
use super::{Serving, TRIES, ToolSets, check_pins};
use crate::app::BuildError;
use crate::audit::{Entry, Event, Outcome, Reload};
use crate::runtime::Component;

/// A version that is to serve.
struct Ready {
    component: Component,
    wasm: Arc<[u8]>,
    /// Nothing where it serves already, and as it would.
    prepared: Option<Prepared>,
}

impl ToolSets {
    /// Loads `file` again because it, or what it is configured with, may have
    /// changed, and swaps it in wherever it is used.
    pub(in crate::app) async fn reload(&self, file: &str) {
        let seen = Instant::now();
        let loading = {
            let mut loading = self.loading.lock().await;
            Arc::clone(loading.entry(file.to_owned()).or_default())
        };
        let _loading = loading.lock().await;
        let mut left = TRIES;
        loop {
            let mut basis = {
                let serving = self.serving.lock().await;
                self.basis_now(file, &serving)
            };
            let version = self.settled_version(file, &basis.uses).await;
            let digest = version.as_ref().ok();
            let digest = digest.map(|(component, _)| component.digest().to_owned());
            let mut held = None;
            if left == 0 {
                // Who changes what serves again and again waits once, while guests are asked.
                let serving = self.serving.lock().await;
                basis = self.basis_now(file, &serving);
                held = Some(serving);
            }
            let ready = self.ready(file, version, &basis).await;
            let mut serving = match held {
                Some(serving) => serving,
                None => self.serving.lock().await,
            };
            if !self.files_of(&serving.scopes).contains(file) {
                // Gone meanwhile, the file or who names it.
                return;
            }
            if left > 0 && !basis.holds(&self.basis_now(file, &serving)) {
                left -= 1;
                continue;
            }
            let swapped = ready.and_then(|ready| self.swap(file, ready, &basis, &mut serving));
            match swapped {
                Ok(anew) => {
                    let digest = digest.unwrap_or_default();
                    if anew {
                        self.reloaded(file, &digest, &basis, seen.elapsed());
                    }
                    self.statuses.serves(file, &digest, anew);
                }
                Err(error) => self.stays(file, digest, &error),
            }
            return;
        }
    }

    fn basis_now(&self, file: &str, serving: &Serving) -> Basis {
        self.basis(file, &serving.scopes, serving.components.get(file))
    }

    /// Asks a version what it is wherever it is used.
    async fn ready(
        &self,
        file: &str,
        version: Result<(Component, Arc<[u8]>), BuildError>,
        basis: &Basis,
    ) -> Result<Ready, BuildError> {
        let (component, wasm) = version?;
        // The configuration may have changed since it was read.
        check_pins(file, component.digest(), &basis.uses)?;
        let serves = basis.serves(component.digest()) && basis.uses.iter().all(Use::is_up_to_date);
        let prepared = if serves {
            None
        } else {
            Some(self.prepare(file, &component, &basis.uses, false).await?)
        };
        Ok(Ready {
            component,
            wasm,
            prepared,
        })
    }

    /// Swaps a version in everywhere; false where it serves already.
    fn swap(
        &self,
        file: &str,
        ready: Ready,
        basis: &Basis,
        serving: &mut Serving,
    ) -> Result<bool, BuildError> {
        let Ready {
            component,
            wasm,
            prepared,
        } = ready;
        let Some(mut prepared) = prepared else {
            if let Some(lock) = &self.lock {
                lock.withdraw(file)?;
            }
            return Ok(false);
        };
        let replaced = BTreeSet::from([file.to_owned()]);
        let plans = basis
            .uses
            .iter()
            .map(|used| self.plan(&used.scope, &mut prepared, &replaced))
            .collect::<Result<Vec<_>, _>>()?;
        if prepared.bound.is_empty()
            && let Some((_, error)) = prepared.left_out.pop()
        {
            return Err(error);
        }
        self.may_serve(file, &component, &prepared, true)?;
        if let Some(lock) = &self.lock {
            lock.keep(file, &wasm);
        }
        prepared.tell(file);
        for plan in plans {
            plan.scope.serve(plan.bound, plan.registry);
        }
        let component = Arc::new(component);
        serving.components.insert(file.to_owned(), component);
        Ok(true)
    }

    /// Tells of a version that serves from now on.
    fn reloaded(&self, file: &str, digest: &str, basis: &Basis, took: Duration) {
        metrics::counter!("tool_set_reloads_total", "outcome" => "serves").increment(1);
        metrics::histogram!("tool_set_reload_seconds").record(took);
        let before = basis.known.as_ref();
        let reload = Reload {
            tool_set: Some(file.to_owned()),
            digest: Some(digest.to_owned()),
            before: before.map(|component| component.digest().to_owned()),
            scopes: basis.uses.len(),
            took_ms: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        };
        self.audit.record(Entry {
            reload: Some(Box::new(reload)),
            ..Entry::new(Event::Reload, Outcome::Serves)
        });
    }

    /// The version of before goes on.
    fn stays(&self, file: &str, digest: Option<String>, error: &BuildError) {
        if !matches!(error, BuildError::Parked { .. })
            && let Some(lock) = &self.lock
            && let Err(error) = lock.withdraw(file)
        {
            tracing::warn!(tool_set = file, %error, "the lock stays as it was");
        }
        self.refused(file, digest, error);
    }
}
