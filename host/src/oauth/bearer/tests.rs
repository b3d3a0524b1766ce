//! What a token is worth, when, and how long after it ended.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use super::known::MOST;
use super::testing::{Fixture, HOUR, scope};
use super::{Refusal, watch};
use crate::oauth::SignInMethod;
use crate::oauth::people::LOCAL_SUBJECT;
use crate::principal::Rights;
use crate::state::{Event, GrantFilter, SecretHash};

#[tokio::test]
async fn a_token_is_worth_what_it_its_grant_and_its_person_have_in_common() {
    let fixture = Fixture::new().await;
    for (scope, subject, given, rights) in [
        ("claude", "ana", Rights::ALL, Rights::ALL),
        ("claude", "ana", Rights::READ, Rights::READ),
        ("claude", "bob", Rights::ALL, Rights::READ),
        ("chatgpt", "ana", Rights::ALL, Rights::READ),
    ] {
        let token = fixture.token(scope, subject, given).await;
        let caller = fixture.authenticate(scope, &token).await.unwrap();
        let principal = caller.principal();
        assert_eq!(principal.rights, rights, "{scope} {subject}");
        assert_eq!(
            (&*principal.subject, &*principal.client),
            (subject, "program")
        );
    }
}

#[tokio::test]
async fn a_token_is_worth_nothing_elsewhere_nor_to_who_is_not_admitted() {
    let fixture = Fixture::new().await;
    let refusal = async |scope, token: &str| fixture.authenticate(scope, token).await.err();
    let token = fixture.token("chatgpt", "bob", Rights::READ).await;
    // Known or not.
    for _ in 0..2 {
        assert_eq!(refusal("claude", &token).await, Some(Refusal::Elsewhere));
        assert_eq!(refusal("chatgpt", &token).await, None);
    }
    let token = fixture.token("gone", "ana", Rights::READ).await;
    assert_eq!(refusal("gone", &token).await, Some(Refusal::Elsewhere));
    let groups = BTreeSet::new();
    fixture.store().set_groups("bob", &groups).await.unwrap();
    let token = fixture.token("claude", "bob", Rights::READ).await;
    assert_eq!(refusal("claude", &token).await, Some(Refusal::NotAdmitted));
    let token = fixture.token("chatgpt", "nobody", Rights::READ).await;
    assert_eq!(refusal("chatgpt", &token).await, Some(Refusal::NotAdmitted));
}

#[tokio::test]
async fn without_sign_in_there_is_one_person() {
    let fixture = Fixture::with(SignInMethod::Consent);
    let token = fixture.token("claude", LOCAL_SUBJECT, Rights::READ).await;
    assert!(fixture.authenticate("claude", &token).await.is_ok());
    let token = fixture.token("chatgpt", "ana", Rights::READ).await;
    let refusal = fixture.authenticate("chatgpt", &token).await.err();
    assert_eq!(refusal, Some(Refusal::NotAdmitted));
}

#[tokio::test]
async fn a_known_token_is_not_looked_up_again_and_garbage_never() {
    let fixture = Fixture::watching().await;
    let token = fixture.token("claude", "ana", Rights::READ).await;
    let other_host = Fixture::new().await;
    let foreign = other_host.token("claude", "ana", Rights::READ).await;
    let before = fixture.faults.reads();
    for garbage in [
        "x",
        "mcp_at_",
        &foreign,
        &token.replace("mcp_at_", "mcp_rt_"),
    ] {
        let refusal = fixture.authenticate("claude", garbage).await.err();
        assert_eq!(refusal, Some(Refusal::Unknown), "{garbage}");
    }
    assert_eq!(fixture.faults.reads(), before);
    fixture.authenticate("claude", &token).await.unwrap();
    let once = fixture.faults.reads();
    assert!(once > before);
    for _ in 0..3 {
        fixture.authenticate("claude", &token).await.unwrap();
    }
    assert_eq!(fixture.faults.reads(), once);
}

#[tokio::test]
async fn who_comes_together_shares_one_look_up() {
    let fixture = Fixture::watching().await;
    let token = fixture.token("claude", "ana", Rights::READ).await;
    let alone = fixture.token("claude", "ana", Rights::READ).await;
    let before = fixture.faults.reads();
    fixture.authenticate("claude", &alone).await.unwrap();
    let one = fixture.faults.reads() - before;
    let held = fixture.faults.hold().await;
    let before = fixture.faults.reads();
    let all = join_all((0..8).map(|_| fixture.authenticate("claude", &token)));
    let release = async {
        fixture.faults.read_after(before).await;
        drop(held);
    };
    let (callers, ()) = futures_util::join!(all, release);
    assert!(callers.iter().all(Result::is_ok));
    assert_eq!(fixture.faults.reads() - before, one);
}

#[tokio::test]
async fn an_expired_token_is_refused_known_or_not() {
    let fixture = Fixture::watching().await;
    let known = fixture.token("claude", "ana", Rights::READ).await;
    let unknown = fixture.token("claude", "ana", Rights::READ).await;
    fixture.authenticate("claude", &known).await.unwrap();
    fixture.time.advance(HOUR - Duration::from_millis(1));
    fixture.authenticate("claude", &known).await.unwrap();
    fixture.time.advance(Duration::from_millis(1));
    let refusal = fixture.authenticate("claude", &known).await.err();
    assert_eq!(refusal, Some(Refusal::Expired));
    let refusal = fixture.authenticate("claude", &unknown).await.err();
    assert_eq!(refusal, Some(Refusal::Ended));
}

#[tokio::test]
async fn what_ends_a_token_ends_what_runs_under_it_and_nothing_else() {
    for what in ["token", "grant", "client", "person", "all"] {
        let fixture = Fixture::watching().await;
        let store = fixture.store();
        let token = fixture.token("claude", "ana", Rights::ALL).await;
        let others = fixture.token("chatgpt", "bob", Rights::READ).await;
        let caller = fixture.authenticate("claude", &token).await.unwrap();
        let other = fixture.authenticate("chatgpt", &others).await.unwrap();
        match what {
            "token" => fixture.revoke(&token).await,
            "grant" => {
                let filter = GrantFilter {
                    subject: Some("ana".to_owned()),
                    ..GrantFilter::default()
                };
                assert!(store.revoke_grants(&filter).await.unwrap().any());
            }
            "person" => assert!(store.remove_person("ana").await.unwrap()),
            "client" => store.block_client("program", true).await.unwrap(),
            _ => assert!(
                store
                    .revoke_grants(&GrantFilter::default())
                    .await
                    .unwrap()
                    .grants
                    > 1
            ),
        }
        caller.alive().cancelled().await;
        let refusal = fixture.authenticate("claude", &token).await.err();
        assert_eq!(refusal, Some(Refusal::Ended), "{what}");
        let reaches_others = matches!(what, "client" | "all");
        assert_eq!(other.alive().is_cancelled(), reaches_others, "{what}");
    }
}

#[tokio::test]
async fn a_change_of_groups_changes_the_rights_of_the_next_call() {
    let fixture = Fixture::watching().await;
    let token = fixture.token("claude", "bob", Rights::ALL).await;
    for (groups, rights) in [
        (&["analysts"][..], Some(Rights::READ)),
        (&["analysts", "writers"], Some(Rights::ALL)),
        (&["analysts"], Some(Rights::READ)),
        (&["writers"], None),
    ] {
        let before = fixture.authenticate("claude", &token).await.ok();
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        fixture.store().set_groups("bob", &groups).await.unwrap();
        if let Some(before) = before
            && Some(before.principal().rights) != rights
        {
            before.alive().cancelled().await;
        }
        let after = fixture.authenticate("claude", &token).await.ok();
        assert_eq!(
            after.map(|caller| caller.principal().rights),
            rights,
            "{groups:?}"
        );
    }
}

#[tokio::test]
async fn a_look_up_that_a_revocation_overtakes_is_not_believed() {
    let fixture = Fixture::watching().await;
    let token = fixture.token("claude", "ana", Rights::READ).await;
    let (held, seen) = (fixture.faults.hold().await, fixture.faults.reads());
    let overtaken = fixture.authenticate("claude", &token);
    let overtake = async {
        // The token was read, and ends before that answer arrives.
        fixture.faults.read_after(seen).await;
        fixture.revoke(&token).await;
        until(|| fixture.oauth.shared.known.len() == 0).await;
        drop(held);
    };
    let (caller, ()) = futures_util::join!(overtaken, overtake);
    assert_eq!(caller.err(), Some(Refusal::Ended));
}

#[tokio::test]
async fn while_the_store_cannot_be_heard_every_token_is_looked_up() {
    let fixture = Fixture::watching().await;
    let token = fixture.token("claude", "ana", Rights::READ).await;
    let running = fixture.authenticate("claude", &token).await.unwrap();
    fixture.faults.set_broken(true);
    until(|| !fixture.oauth.is_watching()).await;
    let refusal = fixture.authenticate("claude", &token).await.err();
    assert_eq!(refusal, Some(Refusal::Unavailable));
    assert!(!running.alive().is_cancelled(), "what runs goes on");
    // Readable again, but not yet heard: what is known is asked for again.
    fixture.faults.set_broken(false);
    let reads = fixture.faults.reads();
    let caller = fixture.authenticate("claude", &token).await.unwrap();
    assert!(fixture.oauth.is_watching() || fixture.faults.reads() > reads);
    until(|| fixture.oauth.is_watching()).await;
    // All of them are found by what is heard next.
    fixture.revoke(&token).await;
    running.alive().cancelled().await;
    caller.alive().cancelled().await;
}

#[tokio::test]
async fn rules_that_change_reach_who_is_in_already() {
    let fixture = Fixture::watching().await;
    let ana = fixture.token("claude", "ana", Rights::READ).await;
    let bob = fixture.token("claude", "bob", Rights::READ).await;
    let stays = fixture.authenticate("claude", &ana).await.unwrap();
    let goes = fixture.authenticate("claude", &bob).await.unwrap();
    fixture
        .oauth
        .set_scopes(vec![scope("claude", &["ana"], true)])
        .await;
    assert!(goes.alive().is_cancelled() && !stays.alive().is_cancelled());
    let refusal = fixture.authenticate("claude", &bob).await.err();
    assert_eq!(refusal, Some(Refusal::NotAdmitted));
    assert!(fixture.authenticate("claude", &ana).await.is_ok());
}

#[tokio::test]
async fn after_a_gap_what_is_good_goes_on_and_nothing_else() {
    let fixture = Fixture::new().await;
    let known = &fixture.oauth.shared.known;
    known.believe(true);
    let ana = fixture.token("claude", "ana", Rights::READ).await;
    let bob = fixture.token("claude", "bob", Rights::READ).await;
    let idle = fixture.token("claude", "ana", Rights::READ).await;
    let good = fixture.authenticate("claude", &ana).await.unwrap();
    let gone = fixture.authenticate("claude", &bob).await.unwrap();
    fixture.authenticate("claude", &idle).await.unwrap();
    fixture.store().remove_person("bob").await.unwrap();
    watch::doubt(&fixture.oauth).await;
    assert!(gone.alive().is_cancelled() && !good.alive().is_cancelled());
    assert!(!fixture.oauth.is_watching(), "until the watcher says so");
    assert_eq!(known.len(), 1, "what nothing runs under is looked up anew");
    fixture.faults.set_broken(true);
    watch::doubt(&fixture.oauth).await;
    assert!(good.alive().is_cancelled(), "nobody can tell");
}

#[tokio::test]
async fn what_ended_unheard_ends_when_the_store_is_asked() {
    let fixture = Fixture::new().await;
    let token = fixture.token("claude", "bob", Rights::READ).await;
    let caller = fixture.authenticate("claude", &token).await.unwrap();
    let groups = BTreeSet::from(["analysts".to_owned(), "writers".to_owned()]);
    fixture.store().set_groups("bob", &groups).await.unwrap();
    let same = fixture.authenticate("claude", &token).await.unwrap();
    assert!(
        !caller.alive().is_cancelled(),
        "nothing changed for the token"
    );
    fixture.store().remove_person("bob").await.unwrap();
    let refusal = fixture.authenticate("claude", &token).await.err();
    assert_eq!(refusal, Some(Refusal::Ended));
    assert!(caller.alive().is_cancelled() && same.alive().is_cancelled());
}

#[tokio::test]
async fn what_is_in_use_is_not_forgotten_when_it_expires_or_room_is_made() {
    let fixture = Fixture::watching().await;
    let known = &fixture.oauth.shared.known;
    let now = || fixture.store().clock().now();
    let token = fixture.token("claude", "ana", Rights::READ).await;
    let running = fixture.authenticate("claude", &token).await.unwrap();
    let idle = fixture.token("claude", "ana", Rights::READ).await;
    fixture.authenticate("claude", &idle).await.unwrap();
    known.purge(now());
    assert_eq!(known.len(), 2);
    fixture.time.advance(HOUR);
    known.purge(now());
    assert_eq!(known.len(), 1);
    let filler = |n: usize| SecretHash::of(&n.to_string());
    for n in 0..MOST {
        known.slot(filler(n), now());
    }
    assert!(known.len() <= 2, "room was made: {}", known.len());
    assert!(!running.alive().is_cancelled());
    fixture.other_node.remove_person("ana").await.unwrap();
    running.alive().cancelled().await;
}

#[tokio::test]
async fn what_is_not_understood_ends_everything() {
    let fixture = Fixture::watching().await;
    let known = &fixture.oauth.shared.known;
    for event in [
        Event::EverythingChanged,
        Event::TokenRevoked("not a hash".to_owned()),
    ] {
        let token = fixture.token("claude", "ana", Rights::READ).await;
        let caller = fixture.authenticate("claude", &token).await.unwrap();
        known.hear(&[Event::GrantRevoked("another".to_owned())]);
        assert!(!caller.alive().is_cancelled());
        known.hear(&[event]);
        assert!(caller.alive().is_cancelled());
        assert_eq!(known.len(), 0);
        assert!(fixture.authenticate("claude", &token).await.is_ok());
    }
}

#[tokio::test]
async fn active_tokens_are_counted() {
    let fixture = Fixture::new().await;
    fixture.token("claude", "ana", Rights::READ).await;
    fixture.token("claude", "bob", Rights::READ).await;
    fixture.oauth.watch(fixture.watching.clone()).await;
    assert_eq!(fixture.oauth.active_tokens(), 2);
}

/// Fails after the second that everything may take.
async fn until(condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("it took more than a second");
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_swept_out_of_the_state_every_five_minutes() {
    let fixture = Fixture::watching().await;
    fixture.token("claude", "ana", Rights::READ).await;
    let kept = async || fixture.other_node.kept().await;
    let before = kept().await;
    fixture.time.advance(2 * HOUR);
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(kept().await, before);
    tokio::time::sleep(Duration::from_secs(2)).await;
    // The person stays; the token and its grant were of this hour.
    assert_eq!(kept().await, before - 2);
}
