//! Speed of the way of a call: the sandbox's tax, and rows from the wire to
//! the reply. `just bench` runs it and prints the ratios at its end.

mod bare;
mod native;
mod rows;
mod summary;
mod token;

use std::sync::Arc;

use criterion::{Criterion, criterion_group};
use integration_tests::Product;
use mssql_mcp::tools::{CallContext, ToolRegistry};
use serde_json::value::RawValue;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// One tool through wasm and the same tool in the process.
fn tool_call(criterion: &mut Criterion) {
    let (runtime, product) = start();
    let wasm = registry(&product, "claude");
    let native = native::registry(
        product.app.scope("claude").expect("the scope").databases[0]
            .1
            .clone(),
    );
    let mut group = criterion.benchmark_group("tool_call");
    for (name, registry) in [("native", &native), ("wasm", &wasm)] {
        group.bench_function(name, |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| call(registry, "execute_sql", SMALL));
        });
    }
    group.finish();
}

/// A guest that does nothing: store, instance, call, reply.
fn instantiate(criterion: &mut Criterion) {
    let (runtime, product) = start();
    let hostile = registry(&product, "hostile");
    criterion.bench_function("instantiate/echo", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(|| call(&hostile, "echo", "{}"));
    });
}

/// 10 000 rows, in each of the ways that they can go.
fn row_set(criterion: &mut Criterion) {
    let (runtime, product) = start();
    rows::bench(criterion, &runtime, &product);
}

/// What a token costs.
fn token(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    token::bench(criterion, &runtime);
}

fn start() -> (Runtime, Product) {
    let runtime = Runtime::new().expect("a runtime");
    let settings = "max_rows = 100000\nmax_bytes = \"64MiB\"\nlimits = { cpu = \"60s\" }";
    let product = runtime.block_on(Product::builder().scope_settings(settings).start());
    (runtime, product)
}

fn registry(product: &Product, scope: &str) -> Arc<ToolRegistry> {
    product
        .app
        .scope(scope)
        .expect("the scope")
        .tools
        .load_full()
}

async fn call(registry: &ToolRegistry, tool: &str, arguments: &str) {
    let arguments: &RawValue = serde_json::from_str(arguments).expect("JSON");
    let output = registry
        .call(tool, Some(arguments), context())
        .await
        .expect("a result");
    std::hint::black_box(output);
}

fn context() -> CallContext {
    CallContext::new("bench", None, CancellationToken::new())
}

const SMALL: &str = r#"{"query":"SELECT TOP 1 ProductName FROM Products"}"#;

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).output_directory(&summary::folder());
    targets = instantiate, tool_call, row_set, token
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    summary::print();
}
