//! 10 000 rows from the embedded server: the bare driver that writes the same
//! body, and our ways of reading.

use criterion::{Criterion, Throughput};
use futures_util::TryStreamExt;
use integration_tests::Product;
use mssql_mcp::database::{Database, JsonShape, Options, Query};
use tiberius::{AuthMethod, Client, Config, QueryItem};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};
use tokio_util::sync::CancellationToken;

/// Four columns, 10 000 rows.
const SQL: &str = "SELECT TOP 10000 a.OrderID, b.ProductName, a.Freight, a.ShipCity \
                   FROM Orders a CROSS JOIN Products b";

pub(crate) fn bench(criterion: &mut Criterion, runtime: &Runtime, product: &Product) {
    let database = &product.app.scope("claude").expect("the scope").databases[0].1;
    let mut group = criterion.benchmark_group("rows_10000");
    group
        .throughput(Throughput::Elements(10_000))
        .sample_size(20);
    let mut driver = runtime.block_on(connect(product));
    group.bench_function("bare_driver", |bencher| {
        bencher.iter(|| runtime.block_on(bare(&mut driver)));
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
        let arguments = serde_json::json!({"query": SQL}).to_string();
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

/// The least that a program on this driver can do for the same body.
async fn bare(client: &mut Client<Compat<TcpStream>>) -> String {
    use std::fmt::Write as _;
    let mut body = String::with_capacity(1 << 20);
    let mut stream = client.query(SQL, &[]).await.expect("a stream");
    body.push('[');
    while let Some(item) = stream.try_next().await.expect("a row") {
        let QueryItem::Row(row) = item else { continue };
        let id: i32 = row.get(0).expect("an id");
        let name: &str = row.get(1).expect("a name");
        let freight: f64 = row.get(2).unwrap_or_default();
        let city: Option<&str> = row.get(3);
        let name = serde_json::to_string(name).expect("a string");
        let city = serde_json::to_string(&city).expect("a string");
        if body.len() > 1 {
            body.push(',');
        }
        write!(
            body,
            r#"{{"OrderID":{id},"ProductName":{name},"Freight":"{freight:.4}","ShipCity":{city}}}"#
        )
        .expect("a string grows");
    }
    body.push(']');
    body
}

async fn connect(product: &Product) -> Client<Compat<TcpStream>> {
    let log_in = product.server.reader();
    let mut config = Config::new();
    config.host("127.0.0.1");
    config.port(product.server.address().port());
    config.database(product.server.database());
    config.authentication(AuthMethod::sql_server(&log_in.user, &log_in.password));
    config.trust_cert();
    let socket = TcpStream::connect(config.get_addr())
        .await
        .expect("a socket");
    socket.set_nodelay(true).expect("an option");
    Client::connect(config, socket.compat_write())
        .await
        .expect("a log-in")
}

fn query() -> Query {
    Query {
        sql: SQL.to_owned(),
        params: Vec::new(),
        options: Options::default(),
        cancel: CancellationToken::new(),
    }
}
