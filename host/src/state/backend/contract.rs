//! What every backend has to do: one suite of tests, run on each of them.
//!
//! A backend's tests make a [`Place`] and name it to [`every_backend`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Backend, Change, Commit, Events, Index, Key, Position, Write};
use crate::clock::Timestamp;
use crate::state::event::Event;

/// One state, as several nodes see it.
pub(super) trait Place: Send + Sync {
    /// Another node that uses the same state.
    fn node(&self) -> impl Future<Output = Arc<dyn Backend>> + Send;
}

/// Makes a test of every function of the suite; `$place` is run in each.
macro_rules! every_backend {
    ($place:expr) => {
        crate::state::backend::contract::every_backend! { $place =>
            what_was_written_is_read_in_the_order_asked_for,
            keys_and_bodies_may_hold_anything,
            a_version_that_has_changed_is_a_conflict_and_nothing_happens,
            a_record_that_was_deleted_and_written_anew_is_another,
            of_many_who_expect_the_same_version_one_wins,
            counters_raised_by_many_lose_nothing,
            a_record_is_in_the_indexes_of_its_last_write,
            a_new_member_of_an_index_is_a_conflict,
            what_has_expired_is_neither_listed_nor_counted,
            a_purge_takes_what_has_expired_and_nothing_else,
            events_are_seen_in_order_by_every_node,
            whoever_waits_is_woken_by_another_node,
            waiting_for_nothing_ends_in_time,
            a_position_that_is_not_known_is_a_gap,
            one_change_may_be_large,
            a_dump_has_what_lives_with_its_indexes,
        }
    };
    ($place:expr => $($name:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::state::backend::contract::$name(&$place).await;
            }
        )*
    };
}

pub(super) use every_backend;

pub(super) async fn what_was_written_is_read_in_the_order_asked_for(place: &impl Place) {
    let node = place.node().await;
    done(&node, write("b", "two", Some(70), &[])).await;
    done(&node, write("a", "one", None, &[])).await;
    let other = place.node().await;
    let keys = [key("a"), key("none"), key("b"), key("a")];
    let read = other.read(&keys).await.unwrap();
    let bodies: Vec<_> = read
        .iter()
        .map(|stored| stored.as_ref().map(|stored| stored.body.as_slice()))
        .collect();
    let one = Some(b"one".as_slice());
    assert_eq!(bodies, [one, None, Some(b"two"), one]);
    let ends: Vec<_> = read
        .iter()
        .flatten()
        .map(|stored| stored.expires_at)
        .collect();
    assert_eq!(ends, [None, Some(Timestamp(70)), None]);
    assert_eq!(other.read(&[]).await.unwrap(), []);
}

pub(super) async fn keys_and_bodies_may_hold_anything(place: &impl Place) {
    let node = place.node().await;
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let ids = [
        "",
        "\0",
        "a\0b",
        "a b\r\n",
        "\"'%_*?[]{}",
        "ñ日本🙂",
        &"x".repeat(5_000),
    ];
    let index = Index::new("odd", "{}\0\"\\/\r\n🙂");
    for id in ids {
        let write = Write {
            key: key(id),
            body: body.clone(),
            expires_at: None,
            indexes: vec![index.clone()],
        };
        done(&node, change(vec![write])).await;
    }
    for id in ids {
        let read = node.read(&[key(id)]).await.unwrap();
        assert_eq!(read[0].as_ref().unwrap().body, body, "{id:?}");
    }
    let members: BTreeSet<Key> = node
        .members(&index, NOW)
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(members, ids.map(key).into());
    let deleted = Change {
        deletes: ids.map(key).to_vec(),
        ..change(Vec::new())
    };
    done(&node, deleted).await;
    assert_eq!(node.count(&index, NOW).await.unwrap(), 0);
}

pub(super) async fn a_version_that_has_changed_is_a_conflict_and_nothing_happens(
    place: &impl Place,
) {
    let node = place.node().await;
    let other = place.node().await;
    done(&node, write("a", "1", None, &["i"])).await;
    let position = node.position().await.unwrap();
    let old = version(&node, "a").await;
    done(&other, write("a", "2", None, &["i"])).await;
    for expected in [
        vec![(key("a"), old)],
        vec![(key("a"), 0)],
        vec![(key("b"), old)],
        vec![(key("a"), version(&node, "a").await), (key("b"), 1)],
    ] {
        let change = Change {
            expected,
            writes: vec![record("a", "3", None, &[]), record("b", "3", None, &["i"])],
            deletes: vec![key("a")],
            events: vec![Event::EverythingChanged],
            ..change(Vec::new())
        };
        assert_eq!(node.commit(change).await.unwrap(), Commit::Conflict);
    }
    assert_eq!(text(&node, "a").await.as_deref(), Some("2"));
    assert_eq!(text(&node, "b").await, None);
    assert_eq!(members(&node, "i", NOW).await, ["a"]);
    assert_eq!(node.position().await.unwrap(), position);
}

pub(super) async fn a_record_that_was_deleted_and_written_anew_is_another(place: &impl Place) {
    let node = place.node().await;
    done(&node, write("a", "1", None, &[])).await;
    let first = version(&node, "a").await;
    done(&node, delete("a")).await;
    assert_eq!(version(&node, "a").await, 0);
    done(&node, write("a", "1", None, &[])).await;
    let second = version(&node, "a").await;
    assert!(second > first, "{first} {second}");
    let replaced = expecting("a", first, write("a", "2", None, &[]));
    assert_eq!(node.commit(replaced).await.unwrap(), Commit::Conflict);
    // In one change, deletes come before writes.
    let both = Change {
        deletes: vec![key("a")],
        ..expecting("a", second, write("a", "3", None, &[]))
    };
    done(&node, both).await;
    assert_eq!(text(&node, "a").await.as_deref(), Some("3"));
}

pub(super) async fn of_many_who_expect_the_same_version_one_wins(place: &impl Place) {
    let nodes = [place.node().await, place.node().await];
    done(&nodes[0], write("code", "given", None, &[])).await;
    let given = version(&nodes[0], "code").await;
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let node = Arc::clone(&nodes[number % 2]);
            let redeemed = write("code", &format!("redeemed by {number}"), None, &["i"]);
            let change = expecting("code", given, redeemed);
            tokio::spawn(async move { (number, node.commit(change).await.unwrap()) })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        let (number, commit) = task.await.unwrap();
        if commit == Commit::Done {
            winners.push(number);
        }
    }
    let [winner] = winners[..] else {
        panic!("{winners:?} won");
    };
    let kept = text(&nodes[1], "code").await;
    assert_eq!(kept, Some(format!("redeemed by {winner}")));
}

pub(super) async fn counters_raised_by_many_lose_nothing(place: &impl Place) {
    let nodes = [place.node().await, place.node().await];
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let node = Arc::clone(&nodes[number % 2]);
            tokio::spawn(async move {
                for _ in 0..5 {
                    raise_both(&node).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(text(&nodes[0], "a").await.as_deref(), Some("40"));
    assert_eq!(text(&nodes[1], "b").await.as_deref(), Some("40"));
}

pub(super) async fn a_record_is_in_the_indexes_of_its_last_write(place: &impl Place) {
    let node = place.node().await;
    done(&node, write("a", "1", None, &["i", "j", "j"])).await;
    done(&node, write("b", "1", None, &["i"])).await;
    assert_eq!(members(&node, "i", NOW).await, ["a", "b"]);
    assert_eq!(members(&node, "j", NOW).await, ["a"]);
    done(&node, write("a", "2", None, &["j", "k"])).await;
    assert_eq!(members(&node, "i", NOW).await, ["b"]);
    assert_eq!(members(&node, "k", NOW).await, ["a"]);
    done(&node, delete("a")).await;
    for index in ["j", "k", "none"] {
        assert_eq!(members(&node, index, NOW).await, [""; 0]);
        assert_eq!(node.count(&list(index), NOW).await.unwrap(), 0);
    }
    assert_eq!(node.count(&list("i"), NOW).await.unwrap(), 1);
}

pub(super) async fn a_new_member_of_an_index_is_a_conflict(place: &impl Place) {
    let node = place.node().await;
    done(&node, write("a", "1", None, &["i"])).await;
    done(&node, write("gone", "1", Some(NOW.0), &["i"])).await;
    let counted = |count| Change {
        expected_counts: vec![(list("i"), count), (list("none"), 0)],
        ..write("x", "1", None, &[])
    };
    assert_eq!(node.commit(counted(0)).await.unwrap(), Commit::Conflict);
    assert_eq!(node.commit(counted(2)).await.unwrap(), Commit::Conflict);
    done(&node, counted(1)).await;
    done(&node, write("b", "1", Some(NOW.0 + 1), &["i"])).await;
    assert_eq!(node.commit(counted(1)).await.unwrap(), Commit::Conflict);
    done(&node, counted(2)).await;
}

pub(super) async fn what_has_expired_is_neither_listed_nor_counted(place: &impl Place) {
    let node = place.node().await;
    done(&node, write("early", "", Some(NOW.0 + 10), &["i"])).await;
    done(&node, write("late", "", Some(NOW.0 + 20), &["i"])).await;
    done(&node, write("never", "", Some(i64::MAX), &["i"])).await;
    done(&node, write("no end", "", None, &["i"])).await;
    for (later, living) in [
        (9, vec!["early", "late", "never", "no end"]),
        (10, vec!["late", "never", "no end"]),
        (19, vec!["late", "never", "no end"]),
        (20, vec!["never", "no end"]),
        (i64::MAX / 2, vec!["never", "no end"]),
    ] {
        let now = Timestamp(NOW.0 + later);
        assert_eq!(members(&node, "i", now).await, living, "{later}");
        let count = node.count(&list("i"), now).await.unwrap();
        assert_eq!(count, living.len() as u64, "{later}");
    }
    // The clock of a test may stand still while that of a store goes on.
    assert_eq!(text(&node, "early").await.as_deref(), Some(""));
    // A record that is given more time lives on.
    done(&node, write("early", "", Some(NOW.0 + 30), &["i"])).await;
    let living = members(&node, "i", Timestamp(NOW.0 + 25)).await;
    assert_eq!(living, ["early", "never", "no end"]);
}

pub(super) async fn a_purge_takes_what_has_expired_and_nothing_else(place: &impl Place) {
    let node = place.node().await;
    let many = (0..1_200).map(|n| record(&n.to_string(), "", Some(NOW.0 + 10), &["i"]));
    done(&node, change(many.collect())).await;
    done(&node, write("late", "", Some(NOW.0 + 11), &["i"])).await;
    done(&node, write("no end", "", None, &["i"])).await;
    node.purge(Timestamp(NOW.0 + 9)).await.unwrap();
    assert_eq!(node.count(&list("i"), NOW).await.unwrap(), 1_202);
    node.purge(Timestamp(NOW.0 + 10)).await.unwrap();
    let now = Timestamp(NOW.0 + 10);
    assert_eq!(members(&node, "i", now).await, ["late", "no end"]);
    assert_eq!(text(&node, "late").await.as_deref(), Some(""));
    assert_eq!(text(&node, "no end").await.as_deref(), Some(""));
}

pub(super) async fn events_are_seen_in_order_by_every_node(place: &impl Place) {
    let node = place.node().await;
    let other = place.node().await;
    let start = other.position().await.unwrap();
    assert_eq!(start, node.position().await.unwrap());
    done(&node, told(&["1", "2"])).await;
    done(&node, write("a", "", None, &[])).await;
    done(&other, told(&["3"])).await;
    let all = other.events(start, Duration::ZERO).await.unwrap();
    assert_eq!(subjects(&all), ["1", "2", "3"]);
    assert!(!all.gap);
    assert_eq!(all.position, node.position().await.unwrap());
    done(&node, told(&["4"])).await;
    let rest = other.events(all.position, Duration::ZERO).await.unwrap();
    assert_eq!(subjects(&rest), ["4"]);
    assert!(!rest.gap);
}

pub(super) async fn whoever_waits_is_woken_by_another_node(place: &impl Place) {
    let waiting = place.node().await;
    let other = place.node().await;
    let own = Arc::clone(&waiting);
    for (round, teller) in [other, own].into_iter().enumerate() {
        let start = waiting.position().await.unwrap();
        let node = Arc::clone(&waiting);
        let long = Duration::from_secs(30);
        let waits = [
            tokio::spawn({
                let node = Arc::clone(&node);
                async move { node.events(start, long).await }
            }),
            tokio::spawn(async move { node.events(start, long).await }),
        ];
        let name = round.to_string();
        done(&teller, told(&[&name])).await;
        let since = Instant::now();
        for wait in waits {
            let events = wait.await.unwrap().unwrap();
            assert_eq!(subjects(&events), [name.as_str()]);
            assert!(!events.gap);
        }
        assert!(
            since.elapsed() < Duration::from_secs(1),
            "{:?}",
            since.elapsed()
        );
    }
}

pub(super) async fn waiting_for_nothing_ends_in_time(place: &impl Place) {
    let node = place.node().await;
    done(&node, told(&["1"])).await;
    let newest = node.position().await.unwrap();
    let start = Instant::now();
    let nothing = node
        .events(newest, Duration::from_millis(300))
        .await
        .unwrap();
    let expected = Events {
        events: Vec::new(),
        position: newest,
        gap: false,
    };
    assert_eq!(nothing, expected);
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(290), "{waited:?}");
    assert!(waited < Duration::from_secs(3), "{waited:?}");
}

pub(super) async fn a_position_that_is_not_known_is_a_gap(place: &impl Place) {
    let node = place.node().await;
    let start = node.position().await.unwrap();
    for _ in 0..22 {
        done(&node, told(&["x"; 500])).await;
    }
    let newest = node.position().await.unwrap();
    let behind = node.events(start, Duration::ZERO).await.unwrap();
    assert!(behind.gap);
    assert_eq!(behind.position, newest);
    // The state is another than the one that this position is of.
    let ahead = Position(newest.0 + 5);
    let replaced = node.events(ahead, Duration::from_secs(30)).await.unwrap();
    assert!(replaced.gap);
    assert_eq!(replaced.position, newest);
    let near = Position(newest.0 - 9_000);
    let kept = node.events(near, Duration::ZERO).await.unwrap();
    assert!(!kept.gap);
    assert_eq!(kept.events.len(), 9_000);
}

pub(super) async fn one_change_may_be_large(place: &impl Place) {
    let node = place.node().await;
    let records = (0..10_000).map(|n| record(&n.to_string(), "x", Some(NOW.0 + 1), &["i", "j"]));
    done(&node, change(records.collect())).await;
    assert_eq!(node.count(&list("j"), NOW).await.unwrap(), 10_000);
    let keys = node.members(&list("i"), NOW).await.unwrap();
    let read = node.read(&keys).await.unwrap();
    let expected = keys
        .iter()
        .cloned()
        .zip(read.iter().flatten().map(|stored| stored.version));
    let all = Change {
        expected: expected.collect(),
        deletes: keys.clone(),
        ..change(Vec::new())
    };
    done(&node, all).await;
    assert_eq!(node.count(&list("j"), NOW).await.unwrap(), 0);
}

/// Adds one to two records, which are always equal.
async fn raise_both(node: &Arc<dyn Backend>) {
    loop {
        let keys = [key("a"), key("b")];
        let read = node.read(&keys).await.unwrap();
        let version = |place: usize| read[place].as_ref().map_or(0, |stored| stored.version);
        let number = |place: usize| -> u32 {
            let stored = read[place].as_ref();
            stored.map_or(0, |stored| {
                String::from_utf8_lossy(&stored.body).parse().unwrap()
            })
        };
        let next = (number(0) + 1).to_string();
        let raised = Change {
            expected: vec![(key("a"), version(0)), (key("b"), version(1))],
            ..change(vec![
                record("a", &next, None, &[]),
                record("b", &next, None, &[]),
            ])
        };
        if node.commit(raised).await.unwrap() == Commit::Done {
            assert_eq!(number(0), number(1));
            return;
        }
    }
}

async fn done(node: &Arc<dyn Backend>, change: Change) {
    assert_eq!(node.commit(change).await.unwrap(), Commit::Done);
}

async fn version(node: &Arc<dyn Backend>, id: &str) -> u64 {
    let read = node.read(&[key(id)]).await.unwrap();
    read[0].as_ref().map_or(0, |stored| stored.version)
}

async fn text(node: &Arc<dyn Backend>, id: &str) -> Option<String> {
    let stored = node.read(&[key(id)]).await.unwrap().pop().unwrap()?;
    Some(String::from_utf8(stored.body).unwrap())
}

async fn members(node: &Arc<dyn Backend>, index: &str, now: Timestamp) -> Vec<String> {
    let members = node.members(&list(index), now).await.unwrap();
    let mut ids: Vec<String> = members
        .iter()
        .map(|key| key.as_str().strip_prefix("test:").unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

pub(super) async fn a_dump_has_what_lives_with_its_indexes(place: &impl Place) {
    let node = place.node().await;
    done(&node, write("*[a]?\\", "one", None, &["i", "j"])).await;
    done(&node, write("b", "two", Some(NOW.0 + 50_000), &["i"])).await;
    done(&node, write("over", "three", Some(NOW.0 + 10), &["i"])).await;
    let many = (0..3_000).map(|number| record(&format!("many {number}"), "{}", None, &[]));
    done(&node, change(many.collect())).await;
    let other = place.node().await;
    let mut dumped = other.dump(Timestamp(NOW.0 + 10)).await.unwrap();
    assert_eq!(dumped.len(), 3_002);
    dumped.retain(|record| !record.key.as_str().contains("many"));
    dumped.sort_by(|one, other| one.key.cmp(&other.key));
    let told: Vec<_> = dumped
        .iter()
        .map(|record| {
            let indexes: BTreeSet<&str> = record.indexes.iter().map(Index::as_str).collect();
            (
                record.key.clone(),
                &*record.body,
                record.expires_at,
                indexes,
            )
        })
        .collect();
    let both = BTreeSet::from(["list:i", "list:j"]);
    let expected = [
        (key("*[a]?\\"), &b"one"[..], None, both),
        (
            key("b"),
            b"two",
            Some(Timestamp(NOW.0 + 50_000)),
            BTreeSet::from(["list:i"]),
        ),
    ];
    assert_eq!(told, expected);
    // What was dumped can be written as it is.
    let count = dumped.len() as u64;
    done(&node, change(dumped)).await;
    assert_eq!(other.count(&list("i"), NOW).await.unwrap(), count + 1);
}

fn subjects(events: &Events) -> Vec<&str> {
    let mut subjects = Vec::new();
    for event in &events.events {
        match event {
            Event::PersonChanged(subject) => subjects.push(subject.as_str()),
            other => panic!("{other:?}"),
        }
    }
    subjects
}

fn told(subjects: &[&str]) -> Change {
    let events = subjects
        .iter()
        .map(|s| Event::PersonChanged((*s).to_owned()));
    Change {
        events: events.collect(),
        ..change(Vec::new())
    }
}

fn write(id: &str, body: &str, expires_at: Option<i64>, indexes: &[&str]) -> Change {
    change(vec![record(id, body, expires_at, indexes)])
}

fn delete(id: &str) -> Change {
    Change {
        deletes: vec![key(id)],
        ..change(Vec::new())
    }
}

fn expecting(id: &str, version: u64, change: Change) -> Change {
    Change {
        expected: vec![(key(id), version)],
        ..change
    }
}

fn change(writes: Vec<Write>) -> Change {
    Change {
        at: NOW,
        writes,
        ..Change::default()
    }
}

fn record(id: &str, body: &str, expires_at: Option<i64>, indexes: &[&str]) -> Write {
    Write {
        key: key(id),
        body: body.as_bytes().to_vec(),
        expires_at: expires_at.map(Timestamp),
        indexes: indexes.iter().map(|index| list(index)).collect(),
    }
}

fn key(id: &str) -> Key {
    Key::new("test", id)
}

fn list(of: &str) -> Index {
    Index::new("list", of)
}

/// Long ago for the clock of the machine.
const NOW: Timestamp = Timestamp(1_000_000);
