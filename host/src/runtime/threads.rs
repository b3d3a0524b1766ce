//! Where guests run: on runtimes of their own, so that the front door never
//! waits for one, and metered by the thread's CPU clock.
//!
//! A call starts on the first runtime. One that has used [`HOG_AFTER`] of CPU, or
//! whose tool set has used more than its share, goes on on the second, whose threads
//! have a low priority: hogs compete with hogs. With 16 looping guests on 2 cores a small call's p99 was 4.3 ms this
//! way and 1.6 s on one shared runtime.
//!
//! Threads cost two wake-ups a call, some 30 µs each. A tool set whose calls have been
//! quick is therefore run where it is called, by at most half as many threads as there
//! are cores, and until it is quick no longer.

use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::meter::Meter;
use super::share::Share;

/// The two runtimes; dropping them stops every guest.
pub(super) struct GuestThreads {
    first: Option<Runtime>,
    hogs: Option<Runtime>,
    here: Arc<Here>,
}

/// Why metered work ended early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The CPU budget is spent.
    Cpu,
    /// The work panicked, or its runtime is shutting down.
    Lost(String),
}

impl GuestThreads {
    pub(super) fn start(threads: usize) -> io::Result<Self> {
        Ok(Self {
            first: Some(build("guest", threads, || ())?),
            hogs: Some(build("guest-hog", threads, lower_priority)?),
            here: Arc::new(Here(AtomicUsize::new(threads / 2))),
        })
    }

    /// Runs `work` until it is done or has used `budget` of CPU time; `meter` knows
    /// how much it used, and `share` how much its tool set did. Dropping the returned
    /// future drops the work.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        budget: Duration,
        meter: Arc<Meter>,
        share: Arc<Share>,
    ) -> Result<T, Stopped> {
        let first = self.first.as_ref().filter(|_| !share.is_spent());
        let quick = first.is_some() && share.is_quick();
        let mut leg = Leg {
            // Its log lines are the request's, on whichever thread.
            work: Some(Box::pin(work.in_current_span())),
            used: Duration::ZERO,
            pause_at: None,
            budget,
            meter,
            share,
            here: None,
        };
        if quick {
            leg.pause_at = Some(QUICK.min(budget));
            leg.here = Some(Arc::clone(&self.here));
            // As a panic of what is spawned is: it costs this call alone.
            match AssertUnwindSafe(leg).catch_unwind().await {
                Ok(Step::Done(result)) => return result,
                Ok(Step::Paused(rest)) => leg = rest,
                Err(_) => return Err(Stopped::Lost("the work panicked".to_owned())),
            }
        }
        leg.pause_at = first.map(|_| HOG_AFTER.min(budget));
        for runtime in [first, self.hogs.as_ref()].into_iter().flatten() {
            match spawn(runtime.handle(), leg).await {
                Ok(result) => return result,
                Err(Spawned::Paused(rest)) => {
                    leg = Leg {
                        pause_at: None,
                        ..rest
                    }
                }
                Err(Spawned::Lost(reason)) => {
                    return Err(Stopped::Lost(reason));
                }
            }
        }
        Err(Stopped::Cpu)
    }
}

impl Drop for GuestThreads {
    fn drop(&mut self) {
        // A runtime may not be dropped inside another: the last owner may be a
        // task. Guests yield every epoch tick, so nothing keeps running.
        for runtime in [self.first.take(), self.hogs.take()].into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}

/// Comes before work that nothing interrupts: a call that runs where it was called
/// goes on elsewhere.
pub(super) async fn leave_the_front_door(meter: &Meter) {
    meter.begins_long();
    tokio::task::yield_now().await;
}

/// A piece of work on its way through one runtime.
struct Leg<T> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    used: Duration,
    pause_at: Option<Duration>,
    budget: Duration,
    meter: Arc<Meter>,
    share: Arc<Share>,
    /// Where it runs on its caller's thread.
    here: Option<Arc<Here>>,
}

impl<T> Leg<T> {
    /// The same for the next runtime.
    fn rest(&mut self) -> Self {
        Self {
            work: self.work.take(),
            used: self.used,
            pause_at: None,
            budget: self.budget,
            meter: Arc::clone(&self.meter),
            share: Arc::clone(&self.share),
            here: None,
        }
    }
}

/// How many of the front door's threads may run a guest at this moment.
struct Here(AtomicUsize);

impl Here {
    /// Runs it, unless as many run already.
    fn run<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let less = |free: usize| free.checked_sub(1);
        self.0
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, less)
            .ok()?;
        let _taken = Taken(&self.0);
        Some(work())
    }
}

/// Given back when it is dropped, which a panic does as well.
struct Taken<'a>(&'a AtomicUsize);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

enum Spawned<T> {
    Paused(Leg<T>),
    Lost(String),
}

enum Step<T> {
    Done(Result<T, Stopped>),
    Paused(Leg<T>),
}

async fn spawn<T: Send + 'static>(
    handle: &Handle,
    leg: Leg<T>,
) -> Result<Result<T, Stopped>, Spawned<T>> {
    match AbortOnDropHandle::new(handle.spawn(leg)).await {
        Ok(Step::Done(result)) => Ok(result),
        Ok(Step::Paused(leg)) => Err(Spawned::Paused(leg)),
        Err(error) => Err(Spawned::Lost(error.to_string())),
    }
}

impl<T> Unpin for Leg<T> {}

impl<T> Future for Leg<T> {
    type Output = Step<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T>> {
        let leg = &mut *self;
        // Many that begin at once are known before each has had its turn.
        if leg.pause_at.is_some() && leg.share.is_spent() {
            return Poll::Ready(Step::Paused(leg.rest()));
        }
        let Some(work) = leg.work.as_mut() else {
            let lost = Stopped::Lost("polled after its end".to_owned());
            return Poll::Ready(Step::Done(Err(lost)));
        };
        let before = cpu_clock();
        let poll = match &leg.here {
            Some(here) => here.run(|| work.as_mut().poll(cx)),
            None => Some(work.as_mut().poll(cx)),
        };
        let Some(poll) = poll else {
            return Poll::Ready(Step::Paused(leg.rest()));
        };
        let used = cpu_clock().saturating_sub(before);
        leg.used += used;
        leg.meter.cpu(leg.used);
        leg.share.charge(used);
        if leg.used >= QUICK {
            leg.share.was_slow();
        }
        match poll {
            Poll::Ready(value) => {
                leg.work = None;
                leg.share.ended();
                Poll::Ready(Step::Done(Ok(value)))
            }
            Poll::Pending if leg.used >= leg.budget && leg.meter.finality.give_up() => {
                // Dropped here, on its own runtime: it unwinds the guest's stack.
                leg.work = None;
                Poll::Ready(Step::Done(Err(Stopped::Cpu)))
            }
            Poll::Pending
                if leg.pause_at.is_some_and(|at| leg.used >= at)
                    || leg.here.is_some() && leg.meter.is_long() =>
            {
                Poll::Ready(Step::Paused(leg.rest()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

fn build(name: &str, threads: usize, on_start: fn()) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .on_thread_start(on_start)
        .enable_all()
        .build()
}

/// Linux gives each thread its own nice value; elsewhere it belongs to the
/// process, and the second runtime only keeps hogs together.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::nice(HOG_NICE) {
        tracing::warn!(%error, "the priority of runaway tools cannot be lowered");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

/// CPU time of this thread.
#[cfg(unix)]
fn cpu_clock() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

/// Time of day counts the time for which the thread is descheduled as well:
/// never too lenient.
#[cfg(not(unix))]
fn cpu_clock() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// What a call may use where it is called: some ten times what a small one needs.
const QUICK: Duration = Duration::from_millis(1);
/// CPU time after which a call competes with its like only: two epoch ticks.
const HOG_AFTER: Duration = Duration::from_millis(20);
/// The nice value of hogs; 19 is the lowest priority there is.
#[cfg(target_os = "linux")]
const HOG_NICE: i32 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    /// Burns CPU in slices of a millisecond, yielding between them.
    async fn burn(total: Duration) -> &'static str {
        let mut burnt = Duration::ZERO;
        while burnt < total {
            let start = cpu_clock();
            while cpu_clock() - start < Duration::from_millis(1) {
                std::hint::black_box(0);
            }
            burnt += Duration::from_millis(1);
            tokio::task::yield_now().await;
        }
        "burnt"
    }

    #[tokio::test]
    async fn work_that_spends_its_budget_is_stopped() {
        let threads = GuestThreads::start(1).unwrap();
        let meter = Arc::new(Meter::default());
        let work = burn(Duration::from_secs(600));
        let budget = Duration::from_millis(60);
        let result = threads
            .run(work, budget, Arc::clone(&meter), Arc::default())
            .await;
        assert_eq!(result, Err(Stopped::Cpu));
        assert!(meter.bill("".into(), Duration::ZERO).cpu_us >= 60_000);
    }

    #[tokio::test]
    async fn work_past_the_first_leg_finishes_on_the_second() {
        let threads = GuestThreads::start(1).unwrap();
        let work = async {
            burn(HOG_AFTER * 2).await;
            std::thread::current().name().map(str::to_owned)
        };
        let result = threads
            .run(
                work,
                Duration::from_secs(10),
                Arc::default(),
                Arc::default(),
            )
            .await;
        assert_eq!(result.unwrap().as_deref(), Some("guest-hog"));
    }

    #[tokio::test]
    async fn a_tool_set_that_has_spent_its_share_begins_among_the_hogs() {
        let threads = GuestThreads::start(1).unwrap();
        let share = Arc::new(Share::default());
        let on = async |share: &Arc<Share>| {
            let name = async { std::thread::current().name().map(str::to_owned) };
            let budget = Duration::from_secs(1);
            let run = threads.run(name, budget, Arc::default(), Arc::clone(share));
            run.await.unwrap()
        };
        assert_eq!(on(&share).await.as_deref(), Some("guest"));
        share.charge(Duration::from_secs(1));
        assert_eq!(on(&share).await.as_deref(), Some("guest-hog"));
        assert_eq!(on(&Arc::default()).await.as_deref(), Some("guest"));
    }

    /// The thread on which a call of that much CPU ends.
    async fn thread_of(threads: &GuestThreads, share: &Arc<Share>, cpu: Duration) -> String {
        let work = async move {
            burn(cpu).await;
            std::thread::current().name().unwrap_or("").to_owned()
        };
        let budget = Duration::from_secs(10);
        let run = threads.run(work, budget, Arc::default(), Arc::clone(share));
        run.await.unwrap()
    }

    #[tokio::test]
    async fn a_tool_set_that_is_quick_runs_where_it_is_called() {
        let threads = GuestThreads::start(2).unwrap();
        let share = Arc::new(Share::default());
        let here = std::thread::current().name().unwrap_or("").to_owned();
        let quick = Duration::ZERO;
        let mut on = Vec::new();
        while on.last() != Some(&here) {
            on.push(thread_of(&threads, &share, quick).await);
        }
        assert!(on.len() > 1 && on[..on.len() - 1].iter().all(|on| on == "guest"));
        // As many as may run here already, or slow: it goes on elsewhere.
        let taken = threads.here.0.swap(0, Ordering::Relaxed);
        assert_eq!(taken, 1);
        assert_eq!(thread_of(&threads, &share, quick).await, "guest");
        threads.here.0.store(taken, Ordering::Relaxed);
        assert_eq!(thread_of(&threads, &share, quick).await, here);
        assert_eq!(thread_of(&threads, &share, 3 * QUICK).await, "guest");
        // And the next ones begin there.
        assert_eq!(thread_of(&threads, &share, quick).await, "guest");
        assert_eq!(threads.here.0.load(Ordering::Relaxed), taken);

        let share = Arc::new(Share::default());
        while !share.is_quick() {
            share.ended();
        }
        let meter = Arc::new(Meter::default());
        let ours = Arc::clone(&meter);
        let work = async move {
            leave_the_front_door(&ours).await;
            std::thread::current().name().map(str::to_owned)
        };
        let run = threads.run(work, Duration::from_secs(1), meter, share);
        assert_eq!(run.await.unwrap().as_deref(), Some("guest"));
    }

    #[tokio::test]
    async fn a_panic_where_it_is_called_costs_one_call() {
        let threads = GuestThreads::start(2).unwrap();
        let share = Arc::new(Share::default());
        while !share.is_quick() {
            share.ended();
        }
        let budget = Duration::from_secs(1);
        let broken = async { panic!("driver bug") };
        let run = threads.run(broken, budget, Arc::default(), Arc::clone(&share));
        let result: Result<(), Stopped> = run.await;
        assert!(matches!(result, Err(Stopped::Lost(_))));
        assert_eq!(threads.here.0.load(Ordering::Relaxed), 1);
        let run = threads.run(async { 1 }, budget, Arc::default(), share);
        assert_eq!(run.await, Ok(1));
    }

    #[tokio::test]
    async fn waiting_costs_nothing() {
        let threads = GuestThreads::start(1).unwrap();
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let waiting = threads.run(
            receiver,
            Duration::from_millis(1),
            Arc::default(),
            Arc::default(),
        );
        let (result, ()) = tokio::join!(waiting, async {
            burn(Duration::from_millis(20)).await;
            sender.send(()).unwrap();
        });
        assert!(result.is_ok(), "{result:?}");
    }

    #[tokio::test]
    async fn a_panic_costs_one_call() {
        let threads = GuestThreads::start(1).unwrap();
        let budget = Duration::from_secs(1);
        let result: Result<(), Stopped> = threads
            .run(
                async { panic!("driver bug") },
                budget,
                Arc::default(),
                Arc::default(),
            )
            .await;
        assert!(matches!(result, Err(Stopped::Lost(_))));
        assert!(
            threads
                .run(async { 1 }, budget, Arc::default(), Arc::default())
                .await
                .is_ok()
        );
    }
}
