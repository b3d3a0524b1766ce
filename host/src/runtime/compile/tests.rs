//! Who waits for whom where components are compiled.

use tempfile::TempDir;

use super::*;

struct Scene {
    runtime: Runtime,
    compiler: Compiler,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = NativeCache::open(folder.path(), &[7; 32]).unwrap();
        Self {
            runtime: Runtime::start(16 << 20, 1).unwrap(),
            compiler: Compiler::new(Place::Here, Some(cache)),
            _folder: folder,
        }
    }

    /// Whether it came from the cache.
    async fn compile(&self) -> bool {
        let wasm = plugin_bundle::CLAUDE_TOOLS.wasm.into();
        let limits = CompileLimits::default();
        let compiled = self.compiler.compile(&self.runtime, wasm, limits);
        let compiled = tokio::time::timeout(PATIENCE, compiled).await;
        compiled.expect("its turn").unwrap().cached
    }

    /// Files that were in the cache, and files that were not.
    fn looks(&self) -> (u64, u64) {
        let figures = self.compiler.kept().unwrap();
        (figures.hits, figures.misses)
    }
}

#[tokio::test]
async fn what_is_in_the_cache_waits_for_nobody_who_compiles() {
    let scene = Scene::new();
    assert!(!scene.compile().await);
    let every_turn = u32::try_from(AT_ONCE).unwrap();
    let _turns = scene.compiler.turn.acquire_many(every_turn).await.unwrap();
    assert!(scene.compile().await);
    assert_eq!(scene.looks(), (1, 1));
}

#[tokio::test]
async fn who_waited_for_a_turn_takes_what_was_compiled_meanwhile() {
    let scene = Scene::new();
    // The other turn is of somebody who takes for ever.
    let _turn = scene.compiler.turn.acquire().await.unwrap();
    let (one, other) = tokio::join!(scene.compile(), scene.compile());
    assert_ne!(one, other, "one of them compiled");
    assert_eq!(scene.looks(), (1, 1));
}

/// Longer than a busy machine takes to compile it.
const PATIENCE: Duration = Duration::from_secs(60);
