//! Hears what ends elsewhere, and does what has to be done now and then.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::oauth::OAuth;
use crate::state::{StoreError, Watch, Watched};

impl OAuth {
    /// Listens to what ends elsewhere until `shutdown`, counts tokens, and
    /// frees what has expired. When this returns, it listens and has counted, or
    /// has found that it cannot.
    ///
    /// While the store cannot be heard, no token is believed without a look-up;
    /// what runs goes on, and is judged by what is heard when the store is back.
    pub async fn watch(&self, shutdown: CancellationToken) {
        let mut watcher = Watcher {
            oauth: self.clone(),
            watch: None,
            deaf: false,
        };
        watcher.listen().await;
        let counted = timeout(PATIENCE, self.count_tokens()).await;
        if counted.is_err() {
            tracing::warn!("the state does not answer in time");
        }
        let oauth = self.clone();
        tokio::spawn(async move {
            let both = join(watcher.run(), oauth.keep_house());
            shutdown.run_until_cancelled(both).await;
            oauth.shared.known.believe(false);
        });
    }

    /// Whether revocations are heard, so that known tokens cost no look-up.
    pub fn is_watching(&self) -> bool {
        self.shared.known.is_believed()
    }

    /// How many access tokens were good when they were last counted.
    pub fn active_tokens(&self) -> u64 {
        self.shared.active_tokens.load(Ordering::Relaxed)
    }

    async fn keep_house(&self) {
        self.count_tokens().await;
        for round in 1_u32.. {
            sleep(COUNT_EVERY).await;
            self.count_tokens().await;
            if round.is_multiple_of(PURGE_EVERY) {
                self.purge().await;
            }
        }
    }

    async fn count_tokens(&self) {
        match self.shared.store.active_tokens().await {
            Ok(count) => {
                self.shared.active_tokens.store(count, Ordering::Relaxed);
                #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 tokens")]
                metrics::gauge!("active_tokens").set(count as f64);
            }
            Err(error) => tracing::debug!(%error, "tokens could not be counted"),
        }
    }

    async fn purge(&self) {
        let store = &self.shared.store;
        self.shared.known.purge(store.clock().now());
        if let Err(error) = store.purge().await {
            tracing::warn!(%error, "what has expired could not be removed from the state");
        }
    }
}

struct Watcher {
    oauth: OAuth,
    watch: Option<Watch>,
    /// That the store cannot be heard is said once.
    deaf: bool,
}

impl Watcher {
    async fn run(&mut self) {
        loop {
            if !self.listen().await {
                sleep(PAUSE).await;
            }
        }
    }

    /// One look; whether the store could be heard.
    async fn listen(&mut self) -> bool {
        match timeout(PATIENCE, hear(&self.oauth, &mut self.watch)).await {
            Ok(Ok(())) => {
                if std::mem::take(&mut self.deaf) {
                    tracing::info!("revocations are heard again");
                }
                self.oauth.shared.known.believe(true);
                true
            }
            Ok(Err(error)) => self.is_deaf(&error),
            Err(_) => self.is_deaf(&"it does not answer"),
        }
    }

    fn is_deaf(&mut self, why: &dyn fmt::Display) -> bool {
        self.oauth.shared.known.believe(false);
        if !std::mem::replace(&mut self.deaf, true) {
            tracing::error!(
                "revocations cannot be heard from the state, so every token is looked up: {why}"
            );
        }
        false
    }
}

async fn hear(oauth: &OAuth, watch: &mut Option<Watch>) -> Result<(), StoreError> {
    let known = &oauth.shared.known;
    match watch {
        None => {
            *watch = Some(oauth.shared.store.watch().await?);
            // Of what happened before nothing was heard.
            doubt(oauth).await;
        }
        Some(watch) => match watch.next(WAIT).await? {
            Watched::Events(events) => known.hear(&events),
            Watched::Gap => {
                tracing::warn!("some revocations were not heard; every token is looked up anew");
                doubt(oauth).await;
            }
        },
    }
    Ok(())
}

/// As [`doubt`], in the time that a revocation may take.
pub(in crate::oauth) async fn judge_anew(oauth: &OAuth) {
    if timeout(PATIENCE, doubt(oauth)).await.is_err() {
        tracing::warn!("the state does not answer in time; what it said nothing of is ended");
    }
}

/// Judges every token that something runs under as it is now. What changes meanwhile is
/// heard next. If the store is too slow for that, what was not judged is ended.
pub(super) async fn doubt(oauth: &OAuth) {
    let mut doubted = oauth.shared.known.doubt_all();
    loop {
        let some = doubted.some(AT_ONCE);
        if some.is_empty() {
            return;
        }
        let asked = some.into_iter().map(|hash| oauth.judge(hash));
        let answers = join_all(asked).await;
        doubted.judged(answers);
    }
}

/// Tokens that the store is asked about at once.
const AT_ONCE: usize = 64;
/// How long one look waits for something to happen.
const WAIT: Duration = Duration::from_millis(500);
/// Past this the store does not answer: a revocation takes effect within a
/// second, whatever happens.
const PATIENCE: Duration = Duration::from_millis(900);
/// Until the next try.
const PAUSE: Duration = Duration::from_millis(250);
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// In rounds of counting.
const PURGE_EVERY: u32 = 30;
