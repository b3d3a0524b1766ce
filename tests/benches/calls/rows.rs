//! 10 000 rows from the embedded server: the bare driver that writes the same
//! body, and our ways of reading.

use criterion::{Criterion, Throughput};
use integration_tests::Product;
use mssql_mcp::database::{Database, JsonShape, Options, Query};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::bare;

pub(crate) fn bench(criterion: &mut Criterion, runtime: &Runtime, product: &Product) {
    let database = &product.app.scope("claude").expect("the scope").databases[0].1;
    let mut group = criterion.benchmark_group("rows_10000");
    group
        .throughput(Throughput::Elements(10_000))
        .sample_size(20);
    let mut driver = runtime.block_on(bare::connect(product));
    group.bench_function("bare_driver", |bencher| {
        bencher.iter(|| runtime.block_on(bare::read(&mut driver)));
    });
    group.bench_function("document", |bencher| {
        bencher.to_async(runtime).iter(|| async {
            let mut cursor = database.query(query()).await.expect("a cursor");
            cursor
                .document(JsonShape::Objects)
                .await
                .expect("a document")
        });
    });
    group.bench_function("to_json", |bencher| {
        bencher.to_async(runtime).iter(|| async {
            let mut cursor = database.query(query()).await.expect("a cursor");
            cursor.to_json(JsonShape::Objects).await.expect("an array")
        });
    });
    group.bench_function("typed_batches", |bencher| {
        bencher.to_async(runtime).iter(|| batches(database))
    });
    group.bench_function("through_wasm", |bencher| {
        let registry = super::registry(product, "claude");
        let arguments = serde_json::json!({"query": bare::SQL}).to_string();
        bencher
            .to_async(runtime)
            .iter(|| super::call(&registry, "execute_sql", &arguments));
    });
    group.finish();
}

async fn batches(database: &Database) -> usize {
    let mut cursor = database.query(query()).await.expect("a cursor");
    let mut rows = 0;
    loop {
        let batch = cursor.next(500).await.expect("a batch");
        rows += std::hint::black_box(batch.rows).len();
        if batch.done {
            return rows;
        }
    }
}

fn query() -> Query {
    Query {
        sql: bare::SQL.to_owned(),
        params: Vec::new(),
        options: Options::default(),
        cancel: CancellationToken::new(),
        principal: None,
    }
}
