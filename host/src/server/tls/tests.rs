use std::fs;

use super::testing::{Files, made};
use super::*;
use crate::clock::Timestamp;

const DAY: i64 = 24 * 3_600 * 1_000;
/// The day around which certificates for tests are valid.
const TODAY: Timestamp = Timestamp(1_767_225_600_000);

fn clock_at(days: i64) -> Clock {
    Clock::manual(Timestamp(TODAY.0 + days * DAY)).0
}

#[test]
fn files_that_cannot_be_served_are_named_with_the_way_out() {
    let good = made("localhost", -1, 90);
    let files = Files::new(&good);
    let refused = |what: &str| {
        let error = Tls::open(files.files.clone(), Clock::system()).err();
        let said = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(what), "{said}");
        assert!(!said.contains("PRIVATE KEY-----\n"), "{said}");
    };
    let (certificate, key) = (&files.files.certificate, &files.files.key);
    files.replace(certificate, "");
    refused("holds no certificate");
    files.replace(
        certificate,
        "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n",
    );
    refused("http.tls.certificate: ");
    files.put(&made("localhost", -1, 90));
    files.replace(key, &good.signing_key.serialize_pem());
    refused("is not the key of the certificate in");
    files.replace(key, &good.cert.pem());
    refused("holds no private key");
    fs::remove_file(key).unwrap();
    refused("cannot be read");
    files.put(&good);
    assert!(Tls::open(files.files.clone(), Clock::system()).is_ok());
}

#[test]
fn the_end_of_a_certificate_is_told_before_it_comes() {
    let files = Files::new(&made("data.example.com", -60, 30));
    let at = |days: i64| {
        let tls = Tls::open(files.files.clone(), clock_at(days)).unwrap();
        let check = tls.check();
        (
            check.status,
            check.figures["expires_in_days"],
            tls.findings(None).join(" "),
        )
    };
    assert_eq!(at(0), (Status::Healthy, 30, String::new()));
    assert_eq!(at(15), (Status::Healthy, 15, String::new()));
    let (status, days, said) = at(20);
    assert_eq!((status, days), (Status::Degraded, 10));
    assert!(said.contains("expires in 10 days, on 2026-01-31"), "{said}");
    let (status, days, said) = at(31);
    assert_eq!((status, days), (Status::Degraded, 0));
    assert!(said.contains("expired on 2026-01-31; renew it"), "{said}");
    assert!(
        at(-61).2.contains("valid from 2025-11-02 on"),
        "{:?}",
        at(-61)
    );
    // One that lives for a week is not always near its end.
    let files = Files::new(&made("data.example.com", -1, 5));
    let tls = Tls::open(files.files.clone(), clock_at(0)).unwrap();
    assert_eq!(tls.check().status, Status::Healthy);
}

#[test]
fn a_certificate_for_another_name_is_a_finding() {
    let files = Files::new(&made("data.example.com", -1, 90));
    let tls = Tls::open(files.files.clone(), clock_at(0)).unwrap();
    assert_eq!(tls.findings(Some("data.example.com")), [""; 0]);
    for host in ["example.com", "[::1]", "127.0.0.1"] {
        let said = tls.findings(Some(host)).join("");
        assert!(said.contains(&format!("is not for {host}")), "{said}");
    }
}

#[test]
fn a_bad_new_certificate_leaves_the_old_one_and_says_why() {
    let first = made("localhost", -1, 90);
    let files = Files::new(&first);
    let tls = Tls::open(files.files.clone(), clock_at(0)).unwrap();
    let before = tls.0.served.load_full();
    // The certificate comes before its key.
    let second = made("localhost", -1, 90);
    files.replace(&files.files.certificate, &second.cert.pem());
    assert!(matches!(tls.reload(), Err(TlsError::Mismatch { .. })));
    let check = tls.check();
    assert_eq!(check.status, Status::Degraded);
    assert!(
        check.problems[0].contains("the certificate of before serves on"),
        "{check:?}"
    );
    assert!(Arc::ptr_eq(&before, &tls.0.served.load_full()));
    files.replace(&files.files.key, &second.signing_key.serialize_pem());
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&before, &tls.0.served.load_full()));
    assert_eq!(tls.check().status, Status::Healthy);
    // Put back what serves: nothing is wrong any more, and nothing new.
    let serving = tls.0.served.load_full();
    files.replace(&files.files.certificate, "");
    assert!(tls.reload().is_err());
    files.put(&second);
    tls.reload().unwrap();
    assert!(Arc::ptr_eq(&serving, &tls.0.served.load_full()));
    assert_eq!(tls.check().status, Status::Healthy);
}

#[test]
fn other_files_serve_from_the_next_reload_on() {
    let files = Files::new(&made("localhost", -1, 90));
    let others = Files::new(&made("localhost", -1, 90));
    let tls = files.open();
    let before = tls.0.served.load_full();
    tls.set_files(others.files.clone());
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&before, &tls.0.served.load_full()));
    assert!(tls.paths().contains(&others.files.key));
}
