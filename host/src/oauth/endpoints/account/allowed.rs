//! What a person allowed, one entry for each client at each scope: that is
//! what can be withdrawn.

use chrono::DateTime;
use url::Url;

use crate::clock::Timestamp;
use crate::oauth::pages::{Allowed, Destination, shown};
use crate::state::{Consent, Grant};

/// Newest first. Grants that nobody consented to, such as tokens that an
/// administrator issued, are there as well: they speak for the person.
pub(super) fn list(consents: &[Consent], grants: &[Grant]) -> Vec<Allowed> {
    let mut entries: Vec<(Timestamp, Allowed)> = Vec::new();
    let consents = consents.iter().map(|consent| {
        let entry = Allowed {
            client_id: consent.client_id.clone(),
            name: shown(&consent.client_name),
            scope: consent.scope.clone(),
            rights: consent.rights,
            destinations: destination(&consent.redirect_uri).into_iter().collect(),
            since: day(consent.given_at),
        };
        (consent.given_at, entry)
    });
    let grants = grants.iter().map(|grant| {
        let entry = Allowed {
            client_id: grant.client_id.clone(),
            name: shown(&grant.client_name),
            scope: grant.scope.clone(),
            rights: grant.rights,
            destinations: Vec::new(),
            since: day(grant.created_at),
        };
        (grant.created_at, entry)
    });
    for (since, entry) in consents.chain(grants) {
        let same = |(_, known): &&mut (Timestamp, Allowed)| {
            known.client_id == entry.client_id && known.scope == entry.scope
        };
        match entries.iter_mut().find(same) {
            Some((_, known)) => {
                known.rights = known.rights.or(entry.rights);
                for destination in entry.destinations {
                    if !known.destinations.contains(&destination) {
                        known.destinations.push(destination);
                    }
                }
            }
            None => entries.push((since, entry)),
        }
    }
    entries.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn destination(redirect_uri: &str) -> Option<Destination> {
    Some(Destination::of(&Url::parse(redirect_uri).ok()?))
}

fn day(time: Timestamp) -> String {
    let time = DateTime::from_timestamp_millis(time.0).unwrap_or_default();
    time.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Rights;

    fn consent(client_id: &str, redirect_uri: &str, rights: Rights, day: i64) -> Consent {
        Consent {
            subject: "ana".to_owned(),
            scope: "claude".to_owned(),
            client_id: client_id.to_owned(),
            client_name: format!("{client_id}\u{202e} Ltd"),
            redirect_uri: redirect_uri.to_owned(),
            rights,
            given_at: Timestamp(day * 86_400_000),
        }
    }

    fn grant(client_id: &str, day: i64) -> Grant {
        Grant {
            id: client_id.to_owned(),
            scope: "claude".to_owned(),
            client_id: client_id.to_owned(),
            client_name: client_id.to_owned(),
            subject: "ana".to_owned(),
            rights: Rights::READ,
            created_at: Timestamp(day * 86_400_000),
            used_at: Timestamp(day * 86_400_000),
            expires_at: Timestamp(i64::MAX),
        }
    }

    #[test]
    fn a_client_is_listed_once_with_all_that_it_may_and_all_ways_back() {
        let consents = [
            consent("a", "https://a.example/cb", Rights::READ, 20_000),
            consent("b", "cursor://x", Rights::READ, 19_999),
            consent("a", "http://127.0.0.1:99/cb", Rights::ALL, 19_998),
            consent("a", "https://a.example/other", Rights::READ, 19_997),
        ];
        let listed = list(&consents, &[grant("b", 20_001), grant("script", 20_002)]);
        let ids: Vec<_> = listed
            .iter()
            .map(|entry| entry.client_id.as_str())
            .collect();
        assert_eq!(ids, ["script", "a", "b"]);
        let a = &listed[1];
        assert_eq!(a.name, "a Ltd");
        assert_eq!(a.rights, Rights::ALL);
        assert_eq!(a.since, "2024-10-04");
        let places: Vec<_> = a.destinations.iter().map(Destination::place).collect();
        assert_eq!(places, ["a.example", "127.0.0.1:99"]);
    }
}
