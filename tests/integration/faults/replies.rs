//! Replies that break off, stall, lie or are garbage.

use std::time::Duration;

use integration_tests::faulty::tokens::{self, Kind};
use integration_tests::faulty::{Change, Fault, Step};
use serde_json::json;

use super::Bench;

fn script(steps: impl IntoIterator<Item = Step>) -> Fault {
    Fault::Script(steps.into_iter().collect())
}

fn tokens_of(parts: &[Vec<u8>]) -> Step {
    Step::Tokens(parts.concat())
}

fn ints() -> Vec<u8> {
    tokens::columns(&[("n", Kind::Int)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_breaks_off_or_stalls_ends_the_call_and_no_more() {
    let mut bench = Bench::start().await;
    // The first runs of a statement ask the server for types; this one is known.
    bench.works("no fault", Fault::None).await;
    for (name, steps) in [
        (
            "the connection is closed before the first byte",
            vec![Step::Close],
        ),
        (
            "… within the columns",
            vec![Step::Tokens(ints()[..9].to_vec()), Step::Close],
        ),
        (
            "… between two rows",
            vec![tokens_of(&[ints(), tokens::int_row(1)]), Step::Close],
        ),
        (
            "… within a row",
            vec![
                tokens_of(&[ints(), tokens::int_row(1)[..3].to_vec()]),
                Step::Close,
            ],
        ),
        (
            "… within a packet",
            vec![
                tokens_of(&[ints(), tokens::int_row(1)]),
                Step::Raw(vec![4, 0, 1, 0, 0, 0, 1, 0, 0xD1, 4, 1]),
                Step::Close,
            ],
        ),
    ] {
        bench.fails(name, script(steps), "unavailable").await;
    }
    for (name, steps) in [
        ("nothing is ever answered", vec![Step::Wait]),
        (
            "rows stop coming",
            vec![tokens_of(&[ints(), tokens::int_row(1)]), Step::Wait],
        ),
        (
            "… and Attention is not acknowledged",
            vec![
                tokens_of(&[ints(), tokens::int_row(1)]),
                Step::Deaf,
                Step::Wait,
            ],
        ),
        (
            "a row every 300 ms",
            std::iter::once(Step::Tokens(ints()))
                .chain((0..50).flat_map(|n| {
                    [
                        Step::Tokens(tokens::int_row(n)),
                        Step::Pause(Duration::from_millis(300)),
                    ]
                }))
                .collect(),
        ),
    ] {
        let before = bench.product.faulty().counts().attentions;
        let failure = bench.fails(name, script(steps), "timeout").await;
        assert!(
            failure.took >= Duration::from_millis(900),
            "{name}: {:?}",
            failure.took
        );
        let counts = bench
            .product
            .faulty()
            .until(|counts| counts.attentions > before);
        counts.await;
    }
    let slow = Fault::Reply(Change::Delay(Duration::from_millis(400)));
    let result = bench.works("the first byte after 400 ms", slow).await;
    assert_eq!(result["row_count"], 5);
    let slow = Fault::Reply(Change::Delay(Duration::from_secs(600)));
    bench
        .fails("the first byte after ten minutes", slow, "timeout")
        .await;
    bench.print("Replies that break off or stall");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_may_come_in_packets_and_segments_of_one_byte() {
    let mut bench = Bench::start().await;
    let expected = bench.works("no fault", Fault::None).await;
    for size in [1, 2, 3, 7] {
        let name = format!("packets of {size} bytes, in segments of one");
        let split = Fault::Reply(Change::Split(size));
        assert_eq!(bench.works(&name, split).await, expected);
    }
    bench.product.faulty().hang_up();
    let result = bench.works("… the log-in too", Fault::SplitAll).await;
    assert_eq!(result, expected);
    bench.print("Packets");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_cut_after_any_byte_is_an_error_and_never_a_shorter_result() {
    let bench = Bench::start().await;
    let expected = bench
        .claude
        .sql(&super::marked())
        .await
        .structured()
        .clone();
    // Measures the reply.
    bench
        .product
        .faulty()
        .set(Fault::Reply(Change::Cut(usize::MAX)));
    bench.claude.sql(&super::marked()).await;
    let length = bench.product.faulty().counts().longest;
    assert!(length > 100, "{length}");
    for cut in 0..length {
        bench.product.faulty().set(Fault::Reply(Change::Cut(cut)));
        let reply = bench.claude.sql(&super::marked()).await;
        let error = reply.error();
        assert_eq!(error["code"], "unavailable", "after {cut} bytes: {error}");
    }
    bench.product.faulty().set(Fault::None);
    bench.next_call().await;
    let again = bench.claude.sql(&super::marked()).await;
    assert_eq!(again.structured(), &expected);
    println!("cut after each of {length} bytes: an error each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_reply_costs_one_call() {
    let bench = Bench::start().await;
    bench.claude.sql(&super::marked()).await.structured();
    let mut codes = std::collections::BTreeMap::new();
    for seed in 1..=250 {
        bench
            .product
            .faulty()
            .set(Fault::Reply(Change::Garble(seed)));
        let reply = bench.claude.sql(&super::marked()).await;
        let code = match reply.result["isError"].as_bool() {
            Some(true) => {
                bench.keeps_quiet("garbled", &reply.error());
                reply.code()
            }
            // A byte of a value, or of a name, is as good as another.
            _ => "a result".to_owned(),
        };
        assert_ne!(code, "crashed", "{seed}");
        *codes.entry(code).or_insert(0) += 1;
    }
    bench.product.faulty().set(Fault::None);
    bench.next_call().await;
    println!("250 replies with some bytes replaced: {codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_server_is_told_wherever_it_comes() {
    let mut bench = Bench::start().await;
    for (name, number, severity) in [
        ("error 208 before the columns", 208, 16),
        ("error 1205, a deadlock", 1205, 13),
        ("error 40613, not available", 40_613, 17),
        ("error 823 of severity 24", 823, 24),
        ("error 2147483647", i32::MAX, 16),
    ] {
        let error = tokens::error(number, severity, "Something is wrong.");
        let failure = bench
            .fails(name, script([Step::Tokens(error)]), "server-error")
            .await;
        assert_eq!(failure.error["number"], json!(number), "{name}");
        assert!(failure.sentence().contains("Something is wrong."), "{name}");
    }
    let error = || tokens::error(8_134, 16, "Divide by zero error encountered.");
    for (name, parts) in [
        ("error 8134 after the columns", vec![ints(), error()]),
        (
            "… between two rows",
            vec![ints(), tokens::int_row(1), error(), tokens::int_row(2)],
        ),
        (
            "… after the rows",
            vec![ints(), tokens::int_row(1), tokens::more(1), error()],
        ),
    ] {
        let failure = bench
            .fails(name, script([tokens_of(&parts)]), "server-error")
            .await;
        assert_eq!(failure.error["number"], json!(8_134), "{name}");
    }
    let warned = [
        tokens::error(8_153, 10, "Null value is eliminated by an aggregate."),
        ints(),
        tokens::int_row(7),
        tokens::more(1),
    ];
    let result = bench.works("a warning", script([tokens_of(&warned)])).await;
    assert_eq!(result["row_count"], 1);
    // Severity 20 and above closes the connection at once.
    let fatal = tokens::error(21, 20, "Fatal error.");
    let steps = [Step::Tokens(fatal), Step::Close];
    bench
        .fails("a fatal error, then nothing", script(steps), "unavailable")
        .await;
    bench.print("Errors of the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_lies_is_refused() {
    let mut bench = Bench::start().await;
    let text = || tokens::columns(&[("t", Kind::Text)]);
    let lies: Vec<(&str, Vec<Step>)> = vec![
        (
            "a token that does not exist",
            vec![Step::Tokens(vec![0x42; 64])],
        ),
        ("zeros", vec![Step::Tokens(vec![0; 4_096])]),
        (
            "text in place of packets",
            vec![Step::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(4))],
        ),
        (
            "a packet of a length below its header",
            vec![Step::Raw(vec![4, 0, 0, 3, 0, 0, 1, 0])],
        ),
        (
            "a packet of another type",
            vec![Step::Raw(vec![0x77, 1, 0, 9, 0, 0, 1, 0, 0])],
        ),
        (
            "a row before the columns",
            vec![Step::Tokens(tokens::int_row(1))],
        ),
        (
            "a type that does not exist",
            vec![Step::Tokens(tokens::columns(&[("x", Kind::Unknown)]))],
        ),
        (
            "more columns than are described",
            vec![
                Step::Tokens(tokens::counted_columns(900, &[("n", Kind::Int)])),
                Step::End,
            ],
        ),
        (
            "an int of 200 bytes",
            vec![tokens_of(&[ints(), vec![0xD1, 200], vec![7; 200]])],
        ),
        (
            "a decimal of 255 bytes",
            vec![tokens_of(&[
                tokens::columns(&[("d", Kind::Decimal)]),
                vec![0xD1, 255],
                vec![7; 255],
            ])],
        ),
        (
            "a value that says it has 2⁶² bytes",
            vec![tokens_of(&[text(), tokens::long_cell(1 << 62)]), Step::End],
        ),
        (
            "a chunk that says it has 4 GB",
            vec![
                tokens_of(&[
                    text(),
                    tokens::long_cell(10),
                    tokens::chunk(u32::MAX, b"ab"),
                ]),
                Step::End,
            ],
        ),
        (
            "text of half a character",
            vec![tokens_of(&[
                text(),
                tokens::long_cell(3),
                tokens::chunk(3, b"a\0b"),
                tokens::chunk(0, b""),
            ])],
        ),
        (
            "a token longer than the reply",
            vec![
                Step::Tokens([vec![0xAA], 60_000_u16.to_le_bytes().to_vec(), vec![0; 30]].concat()),
                Step::End,
            ],
        ),
        (
            "a packet size of 1",
            vec![Step::Tokens(tokens::token(
                0xE3,
                &[4, 1, b'1', 0, 1, b'1', 0],
            ))],
        ),
    ];
    for (name, steps) in lies {
        // Where it says that more will come, that is waited for.
        let codes = "unavailable|timeout|server-error";
        let failure = bench.fails(name, script(steps), codes).await;
        assert_eq!(
            failure.error.get("number"),
            None,
            "{name}: {}",
            failure.error
        );
    }
    // What MS-TDS leaves to the reader: nothing more than the values there are.
    let twice = [
        ints(),
        tokens::int_row(1),
        tokens::more(1),
        ints(),
        tokens::int_row(2),
    ];
    bench
        .fails(
            "two results",
            script([tokens_of(&twice)]),
            "invalid-statement",
        )
        .await;
    bench.print("Replies that lie");
}
