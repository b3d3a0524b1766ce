//! Connections that are refused, stall, break off or are answered wrongly before
//! the first statement.

use std::time::Duration;

use integration_tests::Product;
use integration_tests::faulty::tokens::{self, Kind};
use integration_tests::faulty::{Fault, Stage, Step};

use super::Bench;

fn answer(stage: Stage, steps: impl IntoIterator<Item = Step>) -> Fault {
    Fault::AnswerAt(stage, steps.into_iter().collect())
}

/// The reply to a log-in that has these tokens in it.
fn refused(tokens: Vec<u8>) -> Fault {
    let reply = [tokens, tokens::log_in_done(true)].concat();
    answer(Stage::LogIn, [Step::Tokens(reply), Step::End])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_says_so_and_is_tried_again() {
    let mut bench = Bench::start().await;
    bench.works("no fault", Fault::None).await;
    let minutes = Duration::from_secs(600);
    for (name, fault) in [
        ("connections are refused", Fault::Refuse),
        ("connections are taken and nothing is said", Fault::Mute),
        (
            "the connection is closed at PRELOGIN",
            Fault::CloseAt(Stage::PreLogin),
        ),
        ("… at the log-in", Fault::CloseAt(Stage::LogIn)),
        ("… after the log-in", Fault::CloseAt(Stage::SetUp)),
        (
            "the log-in takes ten minutes",
            Fault::DelayAt(Stage::LogIn, minutes),
        ),
        (
            "the settings of the session are never answered",
            answer(Stage::SetUp, [Step::Wait]),
        ),
        (
            "… are answered with rows without end",
            answer(
                Stage::SetUp,
                [
                    Step::Tokens(tokens::columns(&[("n", Kind::Int)])),
                    Step::Endless(tokens::int_row(1)),
                ],
            ),
        ),
        (
            "another service answers",
            answer(
                Stage::PreLogin,
                [
                    Step::Raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec()),
                    Step::Close,
                ],
            ),
        ),
        (
            "garbage answers the log-in",
            answer(Stage::LogIn, [Step::Tokens(vec![0x42; 300])]),
        ),
        (
            "messages without end answer the log-in",
            answer(
                Stage::LogIn,
                [Step::Endless(tokens::error(5_701, 0, "Changed database."))],
            ),
        ),
        (
            "error 40613 answers the log-in",
            refused(tokens::error(
                40_613,
                17,
                "Database is not currently available.",
            )),
        ),
    ] {
        let failure = bench.fails(name, fault, "unavailable").await;
        assert!(
            failure.sentence().contains("cannot be reached"),
            "{name}: {}",
            failure.error
        );
        assert!(
            failure.took < Duration::from_secs(8),
            "{name}: {:?}",
            failure.took
        );
    }
    for (name, number, about) in [
        ("error 18456 answers the log-in", 18_456, "log-in"),
        (
            "error 4060 answers the log-in",
            4_060,
            "configured database",
        ),
    ] {
        let message = "Login failed for user 'mcp_reader'.";
        let fault = refused(tokens::error(number, 14, message));
        let failure = bench.fails(name, fault, "unavailable").await;
        assert!(
            failure.sentence().contains(about),
            "{name}: {}",
            failure.error
        );
    }
    let slow = Fault::DelayAt(Stage::LogIn, Duration::from_millis(300));
    bench.product.faulty().hang_up();
    bench.works("the log-in takes 300 ms", slow).await;
    bench.print("Connecting");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_that_is_required_is_never_done_without() {
    let builder = Product::builder()
        .faulty()
        .database_setting("encrypt", "\"required\"");
    let mut bench = Bench::of(builder).await;
    bench.works("no fault", Fault::None).await;
    for (name, fault) in [
        ("the server has no TLS", Fault::NoTls),
        (
            "a plain answer in place of TLS",
            answer(
                Stage::Tls,
                [Step::Tokens(
                    [tokens::login_ack(), tokens::log_in_done(false)].concat(),
                )],
            ),
        ),
        (
            "a TLS alert",
            answer(Stage::Tls, [Step::Tokens(vec![0x15, 3, 3, 0, 2, 2, 40])]),
        ),
        (
            "the connection is closed in the TLS handshake",
            Fault::CloseAt(Stage::Tls),
        ),
    ] {
        bench.fails(name, fault, "unavailable").await;
    }
    bench.print("TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_somebody_else_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let other =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let file = folder.path().join("other.pem");
    std::fs::write(&file, other.cert.pem()).expect("a file");
    let builder = Product::builder()
        .database_setting("ca_file", format!("'{}'", file.display()))
        .database_setting("pool", "{ acquire_timeout = \"2s\" }");
    let product = builder.start().await;
    let error = product
        .client("claude")
        .sql("SELECT 1 AS one")
        .await
        .error();
    println!("certificate of somebody else: {error}");
    assert_eq!(error["code"], "unavailable");
    assert!(
        error["error"]
            .as_str()
            .expect("a sentence")
            .contains("certificate"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_is_routed_once_and_no_further() {
    let mut bench = Bench::start().await;
    bench.works("no fault", Fault::None).await;
    let routed = |host: &str, port| {
        let reply = [
            tokens::login_ack(),
            tokens::routing(host, port),
            tokens::log_in_done(false),
        ];
        answer(Stage::LogIn, [Step::Tokens(reply.concat()), Step::End])
    };
    let itself = bench.product.faulty().address().port();
    for (name, fault) in [
        (
            "the log-in is routed in a circle",
            routed("127.0.0.1", itself),
        ),
        (
            "… to a name that does not exist",
            routed("SECRET-HOST.invalid", 1433),
        ),
    ] {
        bench.fails(name, fault, "unavailable").await;
    }
    bench.print("Routing");

    let product = bench.product;
    let server = product.server.address();
    product.faulty().set(routed("127.0.0.1", server.port()));
    product.faulty().hang_up();
    let reply = bench.claude.sql("SELECT 1 AS one").await;
    assert_eq!(reply.structured()["results"][0]["one"], 1);
    product.faulty().until(|counts| counts.open == 0).await;
}
