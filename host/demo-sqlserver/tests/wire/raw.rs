//! Bytes that no driver sends: requests in pieces, Attention against a
//! statement without output, garbage.

use demo_sqlserver::{Event, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::PASSWORD;
use crate::socket::*;
use crate::support::Running;

#[tokio::test]
async fn a_request_may_be_split_into_packets_at_every_byte() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let request = batch("SELECT database");
    for at in 0..=request.len() {
        let (start, end) = request.split_at(at);
        socket.write_all(&packet(BATCH, 0, start)).await.unwrap();
        socket.write_all(&packet(BATCH, LAST, end)).await.unwrap();
        assert!(contains(&receive(&mut socket).await, "Shop"), "{at}");
    }
    let mut single = Vec::new();
    for byte in &request {
        single.extend(packet(BATCH, 0, &[*byte]));
    }
    single.extend(packet(BATCH, LAST, &[]));
    socket.write_all(&single).await.unwrap();
    assert!(contains(&receive(&mut socket).await, "Shop"));
}

#[tokio::test]
async fn a_request_may_arrive_in_segments_of_one_byte() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    socket.set_nodelay(true).unwrap();
    for byte in packet(BATCH, LAST, &batch("SELECT database")) {
        socket.write_all(&[byte]).await.unwrap();
        socket.flush().await.unwrap();
    }
    assert!(contains(&receive(&mut socket).await, "Shop"));
}

#[tokio::test]
async fn attention_ends_a_silent_statement_and_is_answered_on_its_own() {
    let mut server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    socket
        .write_all(&packet(BATCH, LAST, &batch("WAIT")))
        .await
        .unwrap();
    server
        .event(|event| matches!(event, Event::RequestStarted { .. }))
        .await;
    socket
        .write_all(&packet(ATTENTION, LAST, &[]))
        .await
        .unwrap();
    assert_eq!(last_done(&receive(&mut socket).await), [0x02, 0]);
    let acknowledged = receive(&mut socket).await;
    assert_eq!(
        (acknowledged[0], last_done(&acknowledged)),
        (DONE, [0x20, 0])
    );

    socket
        .write_all(&packet(ATTENTION, LAST, &[]))
        .await
        .unwrap();
    assert_eq!(
        last_done(&receive(&mut socket).await),
        [0x20, 0],
        "when idle"
    );
    let request = packet(BATCH, LAST, &batch("SELECT database"));
    socket.write_all(&request).await.unwrap();
    assert!(contains(&receive(&mut socket).await, "Shop"));
}

#[tokio::test]
async fn an_ignored_request_is_answered_with_a_failed_done_alone() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    socket
        .write_all(&packet(BATCH, 0, &batch("USE ")))
        .await
        .unwrap();
    let rest = packet(BATCH, LAST | IGNORE, &utf16("Other"));
    socket.write_all(&rest).await.unwrap();
    let reply = receive(&mut socket).await;
    assert_eq!((reply.len(), last_done(&reply)), (13, [0x02, 0]));
    let request = packet(BATCH, LAST, &batch("SELECT database"));
    socket.write_all(&request).await.unwrap();
    assert!(contains(&receive(&mut socket).await, "Shop"));
}

#[tokio::test]
async fn a_reset_comes_before_the_request_that_asks_for_it() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let request = packet(BATCH, LAST, &batch("USE Other"));
    socket.write_all(&request).await.unwrap();
    assert!(contains(&receive(&mut socket).await, "Other"));
    let request = packet(BATCH, LAST | RESET, &batch("SELECT database"));
    socket.write_all(&request).await.unwrap();
    let reply = receive(&mut socket).await;
    assert_eq!(reply[..6], [0xE3, 3, 0, 18, 0, 0]);
    assert!(contains(&reply, "Shop"));
}

#[tokio::test]
async fn a_log_in_in_the_clear_is_cut_off_where_tls_is_required() {
    let server = Running::start(Tls::Required).await;
    let mut socket = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let prelogin = [1, 0, 6, 0, 1, 0xFF, 2];
    socket
        .write_all(&packet(PRELOGIN, LAST, &prelogin))
        .await
        .unwrap();
    assert!(receive(&mut socket).await.len() > 5);
    let login = packet(LOGIN7, LAST, &login7("sa", PASSWORD));
    socket.write_all(&login).await.unwrap();
    let mut rest = Vec::new();
    let _reset_or_end = socket.read_to_end(&mut rest).await;
    assert!(!contains(&rest, "Shop"));
}

#[tokio::test]
async fn garbage_closes_its_connection_and_no_other() {
    let server = Running::start(Tls::AsAsked).await;
    let mut bystander = logged_in(&server).await;
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x12, 1, 0, 0],
        &[0x16, 3, 1, 0, 1, 0],
        &packet(PRELOGIN, LAST, &[1, 255, 255, 255, 255]),
        &packet(LOGIN7, LAST, &[255; 200]),
    ] {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _reset_or_end = socket.read_to_end(&mut rest).await;
    }
    for garbage in [
        packet(RPC, LAST, &[4, 0, 0, 0, 255, 255, 10]),
        packet(BATCH, LAST, &[255; 4]),
        packet(0x0E, LAST, &[4, 0, 0, 0, 5]),
        packet(0x55, LAST, &[]),
    ] {
        let mut socket = logged_in(&server).await;
        socket.write_all(&garbage).await.unwrap();
        let mut reply = Vec::new();
        let _reset_or_end = socket.read_to_end(&mut reply).await;
        assert!(contains(&reply, "protocol stream is incorrect"));
    }
    let request = packet(BATCH, LAST, &batch("SELECT database"));
    bystander.write_all(&request).await.unwrap();
    assert!(contains(&receive(&mut bystander).await, "Shop"));
}

#[tokio::test]
async fn a_request_above_the_limit_closes_the_connection() {
    let mut server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let piece = packet(BATCH, 0, &[0; 32_000]);
    // Ends when the server no longer reads; 64 MB would be four times its limit.
    for _ in 0..2_000 {
        if socket.write_all(&piece).await.is_err() {
            break;
        }
    }
    server
        .event(|event| matches!(event, Event::Closed { .. }))
        .await;
}

#[tokio::test]
async fn attention_cuts_a_streaming_result_between_two_tokens() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let request = packet(BATCH, LAST, &batch("SELECT endless"));
    socket.write_all(&request).await.unwrap();
    let mut some = vec![0; 8 + 4_088];
    socket.read_exact(&mut some).await.unwrap();
    assert_eq!(some[..2], [0x04, 0], "a packet that is not the last");
    socket
        .write_all(&packet(ATTENTION, LAST, &[]))
        .await
        .unwrap();
    assert_eq!(last_done(&receive(&mut socket).await), [0x02, 0]);
    assert_eq!(last_done(&receive(&mut socket).await), [0x20, 0]);
    let request = packet(BATCH, LAST, &batch("SELECT database"));
    socket.write_all(&request).await.unwrap();
    assert!(contains(&receive(&mut socket).await, "Shop"));
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let requests: Vec<u8> = ["one", "two", "three", "four", "five"]
        .iter()
        .flat_map(|text| packet(BATCH, LAST, &batch(&format!("PRINT {text}"))))
        .collect();
    socket.write_all(&requests).await.unwrap();
    for text in ["one", "two", "three", "four", "five"] {
        assert!(contains(&receive(&mut socket).await, text), "{text}");
    }
}

#[tokio::test]
async fn an_error_of_severity_20_and_above_closes_the_connection() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let request = packet(BATCH, LAST, &batch("SELECT fatal"));
    socket.write_all(&request).await.unwrap();
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).await.unwrap();
    assert!(contains(&reply, "The disk is gone."));
    assert_eq!(last_done(&reply), [0x02, 0]);
}

#[tokio::test]
async fn a_transaction_by_text_is_told_with_its_descriptor() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let mut descriptors = Vec::new();
    for end in ["COMMIT", "ROLLBACK"] {
        let request = packet(BATCH, LAST, &batch("BEGIN TRANSACTION"));
        socket.write_all(&request).await.unwrap();
        let begun = receive(&mut socket).await;
        assert_eq!(begun[..5], [0xE3, 11, 0, 8, 8]);
        assert_eq!(last_done(&begun), [0x04, 0], "in a transaction");
        let request = packet(BATCH, LAST, &batch(end));
        socket.write_all(&request).await.unwrap();
        let ended = receive(&mut socket).await;
        let kind = if end == "COMMIT" { 9 } else { 10 };
        assert_eq!(ended[..6], [0xE3, 11, 0, kind, 0, 8]);
        assert_eq!(ended[6..14], begun[5..13], "the same descriptor");
        assert_eq!(last_done(&ended), [0, 0]);
        descriptors.push(begun[5..13].to_vec());
    }
    assert_ne!(descriptors[0], descriptors[1]);
}
