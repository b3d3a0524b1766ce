//! The tool sets of `tests/contract`, built when the contract was new: each serves
//! on this host, and what was built for another major is told so.

mod calls;
mod frozen;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use integration_tests::Product;
use mssql_mcp::runtime::{CompileLimits, Compiler, Place, Runtime};
use ruzstd::decoding::StreamingDecoder;

use calls::Calls;

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_set_that_was_ever_good_still_is() {
    for version in versions() {
        let mut product = Product::builder();
        let languages = LANGUAGES.map(|language| {
            let calls = Calls::read(&version.join(language).with_extension("toml"));
            (language, tool_set(&version, language), calls)
        });
        for (language, wasm, calls) in &languages {
            product = product.tool_set(language, wasm, &calls.settings);
        }
        let product = product.start().await;
        for (language, _, calls) in &languages {
            println!("{} {language}", version.display());
            calls.make(&product, language).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_set_of_a_later_minor_serves_where_it_needs_nothing_new() {
    let version = versions().remove(0);
    let later = of_version(&tool_set(&version, "rust"), b"@1.9.0");
    let calls = Calls::read(&version.join("rust.toml"));
    let product = Product::builder().tool_set("rust", &later, &calls.settings);
    calls.make(&product.start().await, "rust").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_set_of_another_major_is_told_both_versions() {
    let good = tool_set(&versions().remove(0), "rust");
    let runtime = Runtime::start(64 << 20, 1).expect("a sandbox");
    let compiler = Compiler::new(Place::Here, None);
    for version in ["0.1.0", "2.0.0"] {
        let other = of_version(&good, format!("@{version}").as_bytes());
        let refused = compiler
            .compile(&runtime, other.into(), CompileLimits::default())
            .await;
        let said = refused.expect_err("it does not fit").to_string();
        println!("{said}");
        for part in [
            "mssql-mcp:",
            &format!("version {version} "),
            "this host has 1.0.0",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
}

/// The folders of `tests/contract`, the oldest first.
fn versions() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    let entries = fs::read_dir(folder).expect("a folder");
    let mut versions: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    versions.sort();
    assert!(!versions.is_empty());
    versions
}

fn tool_set(version: &Path, language: &str) -> Vec<u8> {
    let path = version.join(format!("{language}.wasm.zst"));
    let file = fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut wasm = Vec::new();
    StreamingDecoder::new(file)
        .expect("a Zstandard frame")
        .read_to_end(&mut wasm)
        .expect("a whole frame");
    wasm
}

/// The same with each name of the contract in another version, of the same length.
fn of_version(wasm: &[u8], version: &[u8]) -> Vec<u8> {
    let mut wasm = wasm.to_vec();
    let mut changed = 0;
    for at in 0..wasm.len() - FIRST.len() {
        if wasm[at..].starts_with(FIRST) {
            wasm[at..at + FIRST.len()].copy_from_slice(version);
            changed += 1;
        }
    }
    assert!(changed > 0, "no name has a version");
    wasm
}

const FIRST: &[u8] = b"@1.0.0";
const LANGUAGES: [&str; 3] = ["rust", "python", "javascript"];
