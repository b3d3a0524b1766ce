use demo_sqlserver::DemoServer;

use crate::database::entra::TokenSource;
use crate::database::tests::{Stage, ask, open};
use crate::database::{DatabaseConfig, Encrypt, Error, QueryLimits};

fn trusting(server: &DemoServer) -> Option<Vec<u8>> {
    Some(server.certificate_pem().as_bytes().to_vec())
}

async fn ping(config: DatabaseConfig) -> Result<(), Error> {
    let database = open(config, QueryLimits::default());
    database.ping().await?;
    database.query(ask("SELECT 1 AS one")).await.map(drop)
}

#[tokio::test]
async fn each_kind_of_encryption_connects_and_only_to_a_certificate_that_is_trusted() {
    let stage = Stage::new().await;
    let config = |encrypt, trusts: bool| DatabaseConfig {
        host: "localhost".to_owned(),
        encrypt,
        ca_pem: trusting(&stage.server).filter(|_| trusts),
        ..stage.config(true)
    };
    for encrypt in [Encrypt::Required, Encrypt::Strict, Encrypt::LoginOnly] {
        assert_eq!(ping(config(encrypt, true)).await, Ok(()), "{encrypt:?}");
        let anyone = DatabaseConfig {
            trust_server_certificate: true,
            ..config(encrypt, false)
        };
        assert_eq!(ping(anyone).await, Ok(()), "{encrypt:?}");
        let refused = ping(config(encrypt, false)).await;
        assert!(
            matches!(refused, Err(Error::Unavailable(said)) if said.contains("certificate")),
            "{encrypt:?}: {refused:?}"
        );
    }
    assert_eq!(ping(config(Encrypt::Off, false)).await, Ok(()));
}

#[tokio::test]
async fn a_token_logs_in_and_the_next_connection_takes_the_next_token() {
    let stage = Stage::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = || DatabaseConfig {
        user: String::new(),
        password: String::new().into(),
        entra: Some(TokenSource::file(file.path().to_owned())),
        host: "localhost".to_owned(),
        encrypt: Encrypt::Required,
        ca_pem: trusting(&stage.server),
        ..stage.config(true)
    };
    for token in ["a token", "another token"] {
        stage.server.accept_token(token);
        let refused = ping(config()).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        std::fs::write(file.path(), token).unwrap();
        assert_eq!(ping(config()).await, Ok(()));
    }
    let gone = config();
    file.close().unwrap();
    let refused = ping(gone).await;
    assert!(
        matches!(refused, Err(Error::Unavailable(said)) if said.contains("access token")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_a_log_in_can_do_besides_reading_is_found_and_nothing_runs() {
    let stage = Stage::new().await;
    let reader = open(stage.config(true), QueryLimits::default());
    let posture = reader.posture().await.unwrap();
    assert!(posture.only_reads(), "{posture:?}");
    let writer = stage.server.writer();
    let config = |allow_writable_login| DatabaseConfig {
        user: writer.user.clone(),
        password: writer.password.clone().into(),
        allow_writable_login,
        ..stage.config(true)
    };
    let database = open(config(false), QueryLimits::default());
    for _ in 0..2 {
        let refused = database.query(ask("SELECT 1 AS one")).await.err();
        assert!(
            matches!(&refused, Some(Error::Withheld(said)) if !said.contains(&writer.user)),
            "{refused:?}"
        );
        assert!(matches!(database.tables().await, Err(Error::Withheld(_))));
    }
    let (posture, _) = database.known_posture().unwrap();
    let said = posture.sentence();
    for part in ["db_datawriter", "INSERT", "UPDATE", "DELETE", &writer.user] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(ping(config(true)).await, Ok(()));
}
