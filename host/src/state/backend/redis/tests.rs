use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::state::backend::contract::{Place, every_backend};

/// A real Redis on a port of its own, which ends with the test.
struct OneRedis {
    process: Child,
    port: u16,
}

impl OneRedis {
    async fn start() -> Self {
        // Another process may take the port in between.
        for _ in 0..5 {
            if let Some(redis) = Self::start_at(free_port(), &[]).await {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    async fn start_at(port: u16, more: &[&str]) -> Option<Self> {
        let mut process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--requirepass", PASSWORD])
            .args(more)
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is missing; tests/outside/install installs it");
        while process.try_wait().unwrap().is_none() {
            let redis = Redis::with_prefix(&address(port), PREFIX).unwrap();
            if redis.position().await.is_ok() {
                return Some(Self { process, port });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    fn open(&self) -> Redis {
        Redis::with_prefix(&address(self.port), PREFIX).unwrap()
    }

    /// What a command answers.
    async fn ask<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let mut pipeline = redis::pipe();
        pipeline.cmd(command[0]).arg(&command[1..]);
        let (answer,) = self.open().ask(&pipeline).await.unwrap();
        answer
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        let process = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
    }

    fn stop(&mut self) {
        // Ended already is as good.
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

impl Drop for OneRedis {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Place for OneRedis {
    async fn node(&self) -> Arc<dyn Backend> {
        Arc::new(self.open())
    }
}

every_backend!(OneRedis::start().await);

#[tokio::test]
async fn records_and_indexes_end_by_themselves_a_while_after_they_expire() {
    let redis = OneRedis::start().await;
    let node = redis.open();
    let hour = 3_600_000;
    let commit = async |id: &str, end: Option<i64>| {
        let write = Write {
            key: Key::new("test", id),
            body: Vec::new(),
            expires_at: end.map(|end| Timestamp(NOW.0 + end)),
            indexes: vec![Index::new("list", "i")],
        };
        let change = Change {
            at: NOW,
            writes: vec![write],
            ..Change::default()
        };
        node.commit(change).await.unwrap();
    };
    let record = |id: &str| format!("{PREFIX}record:test:{id}");
    let index = format!("{PREFIX}index:list:i");
    let around = |left: i64, life: i64| (life - 60_000..=life).contains(&left);

    commit("a", Some(2 * hour)).await;
    let left: i64 = redis.ask(&["PTTL", &record("a")]).await;
    assert!(around(left, 2 * hour + SLACK_MS), "{left}");
    let left: i64 = redis.ask(&["PTTL", &index]).await;
    assert!(around(left, 2 * hour + SLACK_MS), "{left}");

    commit("b", Some(hour)).await;
    let left: i64 = redis.ask(&["PTTL", &index]).await;
    assert!(around(left, 2 * hour + SLACK_MS), "{left}");
    commit("c", Some(3 * hour)).await;
    let left: i64 = redis.ask(&["PTTL", &index]).await;
    assert!(around(left, 3 * hour + SLACK_MS), "{left}");

    commit("d", None).await;
    commit("e", Some(hour)).await;
    for name in [record("d"), index.clone()] {
        let left: i64 = redis.ask(&["PTTL", &name]).await;
        assert_eq!(left, -1, "{name}");
    }
    // What expired already is gone with the next one that comes.
    commit("late", Some(-hour)).await;
    commit("f", Some(hour)).await;
    let members: Vec<String> = redis.ask(&["ZRANGE", &index, "0", "-1"]).await;
    assert_eq!(members.len(), 6, "{members:?}");
}

#[tokio::test]
async fn every_key_is_on_one_node_of_a_cluster() {
    let redis = OneRedis::start().await;
    let node = redis.open();
    let change = Change {
        at: NOW,
        writes: vec![Write {
            key: Key::new("test", "{other}"),
            body: Vec::new(),
            expires_at: None,
            indexes: vec![Index::new("list", "{another}")],
        }],
        events: vec![Event::EverythingChanged],
        ..Change::default()
    };
    node.commit(change).await.unwrap();
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    assert_eq!(keys.len(), 4, "{keys:?}");
    for key in keys {
        assert!(key.starts_with("{mssql-mcp}:"), "{key}");
    }
}

#[tokio::test]
async fn a_redis_that_is_away_is_an_error_soon_and_one_that_is_back_is_used_at_once() {
    let mut redis = OneRedis::start().await;
    let node = redis.open();
    let watching = redis.open();
    let position = watching.position().await.unwrap();
    node.commit(told()).await.unwrap();
    watching.events(position, Duration::ZERO).await.unwrap();
    redis.stop();
    for _ in 0..3 {
        unavailable(node.read(&[Key::new("test", "a")]).await);
        unavailable(node.commit(told()).await);
        unavailable(watching.events(position, Duration::from_secs(30)).await);
    }
    let port = redis.port;
    let back = OneRedis::start_at(port, &[]).await.unwrap();
    assert_eq!(node.commit(told()).await.unwrap(), Commit::Done);
    assert_eq!(node.position().await.unwrap(), Position(1));
    // The new one knows less than was seen of the old one.
    let ahead = Position(7);
    let gap = watching
        .events(ahead, Duration::from_secs(30))
        .await
        .unwrap();
    assert!(gap.gap);
    drop(back);
}

#[tokio::test]
async fn a_redis_that_is_silent_is_an_error_within_two_seconds() {
    let redis = OneRedis::start().await;
    let node = redis.open();
    let position = node.position().await.unwrap();
    redis.signal(rustix::process::Signal::STOP);
    let start = Instant::now();
    // The first over a connection that was good, the second over a new one.
    unavailable(node.position().await);
    assert!(
        start.elapsed() < Duration::from_millis(2_500),
        "{:?}",
        start.elapsed()
    );
    let start = Instant::now();
    let many = (0..20).map(|_| node.position());
    for answer in futures_util::future::join_all(many).await {
        unavailable(answer);
    }
    assert!(
        start.elapsed() < Duration::from_millis(2_500),
        "{:?}",
        start.elapsed()
    );
    redis.signal(rustix::process::Signal::CONT);
    assert_eq!(node.position().await.unwrap(), position);
}

#[tokio::test]
async fn a_redis_that_writes_no_more_refuses_a_change_whole() {
    let redis = OneRedis::start().await;
    let node = redis.open();
    let change = || Change {
        deletes: vec![Key::new("test", "a")],
        writes: vec![Write {
            key: Key::new("test", "b"),
            body: vec![0; 100],
            expires_at: None,
            indexes: Vec::new(),
        }],
        ..told()
    };
    node.commit(change()).await.unwrap();
    let before: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    let version: u64 = redis.ask(&["GET", "{mssql-mcp}:commits"]).await;
    let () = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    unavailable(node.commit(change()).await);
    assert_eq!(
        version,
        redis.ask::<u64>(&["GET", "{mssql-mcp}:commits"]).await
    );
    let () = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let after: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    assert_eq!(before.len(), after.len());
    assert_eq!(node.position().await.unwrap(), Position(1));
    assert_eq!(node.commit(change()).await.unwrap(), Commit::Done);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_repeated() {
    let redis = OneRedis::start().await;
    let wrong = format!("redis://:hunter2@127.0.0.1:{}", redis.port);
    let Err(error) = Redis::open(&wrong).await else {
        panic!("it was let in");
    };
    let error = error.to_string();
    assert!(
        error.starts_with("state.store: Redis at 127.0.0.1:"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
    assert!(Redis::open(&address(redis.port)).await.is_ok());
}

/// Certificates are trusted by the environment, so a child has another one.
#[tokio::test]
async fn over_tls_a_redis_is_spoken_to_if_its_certificate_is_trusted_and_only_then() {
    const ADDRESS: &str = "MSSQL_MCP_TEST_REDIS";
    if let Ok(address) = std::env::var(ADDRESS) {
        let node = Redis::open(&address).await.unwrap();
        assert_eq!(node.commit(told()).await.unwrap(), Commit::Done);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let certificate = file("certificate.pem", made.cert.pem());
    let key = file("key.pem", made.signing_key.serialize_pem());
    let tls_port = free_port();
    let tls = [
        ["--tls-port", &tls_port.to_string()],
        ["--tls-cert-file", &certificate],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &certificate],
        ["--tls-auth-clients", "no"],
    ];
    let redis = OneRedis::start_at(free_port(), tls.as_flattened())
        .await
        .unwrap();
    let address = format!("rediss://:{PASSWORD}@127.0.0.1:{tls_port}");

    let Err(error) = Redis::open(&address).await else {
        panic!("it trusts anybody");
    };
    assert!(error.to_string().contains("certificate"), "{error}");
    let child = Command::new(std::env::current_exe().unwrap())
        .arg("--exact")
        .arg(
            "state::backend::redis::tests::\
             over_tls_a_redis_is_spoken_to_if_its_certificate_is_trusted_and_only_then",
        )
        .env("SSL_CERT_FILE", &certificate)
        .env(ADDRESS, &address)
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stdout)
    );
    assert_eq!(redis.open().position().await.unwrap(), Position(1));
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    let Err(StoreError::Unavailable(message)) = answer else {
        panic!("{answer:?}");
    };
    assert!(message.contains("Redis at 127.0.0.1:"), "{message}");
    assert!(!message.contains(PASSWORD), "{message}");
}

fn told() -> Change {
    Change {
        at: NOW,
        events: vec![Event::EverythingChanged],
        ..Change::default()
    }
}

fn address(port: u16) -> String {
    format!("redis://:{PASSWORD}@127.0.0.1:{port}/0")
}

const PASSWORD: &str = "correct-horse";
const PREFIX: &str = "{mssql-mcp}:";
/// Long ago for the clock of the machine.
const NOW: Timestamp = Timestamp(1_000_000_000);
