//! How the server is found: named instances, and secondaries that may be read.

use std::net::{IpAddr, Ipv4Addr};

use tokio::net::UdpSocket;

use super::*;

/// What a SQL Server Browser has heard, as the instance's name.
async fn asked(browser: &UdpSocket, reply: &[u8]) -> String {
    let mut request = [0; 64];
    let (length, client) = browser.recv_from(&mut request).await.expect("a request");
    // CLNT_UCAST_INST (MS-SQLR 2.2.3): 4, then the name.
    let (kind, name) = request[..length].split_first().expect("a request");
    assert_eq!(*kind, 4);
    browser.send_to(reply, client).await.expect("a reply");
    String::from_utf8(name.to_vec()).expect("a name")
}

/// SVR_RESP (MS-SQLR 2.2.5).
fn answer(instance: &str, port: u16) -> Vec<u8> {
    let data = format!(
        "ServerName;DB1;InstanceName;{instance};IsClustered;No;Version;16.0.1000.6;tcp;{port};;"
    );
    let length = u16::try_from(data.len()).expect("a short reply");
    [&[5], &length.to_le_bytes()[..], data.as_bytes()].concat()
}

#[tokio::test]
async fn a_named_instance_is_found_through_the_browser() {
    let stage = Stage::new().await;
    // Of this test alone: the Browser's port is always the same.
    let host = IpAddr::V4(Ipv4Addr::new(127, 83, 81, 76));
    let browser = UdpSocket::bind((host, 1434)).await.expect("the port");
    let config = DatabaseConfig {
        host: host.to_string(),
        instance: Some("SALES".to_owned()),
        port: 1,
        ..stage.config(true)
    };
    let server = stage.server.address();
    let relay = tokio::net::TcpListener::bind((host, 0))
        .await
        .expect("a port");
    let port = relay.local_addr().expect("bound").port();
    let database = open(config, QueryLimits::default());
    let serve = async {
        assert_eq!(asked(&browser, &answer("SALES", port)).await, "SALES");
        let (mut client, _) = relay.accept().await.expect("a connection");
        let mut server = tokio::net::TcpStream::connect(server)
            .await
            .expect("it listens");
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    };
    tokio::select! {
        result = document(&database, "SELECT 7 AS n") => assert_eq!(result["results"][0]["n"], 7),
        () = serve => panic!("the connection ended before the answer"),
    }
}

#[tokio::test]
async fn an_instance_that_the_browser_does_not_know_is_unavailable() {
    let stage = Stage::new().await;
    let host = IpAddr::V4(Ipv4Addr::new(127, 83, 81, 77));
    let browser = UdpSocket::bind((host, 1434)).await.expect("the port");
    let mut config = stage.config(true);
    config.host = host.to_string();
    config.instance = Some("NOBODY".to_owned());
    config.pool.acquire_timeout = Duration::from_secs(2);
    let database = open(config, QueryLimits::default());
    let deaf = async {
        loop {
            asked(&browser, &[5, 0]).await;
        }
    };
    let error = tokio::select! {
        answered = database.query(ask("SELECT 1 AS one")) => match answered {
            Err(error) => error,
            Ok(_) => panic!("there is no server"),
        },
        () = deaf => unreachable!("it never ends"),
    };
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn the_server_hears_of_an_intent_to_read_only_where_it_is_configured() {
    let stage = Stage::new().await;
    for asked in [false, true] {
        let mut events = stage.server.events();
        let config = DatabaseConfig {
            application_intent_read_only: asked,
            ..stage.config(true)
        };
        let database = open(config, QueryLimits::default());
        document(&database, "SELECT 1 AS one").await;
        let heard = loop {
            if let Event::LoggedIn {
                read_only_intent, ..
            } = events.recv().await.expect("an event")
            {
                break read_only_intent;
            }
        };
        assert_eq!(heard, asked);
    }
}
