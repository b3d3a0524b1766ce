//! Bytes that no driver sends: requests in pieces, Attention against a
//! statement without output, garbage.

use demo_sqlserver::{Event, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::PASSWORD;
use crate::support::Running;

const BATCH: u8 = 0x01;
const RPC: u8 = 0x03;
const ATTENTION: u8 = 0x06;
const LOGIN7: u8 = 0x10;
const PRELOGIN: u8 = 0x12;
const LAST: u8 = 0x01;
const IGNORE: u8 = 0x02;
const RESET: u8 = 0x08;
const DONE: u8 = 0xFD;

fn packet(kind: u8, status: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
    let mut bytes = vec![kind, status, length[0], length[1], 0, 0, 1, 0];
    bytes.extend_from_slice(payload);
    bytes
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn batch(sql: &str) -> Vec<u8> {
    [&4_u32.to_le_bytes()[..], &utf16(sql)].concat()
}

fn login7(user: &str, password: &str) -> Vec<u8> {
    let user = utf16(user);
    let password: Vec<u8> = utf16(password)
        .iter()
        .map(|byte| byte.rotate_left(4) ^ 0xA5)
        .collect();
    let mut bytes = vec![0; 94];
    bytes[4..8].copy_from_slice(&0x7400_0004_u32.to_le_bytes());
    for (field, text) in [(40, &user), (44, &password)] {
        let offset = u16::try_from(bytes.len()).unwrap().to_le_bytes();
        let units = u16::try_from(text.len() / 2).unwrap().to_le_bytes();
        bytes[field..field + 4].copy_from_slice(&[offset, units].concat());
        bytes.extend_from_slice(text);
    }
    bytes
}

/// The payload of the next whole message.
async fn receive(socket: &mut TcpStream) -> Vec<u8> {
    let mut message = Vec::new();
    loop {
        let mut header = [0; 8];
        socket.read_exact(&mut header).await.unwrap();
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        let filled = message.len();
        message.resize(filled + length, 0);
        socket.read_exact(&mut message[filled..]).await.unwrap();
        if header[1] & LAST != 0 {
            return message;
        }
    }
}

async fn logged_in(server: &Running) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let prelogin = [1, 0, 6, 0, 1, 0xFF, 2];
    socket
        .write_all(&packet(PRELOGIN, LAST, &prelogin))
        .await
        .unwrap();
    receive(&mut socket).await;
    let login = packet(LOGIN7, LAST, &login7("sa", PASSWORD));
    socket.write_all(&login).await.unwrap();
    let reply = receive(&mut socket).await;
    assert_eq!(last_done(&reply), [0, 0]);
    socket
}

/// The status of the DONE that ends a reply.
fn last_done(reply: &[u8]) -> [u8; 2] {
    let done = reply.last_chunk::<13>().unwrap();
    assert!((0xFD..=0xFF).contains(&done[0]), "{reply:x?}");
    [done[1], done[2]]
}

fn contains(reply: &[u8], text: &str) -> bool {
    let text = utf16(text);
    reply.windows(text.len()).any(|window| window == text)
}

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

/// `sp_prepexec`, `sp_execute`, `sp_unprepare`, then `sp_execute` in vain.
#[tokio::test]
async fn a_prepared_statement_runs_until_it_is_given_up() {
    const STATUS_OUTPUT: u8 = 1;
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let call = |procedure: u16, arguments: &[Vec<u8>]| {
        let mut bytes = 4_u32.to_le_bytes().to_vec();
        bytes.extend([0xFF, 0xFF]);
        bytes.extend(procedure.to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(arguments.concat());
        packet(RPC, LAST, &bytes)
    };
    let int = |status: u8, value: u8| vec![0, status, 0x26, 4, 4, value, 0, 0, 0];
    let text = |text: &str| {
        let text = utf16(text);
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        let head = [0, 0, 0xE7, 0x40, 0x1F, 9, 4, 0xD0, 0, 0x34];
        [&head[..], &length, &text].concat()
    };
    let arguments = [
        int(STATUS_OUTPUT, 0),
        text("@first int"),
        text("SELECT parameters"),
        int(0, 77),
    ];
    socket.write_all(&call(13, &arguments)).await.unwrap();
    let reply = receive(&mut socket).await;
    assert!(contains(&reply, "@first"));
    // RETURNVALUE of argument 0 with the handle 1, then DONEPROC.
    let handle = [
        0xAC, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0x26, 4, 4, 1, 0, 0, 0, 0xFE,
    ];
    assert!(reply.windows(handle.len()).any(|window| window == handle));

    let execute = call(12, &[int(0, 1), int(0, 78)]);
    socket.write_all(&execute).await.unwrap();
    let reply = receive(&mut socket).await;
    assert!(
        reply
            .windows(6)
            .any(|window| window == [0xD1, 4, 78, 0, 0, 0])
    );

    socket.write_all(&call(15, &[int(0, 1)])).await.unwrap();
    assert_eq!(last_done(&receive(&mut socket).await), [0, 0]);
    socket.write_all(&execute).await.unwrap();
    let reply = receive(&mut socket).await;
    assert!(contains(&reply, "handle 1"));
    assert_eq!(last_done(&reply), [0x02, 0]);
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
