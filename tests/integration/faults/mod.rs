//! A database server that is slow, lies, breaks off or says nothing: what the
//! model reads, how soon, and what is left of the pool.

mod cancel;
mod connecting;
mod memory;
mod replies;

use std::time::{Duration, Instant};

use integration_tests::faulty::{Fault, MARK};
use integration_tests::{McpClient, Product};
use serde_json::Value;

/// A product whose database server can be broken, and what was seen of it.
struct Bench {
    product: Product,
    claude: McpClient,
    table: Vec<String>,
}

/// What a failed call came to.
struct Failure {
    error: Value,
    took: Duration,
}

impl Failure {
    fn code(&self) -> &str {
        self.error["code"].as_str().expect("a code")
    }

    fn sentence(&self) -> &str {
        self.error["error"].as_str().expect("a sentence")
    }
}

impl Bench {
    async fn start() -> Self {
        Self::of(Product::builder().faulty()).await
    }

    async fn of(builder: integration_tests::ProductBuilder) -> Self {
        let product = builder
            .database_setting("pool", "{ max = 4, acquire_timeout = \"2s\" }")
            .scope_settings("query_timeout = \"1s\"")
            .start()
            .await;
        let claude = product.client("claude");
        Self {
            product,
            claude,
            table: Vec::new(),
        }
    }

    /// A marked call under `fault` fails with one of `codes`, between `|`, and
    /// leaves nothing behind.
    async fn fails(&mut self, name: &str, fault: Fault, codes: &str) -> Failure {
        let connects = matches!(
            fault,
            Fault::Refuse
                | Fault::Mute
                | Fault::CloseAt(_)
                | Fault::AnswerAt(..)
                | Fault::NoTls
                | Fault::DelayAt(..)
        );
        let faulty = self.product.faulty();
        faulty.set(fault);
        if connects {
            faulty.hang_up();
        }
        let started = Instant::now();
        let reply = self.claude.sql(&marked()).await;
        let took = started.elapsed();
        let failure = Failure {
            error: reply.error(),
            took,
        };
        self.product.faulty().set(Fault::None);
        let next = self.next_call().await;
        let code = failure.code().to_owned();
        let expected = codes.split('|').any(|expected| expected == code);
        assert!(expected, "{name}: {}", failure.error);
        self.keeps_quiet(name, &failure.error);
        // The time limit of a statement or of waiting for a connection, and what a
        // busy machine adds.
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
        self.row(name, &code, failure.sentence(), took, next);
        failure
    }

    /// A marked call under `fault` works.
    async fn works(&mut self, name: &str, fault: Fault) -> Value {
        self.product.faulty().set(fault);
        let started = Instant::now();
        let reply = self.claude.sql(&marked()).await;
        let took = started.elapsed();
        let result = reply.structured().clone();
        self.product.faulty().set(Fault::None);
        let next = self.next_call().await;
        self.row(name, "", "the result, whole", took, next);
        result
    }

    /// How long the next call takes, which works; the pool is as it should be then.
    async fn next_call(&self) -> Duration {
        let started = Instant::now();
        let reply = self.claude.sql("SELECT 1 AS one").await;
        let took = started.elapsed();
        assert_eq!(reply.structured()["results"][0]["one"], 1);
        self.pool_is_right().await;
        took
    }

    /// Waits until every connection is idle again and none is there that no scope's
    /// pool knows of.
    async fn pool_is_right(&self) {
        let patience = Instant::now() + Duration::from_secs(30);
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        loop {
            let pool = self.product.pool("claude");
            let known = self.product.connections();
            let open = self.product.faulty().counts().open;
            let right = pool.waiting == 0
                && pool.idle == pool.connections
                && (1..=4).contains(&pool.connections)
                && open <= known;
            if right {
                return;
            }
            assert!(
                Instant::now() < patience,
                "{pool:?}, {open} open, {known} known"
            );
            looks.tick().await;
        }
    }

    /// No names, log-ins or internals.
    fn keeps_quiet(&self, name: &str, error: &Value) {
        let said = error.to_string();
        let port = self.product.faulty().address().port().to_string();
        let server = &self.product.server;
        for secret in [
            "127.0.0.1",
            &port,
            &server.reader().user,
            &server.reader().password,
            "SECRET-HOST",
            "demo-sqlserver",
            "tiberius",
            "rustls",
            "panicked",
            "TokenType",
            "token type",
            "os error",
        ] {
            assert!(!said.contains(secret), "{name}: {secret} in {said}");
        }
    }

    fn row(&mut self, name: &str, code: &str, sentence: &str, took: Duration, next: Duration) {
        let code = if code.is_empty() {
            "–".to_owned()
        } else {
            format!("`{code}`")
        };
        self.table.push(format!(
            "| {name} | {code} | {sentence} | {} ms | {} ms |",
            took.as_millis(),
            next.as_millis()
        ));
    }

    fn print(&self, what: &str) {
        println!("\n{what}\n\n| fault | code | what the model reads | after | next call |");
        println!("|---|---|---|---|---|\n{}\n", self.table.join("\n"));
    }
}

/// A statement that meets the fault.
fn marked() -> String {
    format!("SELECT TOP 5 OrderID AS {MARK} FROM Orders ORDER BY OrderID")
}
