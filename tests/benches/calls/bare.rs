//! 10 000 rows by the driver alone: what our ways of reading are held against.

use futures_util::TryStreamExt;
use integration_tests::Product;
use tiberius::{AuthMethod, Client, Config, QueryItem};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

/// Four columns, 10 000 rows.
pub(crate) const SQL: &str = "SELECT TOP 10000 a.OrderID, b.ProductName, a.Freight, a.ShipCity \
                   FROM Orders a CROSS JOIN Products b";

/// The least that a program on this driver can do for the same body.
pub(crate) async fn read(client: &mut Client<Compat<TcpStream>>) -> String {
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

pub(crate) async fn connect(product: &Product) -> Client<Compat<TcpStream>> {
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
