//! A client of bare packets.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::PASSWORD;
use crate::support::Running;

pub(crate) const BATCH: u8 = 0x01;
pub(crate) const RPC: u8 = 0x03;
pub(crate) const ATTENTION: u8 = 0x06;
pub(crate) const LOGIN7: u8 = 0x10;
pub(crate) const PRELOGIN: u8 = 0x12;
pub(crate) const LAST: u8 = 0x01;
pub(crate) const IGNORE: u8 = 0x02;
pub(crate) const RESET: u8 = 0x08;
pub(crate) const DONE: u8 = 0xFD;

pub(crate) fn packet(kind: u8, status: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
    let mut bytes = vec![kind, status, length[0], length[1], 0, 0, 1, 0];
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn batch(sql: &str) -> Vec<u8> {
    [&4_u32.to_le_bytes()[..], &utf16(sql)].concat()
}

pub(crate) fn login7(user: &str, password: &str) -> Vec<u8> {
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
pub(crate) async fn receive(socket: &mut TcpStream) -> Vec<u8> {
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

pub(crate) async fn logged_in(server: &Running) -> TcpStream {
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
pub(crate) fn last_done(reply: &[u8]) -> [u8; 2] {
    let done = reply.last_chunk::<13>().unwrap();
    assert!((0xFD..=0xFF).contains(&done[0]), "{reply:x?}");
    [done[1], done[2]]
}

pub(crate) fn contains(reply: &[u8], text: &str) -> bool {
    let text = utf16(text);
    reply.windows(text.len()).any(|window| window == text)
}
