//! Drivers of four makers against the embedded server: they log in with and
//! without TLS, and read in `dbo.AllTypes` what the tools read there.

use integration_tests::Product;
use serde_json::json;
use tokio::process::Command;

use super::tap::Tap;
use super::{node, outcome, python};

#[tokio::test(flavor = "multi_thread")]
async fn four_drivers_read_every_type_as_the_tools_do() {
    let product = Product::builder()
        .scope_settings("max_bytes = \"4MiB\"\nmax_cell = \"1MiB\"")
        .start()
        .await;
    let reply = product
        .client("claude")
        .sql("SELECT * FROM dbo.AllTypes ORDER BY Id")
        .await;
    let expected = reply.structured();
    assert_eq!(expected["truncated"], json!(null));
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = folder.path().join("ca.pem");
    std::fs::write(&certificate, product.server.certificate_pem()).expect("a file");

    let mut table = Vec::new();
    let mut failures = Vec::new();
    for client in CLIENTS {
        for tls in [false, true] {
            let tap = Tap::before(product.server.address()).await;
            let job = json!({
                "host": "127.0.0.1",
                "port": tap.address.port(),
                "user": product.server.reader().user,
                "password": product.server.reader().password,
                "database": product.server.database(),
                "tls": tls,
                "ca_file": certificate,
                "expected": expected,
            });
            let result = outcome(&mut script(client), &job.to_string()).await;
            let result = result.and_then(|line| match tap.saw("dbo.AllTypes") {
                true if tls => Err(format!(
                    "{client}: with TLS the statement travelled in clear"
                )),
                false if !tls => Err(format!(
                    "{client}: without TLS the statement did not travel in clear"
                )),
                _ => Ok(line),
            });
            let tls = if tls { "on" } else { "off" };
            let said = result.unwrap_or_else(|reason| {
                failures.push(reason);
                "FAILED".to_owned()
            });
            table.push(format!("{client:<14}{tls:<5}{said}"));
        }
    }
    println!("\n{:<14}{:<5}result\n{}", "client", "TLS", table.join("\n"));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn script(client: &str) -> Command {
    if client == "tedious" {
        return node("tds.mjs");
    }
    let mut script = python("tds.py");
    script.arg(client);
    script
}

/// Node's, FreeTDS, one in plain Python, and Microsoft's own.
const CLIENTS: [&str; 4] = ["tedious", "pymssql", "python-tds", "mssql-python"];
