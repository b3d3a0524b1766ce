//! Logging in: each encryption mode, and each refusal.

use demo_sqlserver::{Event, Tls};
use tiberius::{AuthMethod, EncryptionLevel};

use crate::support::{Running, Tiberius, connect};

async fn database(client: &mut Tiberius) -> String {
    let stream = client.simple_query("SELECT database").await.unwrap();
    let row = stream.into_row().await.unwrap().unwrap();
    row.get::<&str, _>(0).unwrap().to_owned()
}

#[tokio::test]
async fn a_client_logs_in_with_every_encryption() {
    let server = Running::start(Tls::AsAsked).await;
    for encryption in [
        EncryptionLevel::NotSupported,
        EncryptionLevel::Off,
        EncryptionLevel::On,
        EncryptionLevel::Required,
        EncryptionLevel::Strict,
    ] {
        let mut client = server.connect(encryption).await;
        assert_eq!(database(&mut client).await, "Shop", "{encryption:?}");
    }
}

#[tokio::test]
async fn tls_is_required_or_refused_as_configured() {
    let server = Running::start(Tls::Refused).await;
    let mut client = server.connect(EncryptionLevel::NotSupported).await;
    assert_eq!(database(&mut client).await, "Shop");
    for encryption in [EncryptionLevel::Required, EncryptionLevel::Strict] {
        connect(server.config(encryption)).await.unwrap_err();
    }

    let server = Running::start(Tls::Required).await;
    let mut client = server.connect(EncryptionLevel::On).await;
    assert_eq!(database(&mut client).await, "Shop");
    // The driver gives in; `raw` shows what happens to one that does not.
    let mut client = server.connect(EncryptionLevel::NotSupported).await;
    assert_eq!(database(&mut client).await, "Shop");
}

#[tokio::test]
async fn a_wrong_password_or_database_is_told_by_number() {
    let server = Running::start(Tls::AsAsked).await;
    let mut config = server.config(EncryptionLevel::Off);
    config.authentication(AuthMethod::sql_server("sa", "wrong"));
    assert_eq!(connect(config).await.unwrap_err().code(), Some(18_456));

    let mut config = server.config(EncryptionLevel::Required);
    config.database("Nowhere");
    assert_eq!(connect(config).await.unwrap_err().code(), Some(4_060));
}

#[tokio::test]
async fn shutting_down_ends_connections_and_running_statements() {
    let mut server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Off).await;
    let waiting = tokio::spawn(async move { client.simple_query("WAIT").await.map(drop) });
    server
        .event(|event| matches!(event, Event::RequestStarted { .. }))
        .await;
    drop(server.shutdown);
    server.serving.await.unwrap();
    let _ended = waiting.await.unwrap();
}
