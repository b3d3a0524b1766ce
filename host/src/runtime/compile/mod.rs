//! From the bytes of a file to native code: hashed, compiled where a file that
//! takes for ever harms nobody, kept for the next start.

mod cache;
mod child;
mod memory;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::Semaphore;

pub use cache::NativeCache;
pub(crate) use child::WALL_TO_CPU;
pub use child::{COMPILE_COMMAND, compile_here};

use super::engine::Runtime;
use super::error::LoadError;
use super::load::Component;
use crate::tally::CacheFigures;

/// Compiles components, two at a time: it is work for every core there is, and one
/// that takes long keeps no other waiting.
pub struct Compiler {
    place: Place,
    cache: Option<NativeCache>,
    turn: Semaphore,
    /// For who reads the cache: code of 50 MB is in memory whole, a moment each.
    look: Semaphore,
}

/// Where components are compiled.
#[derive(Debug, Clone)]
pub enum Place {
    /// A process of its own under the limits of [`CompileLimits`], made from this
    /// program, which runs [`compile_here`] when it is given [`COMPILE_COMMAND`].
    Child(PathBuf),
    /// This process, for files that are trusted.
    Here,
}

/// What compiling one file may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of the file.
    pub size: usize,
    /// CPU time, on all cores together.
    pub cpu: Duration,
    /// Bytes of address space.
    pub memory: usize,
}

impl Default for CompileLimits {
    /// Three times what 18 MB of Python take on two slow cores; memory is less where the
    /// machine or the container has little.
    fn default() -> Self {
        Self {
            size: 64 << 20,
            cpu: Duration::from_secs(60),
            memory: memory::usual(),
        }
    }
}

/// A component, and what it took to have it.
#[derive(Debug)]
pub struct Compiled {
    /// The component.
    pub component: Component,
    /// Whether its code was in the cache.
    pub cached: bool,
    /// Time that compiling or fetching took, waiting for a turn not included.
    pub took: Duration,
}

impl Compiler {
    /// Compiles at `place`; what is in `cache` need not be compiled again.
    pub fn new(place: Place, cache: Option<NativeCache>) -> Self {
        Self {
            place,
            cache,
            turn: Semaphore::new(AT_ONCE),
            look: Semaphore::new(AT_ONCE),
        }
    }

    /// The native code that is kept on disk, if it is.
    pub fn kept(&self) -> Option<CacheFigures> {
        self.cache.as_ref().map(NativeCache::figures)
    }

    /// Checks and compiles the file whose content is `wasm` (67 KB of Rust take
    /// 0.14 s, 18 MB of Python 7 s on two cores).
    ///
    /// # Errors
    /// The file is no component of the contract, or takes more than `limits`.
    pub async fn compile(
        &self,
        runtime: &Runtime,
        wasm: Arc<[u8]>,
        limits: CompileLimits,
    ) -> Result<Compiled, LoadError> {
        check_header(&wasm, limits.size)?;
        let code = Code {
            sum: sha256(&wasm),
            tag: compatibility(runtime),
            size: wasm.len(),
        };
        // What need not be compiled waits for nobody who is.
        if let Some(compiled) = self.cached(runtime, &code).await {
            return Ok(compiled);
        }
        let _turn = self.turn.acquire().await;
        // Somebody may have compiled the same meanwhile.
        if let Some(compiled) = self.cached(runtime, &code).await {
            return Ok(compiled);
        }
        if let Some(cache) = &self.cache {
            cache.missed();
        }
        self.compile_now(runtime, wasm, code, limits).await
    }

    async fn compile_now(
        &self,
        runtime: &Runtime,
        wasm: Arc<[u8]>,
        code: Code,
        limits: CompileLimits,
    ) -> Result<Compiled, LoadError> {
        let started = Instant::now();
        let reservation = runtime.reservation;
        let native = match &self.place {
            Place::Child(program) => child::compile(program, reservation, &wasm, limits).await?,
            Place::Here => blocking(move || child::native_code(&wasm, reservation)).await??,
        };
        let native: Arc<[u8]> = native.into();
        let Code { sum, tag, size } = code;
        let (runtime, name, code) = (runtime.clone(), sum.clone(), Arc::clone(&native));
        let component =
            blocking(move || Component::of_native(&runtime, &code, name, size)).await??;
        if let Some(cache) = self.cache.clone() {
            // The component serves whether or not it can be kept.
            blocking(move || cache.keep(&sum, tag, &native)).await?;
        }
        Ok(Compiled {
            component,
            cached: false,
            took: started.elapsed(),
        })
    }

    async fn cached(&self, runtime: &Runtime, code: &Code) -> Option<Compiled> {
        let (cache, runtime, code) = (self.cache.clone()?, runtime.clone(), code.clone());
        let _look = self.look.acquire().await;
        let started = Instant::now();
        let found = blocking(move || {
            let native = cache.find(&code.sum, code.tag)?;
            Component::of_native(&runtime, &native, code.sum, code.size).ok()
        });
        Some(Compiled {
            component: found.await.ok().flatten()?,
            cached: true,
            took: started.elapsed(),
        })
    }
}

/// What native code is known by.
#[derive(Clone)]
struct Code {
    /// SHA-256 of its file.
    sum: String,
    /// The engines that can run it.
    tag: u64,
    /// Bytes of its file.
    size: usize,
}

/// Files that are compiled at once, and files of the cache that are read at once.
const AT_ONCE: usize = 2;

/// Tells apart code that this engine cannot run: another version, CPU or setting.
fn compatibility(runtime: &Runtime) -> u64 {
    let mut hasher = DefaultHasher::new();
    runtime
        .engine
        .precompile_compatibility_hash()
        .hash(&mut hasher);
    hasher.finish()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| LoadError::Compiler(error.to_string()))
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells apart the mistakes that operators make with files, which the engine's
/// messages do not.
fn check_header(wasm: &[u8], limit: usize) -> Result<(), LoadError> {
    if wasm.len() > limit {
        return Err(LoadError::TooLarge(limit));
    }
    let reason = match wasm {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => {
            "it is a core module; build it for the target wasm32-wasip2"
        }
        [] => "the file is empty",
        _ => "the file does not begin as WebAssembly does",
    };
    Err(LoadError::NotAComponent(reason.to_owned()))
}

#[cfg(test)]
#[cfg(feature = "demo")]
mod tests;
