//! A connection that breaks off while a change is made final.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Passes packets on until the client asks for COMMIT (TM_COMMIT_XACT, MS-TDS 2.2.6.9):
/// that one goes nowhere.
async fn pass_on(listener: TcpListener, server: std::net::SocketAddr) {
    let (client, _) = listener.accept().await.expect("a connection");
    let server = TcpStream::connect(server).await.expect("it listens");
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let replies = tokio::io::copy(&mut from_server, &mut to_client);
    let requests = async {
        loop {
            let mut header = [0; 8];
            from_client.read_exact(&mut header).await.expect("a packet");
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let mut body = vec![0; length - header.len()];
            from_client.read_exact(&mut body).await.expect("its body");
            // Behind ALL_HEADERS, of 22 bytes.
            if header[0] == 0x0E && body[22..24] == [7, 0] {
                return;
            }
            to_server.write_all(&header).await.expect("it takes it");
            to_server.write_all(&body).await.expect("it takes it");
        }
    };
    tokio::select! {
        () = requests => {}
        _ = replies => panic!("the server ended first"),
    }
}

#[tokio::test]
async fn a_change_whose_commit_is_not_answered_is_not_called_undone() {
    let stage = Stage::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let relay = tokio::spawn(pass_on(listener, stage.server.address()));
    let config = DatabaseConfig {
        port: address.port(),
        ..stage.config(false)
    };
    let database = open(config, QueryLimits::default());
    let change = ask("UPDATE dbo.AllTypes SET c_int = 77 WHERE Id = 1");
    let error = database.execute(change).await.expect_err("no answer");
    relay.await.expect("it came to COMMIT");
    let said = error.to_string();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(
        said.contains("not known whether") && !said.contains("try again"),
        "{said}"
    );
}
