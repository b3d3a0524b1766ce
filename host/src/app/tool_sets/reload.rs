//! A file that may be another: made ready beside what serves, then swapped in wherever it
//! is used. A guest that takes its time over that keeps no other file waiting.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lock::Staged;
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
    copy: Option<Staged>,
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
            let version = self.settled_version(file, &basis).await;
            let component = version.as_ref().ok();
            let component = component.map(|(component, _)| component.clone());
            let digest = component.as_ref();
            let digest = digest.map(|component| component.digest().to_owned());
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
                self.waiting.forget(file);
                return;
            }
            if left > 0 && !basis.holds(&self.basis_now(file, &serving)) {
                left -= 1;
                continue;
            }
            let swapped = match ready {
                Ok(ready) => self.swap(file, ready, &basis, &mut serving).await,
                Err(error) => Err(error),
            };
            match swapped {
                Ok(anew) => {
                    self.waiting.forget(file);
                    let digest = digest.unwrap_or_default();
                    if anew {
                        self.reloaded(file, &digest, &basis, seen.elapsed());
                    }
                    self.statuses.serves(file, &digest, anew);
                }
                Err(error) => {
                    self.waiting.keep(file, component, &error);
                    self.stays(file, digest, error).await;
                }
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
        if serves {
            return Ok(Ready {
                component,
                wasm,
                prepared: None,
                copy: None,
            });
        }
        let prepared = self.prepare(file, &component, &basis.uses, false).await?;
        let version = prepared.version(file, &component);
        Ok(Ready {
            copy: self.staged(file, &wasm, version).await?,
            component,
            wasm,
            prepared: Some(prepared),
        })
    }

    /// Swaps a version in everywhere; false where it serves already.
    async fn swap(
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
            copy,
        } = ready;
        let Some(mut prepared) = prepared else {
            self.withdraw(file).await?;
            return Ok(false);
        };
        let replaced = BTreeSet::from([file.to_owned()]);
        let plans = basis
            .uses
            .iter()
            .map(|used| self.plan(&used.scope, &mut prepared, &replaced))
            .collect::<Result<Vec<_>, _>>()?;
        if prepared.bound.is_empty()
            && let Some(left_out) = prepared.left_out.pop()
        {
            return Err(left_out.error);
        }
        let version = prepared.version(file, &component);
        self.may_serve(file, &component, version, true).await?;
        self.keep(file, wasm, copy).await;
        self.tell(&prepared, &plans, &replaced);
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
    async fn stays(&self, file: &str, digest: Option<String>, error: BuildError) {
        let parked = matches!(error, BuildError::Parked { .. });
        if !parked && let Err(error) = self.withdraw(file).await {
            tracing::warn!(tool_set = file, %error, "the lock stays as it was");
        }
        self.refused(file, digest, &error);
    }
}
