//! Attention while a statement runs.

use demo_sqlserver::{Event, Tls};
use futures_util::TryStreamExt;
use tiberius::EncryptionLevel;

use crate::support::Running;

#[tokio::test]
async fn attention_stops_a_result_that_streams_and_frees_the_session() {
    for encryption in [EncryptionLevel::Off, EncryptionLevel::Required] {
        let mut server = Running::start(Tls::AsAsked).await;
        let mut client = server.connect(encryption).await;
        let mut stream = client.simple_query("SELECT endless").await.unwrap();
        for _ in 0..1_000 {
            stream.try_next().await.unwrap().unwrap();
        }
        drop(stream);
        // SQL Server answers in a message of its own, behind the one that the
        // driver drains, so the driver takes its own success for a failure.
        let _ack_not_awaited = client.cancel_query().await;
        server
            .event(|event| matches!(event, Event::Attention { .. }))
            .await;
        server
            .event(|event| matches!(event, Event::RequestEnded { .. }))
            .await;
    }
}

#[tokio::test]
async fn a_client_that_vanishes_stops_its_statement() {
    let mut server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Off).await;
    let waiting = tokio::spawn(async move { client.simple_query("WAIT").await.map(drop) });
    server
        .event(|event| matches!(event, Event::RequestStarted { .. }))
        .await;
    waiting.abort();
    server
        .event(|event| matches!(event, Event::RequestEnded { .. }))
        .await;
    server
        .event(|event| matches!(event, Event::Closed { .. }))
        .await;
}
