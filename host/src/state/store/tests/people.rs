//! People: added, invited, signed in, removed.

use std::collections::BTreeMap;

use super::*;
use crate::state::{Allowed, Person};

impl Scene {
    async fn add(&self, subject: &str) {
        let staff = groups(&["staff"]);
        let added = self.store.add_person(subject, Some("old"), &staff).await;
        assert!(added.unwrap());
    }

    async fn person(&self, subject: &str) -> Person {
        self.store.person(subject).await.unwrap().unwrap()
    }

    async fn sign_in(&self, subject: &str) -> SecretHash {
        let proof = provider(None);
        let cookie = self.store.sign_in(subject, proof, HOUR).await.unwrap();
        cookie.unwrap().hash
    }

    async fn is_signed_in(&self, cookie: SecretHash) -> bool {
        self.store.signed_in(cookie).await.unwrap().is_some()
    }

    async fn invite(&self, subject: &str) -> SecretHash {
        let new = groups(&["new"]);
        let link = self.store.invite_person(subject, &new, DAY).await;
        link.unwrap().hash
    }
}

#[tokio::test]
async fn a_person_is_added_once() {
    let scene = Scene::new();
    scene.add("ben").await;
    scene.add("ana").await;
    let again = scene
        .store
        .add_person("ana", Some("other"), &groups(&[]))
        .await;
    assert!(!again.unwrap());
    let ana = scene.person("ana").await;
    assert_eq!(ana.password.as_deref(), Some("old"));
    assert_eq!(ana.groups, groups(&["staff"]));
    let people = scene.store.people().await.unwrap();
    let subjects: Vec<&str> = people.iter().map(|person| &*person.subject).collect();
    assert_eq!(subjects, ["ana", "ben"]);
}

#[tokio::test]
async fn a_cookie_stands_for_its_person_until_its_time_or_the_sign_out() {
    let scene = Scene::new();
    scene.add("ana").await;
    let first = scene.sign_in("ana").await;
    let (sign_in, person) = scene.store.signed_in(first).await.unwrap().unwrap();
    assert_eq!(sign_in.subject, "ana");
    assert_eq!(person.signed_in_at, Some(scene.store.now()));
    let second = scene.sign_in("ana").await;
    assert_ne!(first, second);
    scene.store.sign_out(first).await.unwrap();
    scene.store.sign_out(first).await.unwrap();
    assert!(!scene.is_signed_in(first).await);
    assert!(scene.is_signed_in(second).await);
    scene.pass(3_600);
    assert!(!scene.is_signed_in(second).await);
}

#[tokio::test]
async fn a_provider_decides_about_groups_and_adds_whom_it_knows() {
    let scene = Scene::new();
    let sign_in = async |names: &[&str]| {
        let names = groups(names);
        let proof = provider(Some(&names));
        let cookie = scene.store.sign_in("ana", proof, HOUR).await;
        assert!(scene.is_signed_in(cookie.unwrap().unwrap().hash).await);
        scene.person("ana").await.groups
    };
    assert_eq!(sign_in(&["a", "b"]).await, groups(&["a", "b"]));
    assert_eq!(sign_in(&[]).await, groups(&[]));
}

#[tokio::test]
async fn claims_are_those_of_the_last_sign_in_at_the_provider_and_outlive_other_changes() {
    let scene = Scene::new();
    for department in ["7", "8"] {
        let claims = BTreeMap::from([("department".to_owned(), department.to_owned())]);
        let proof = Proof::Provider {
            groups: None,
            claims: &claims,
        };
        assert!(
            scene
                .store
                .sign_in("ana", proof, HOUR)
                .await
                .unwrap()
                .is_some()
        );
        let staff = groups(&["staff"]);
        assert!(scene.store.set_groups("ana", &staff).await.unwrap());
        assert_eq!(scene.person("ana").await.claims, claims);
    }
    scene.sign_in("ana").await;
    assert!(scene.person("ana").await.claims.is_empty());
}

#[tokio::test]
async fn nobody_signs_in_who_was_removed_meanwhile() {
    let scene = Scene::new();
    let sign_in = async |proof| scene.store.sign_in("ana", proof, HOUR).await.unwrap();
    scene.add("ana").await;
    assert!(sign_in(Proof::Password("old")).await.is_some());
    assert!(scene.store.remove_person("ana").await.unwrap());
    let staff = groups(&["staff"]);
    let by_provider = provider(Some(&staff));
    for proof in [Proof::Password("old"), by_provider] {
        assert!(sign_in(proof).await.is_none(), "{proof:?}");
    }
    assert!(scene.store.is_person_removed("ana").await.unwrap());
    assert_eq!(scene.store.person("ana").await.unwrap(), None);
    // Until somebody wants the person back.
    scene.invite("ana").await;
    assert!(sign_in(by_provider).await.is_some());
}

#[tokio::test]
async fn a_password_that_was_replaced_meanwhile_neither_signs_in_nor_is_replaced_again() {
    let (scene, other, faulty) = two_nodes();
    scene.add("ana").await;
    let replace = async move {
        let replaced = other.set_password("ana", Some("old"), "new").await;
        assert!(replaced.unwrap());
    };
    faulty.meanwhile(replace);
    let signed_in = scene.store.sign_in("ana", Proof::Password("old"), HOUR);
    assert!(signed_in.await.unwrap().is_none());
    let again = scene.store.set_password("ana", Some("old"), "newer");
    assert!(!again.await.unwrap());
    assert_eq!(scene.person("ana").await.password.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_new_password_ends_sign_ins_and_invitations_and_leaves_grants() {
    let scene = Scene::new();
    scene.add("ana").await;
    scene.add("ben").await;
    let cookies = [scene.sign_in("ana").await, scene.sign_in("ana").await];
    let bens = scene.sign_in("ben").await;
    let link = scene.invite("ana").await;
    let (_, tokens) = scene.granted("client").await;
    assert!(scene.store.set_password("ana", None, "new").await.unwrap());
    for cookie in cookies {
        assert!(!scene.is_signed_in(cookie).await);
    }
    assert!(scene.is_signed_in(bens).await);
    assert_eq!(scene.store.invitation(link).await.unwrap(), None);
    assert!(scene.is_known(tokens.access).await);
    let ana = scene.person("ana").await;
    assert_eq!(ana.password.as_deref(), Some("new"));
    assert_eq!(ana.groups, groups(&["staff"]));
    assert!(
        !scene
            .store
            .set_password("nobody", None, "new")
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn an_invitation_is_good_once_and_for_its_time() {
    let scene = Scene::new();
    let accept = async |link| scene.store.accept_invitation(link, "new").await.unwrap();
    let replaced = scene.invite("ana").await;
    let link = scene.invite("ana").await;
    assert_eq!(accept(replaced).await, Accepted::Unknown);
    assert_eq!(scene.person("ana").await.password, None);
    assert_eq!(scene.person("ana").await.groups, groups(&["new"]));
    let cookie = scene.sign_in("ana").await;
    let kept = scene.store.invitation(link).await.unwrap().unwrap();
    assert_eq!(kept.subject, "ana");
    let Accepted::Set(person) = accept(link).await else {
        panic!("not accepted");
    };
    assert_eq!(person, scene.person("ana").await);
    assert_eq!(person.password.as_deref(), Some("new"));
    assert!(!scene.is_signed_in(cookie).await);
    assert_eq!(accept(link).await, Accepted::Unknown);

    let late = scene.invite("ana").await;
    scene.hand.advance(DAY);
    assert_eq!(accept(late).await, Accepted::Unknown);
    assert_eq!(scene.store.invitation(late).await.unwrap(), None);
}

#[tokio::test]
async fn an_invitation_of_somebody_known_changes_no_groups() {
    let scene = Scene::new();
    scene.add("ana").await;
    scene.invite("ana").await;
    let ana = scene.person("ana").await;
    assert_eq!(ana.groups, groups(&["staff"]));
    assert_eq!(ana.password.as_deref(), Some("old"));
}

#[tokio::test]
async fn groups_are_set_as_a_whole() {
    let scene = Scene::new();
    scene.add("ana").await;
    let set = async |subject, names| scene.store.set_groups(subject, &groups(names)).await;
    assert!(set("ana", &["a", "b"]).await.unwrap());
    assert_eq!(scene.person("ana").await.groups, groups(&["a", "b"]));
    assert!(set("ana", &["a", "b"]).await.unwrap());
    assert!(!set("nobody", &[]).await.unwrap());
}

#[tokio::test]
async fn removing_a_person_ends_everything_of_that_person_and_of_no_other() {
    let scene = Scene::new();
    scene.add("ana").await;
    scene.add("ben").await;
    let cookie = scene.sign_in("ana").await;
    let bens = scene.sign_in("ben").await;
    let link = scene.invite("ana").await;
    scene.consent("ana", "/claude", "client").await;
    scene.consent("ben", "/claude", "client").await;
    let (_, granted) = scene.granted("client").await;
    let pending = scene.code("client").await;
    let bens_code = scene.code_at("/claude", "ben", "client").await;

    assert!(scene.store.remove_person("ana").await.unwrap());
    assert!(!scene.store.remove_person("ana").await.unwrap());
    assert_eq!(scene.store.person("ana").await.unwrap(), None);
    // Also not when somebody of that name is added again.
    scene.add("ana").await;
    assert!(!scene.is_signed_in(cookie).await);
    assert!(!scene.is_known(granted.access).await);
    assert_eq!(scene.store.active_tokens().await.unwrap(), 0);
    assert_eq!(scene.store.consents("ana").await.unwrap(), []);
    let accepted = scene.store.accept_invitation(link, "new").await.unwrap();
    assert_eq!(accepted, Accepted::Unknown);
    let redeemed = scene.store.redeem_code(pending, tokens()).await.unwrap();
    assert_eq!(redeemed, Redeemed::Unknown);

    assert!(scene.is_signed_in(bens).await);
    assert_eq!(scene.store.consents("ben").await.unwrap().len(), 1);
    let redeemed = scene.store.redeem_code(bens_code, tokens()).await.unwrap();
    assert!(matches!(redeemed, Redeemed::Granted(_)));
}

#[tokio::test]
async fn nobody_holds_up_a_removal_by_what_they_do_meanwhile() {
    let (scene, other, faulty) = two_nodes();
    scene.add("ana").await;
    let (_, granted) = scene.granted("client").await;
    let presented = granted.refresh.unwrap();
    let first = tokens();
    let rotate = async move |tokens| {
        let rotated = other.rotate_refresh(presented, "client", None, tokens, HOUR);
        rotated.await.unwrap();
    };
    let repeat = move || {
        let rotate = rotate.clone();
        async move { rotate(tokens()).await }
    };
    scene
        .store
        .rotate_refresh(presented, "client", None, first, HOUR)
        .await
        .unwrap();
    faulty.before_each_commit(repeat);
    assert!(scene.store.remove_person("ana").await.unwrap());
    assert!(!scene.is_known(granted.access).await);
    assert!(!scene.is_known(first.access).await);
    let commits = faulty.commits.load(Ordering::SeqCst);
    assert!(commits < 10, "{commits}");
}

#[tokio::test]
async fn no_code_outlives_a_person_or_a_consent_that_goes_meanwhile() {
    for removed in [false, true] {
        let (scene, other, faulty) = two_nodes();
        scene.add("ana").await;
        scene.consent("ana", "/claude", "client").await;
        let uri = "https://claude.ai/callback";
        let consent = scene.store.consent("ana", "/claude", "client", uri).await;
        let consent = consent.unwrap().unwrap();
        let code = scene.some_code("/claude", "ana", "client", Rights::READ);
        let allow = async |given| {
            let allowed = Allowed {
                consent: &consent,
                code: &code,
                given,
                signed_in: true,
            };
            scene.store.allow(allowed).await.unwrap()
        };
        assert!(allow(false).await);
        faulty.meanwhile(async move {
            let gone = if removed {
                other.remove_person("ana").await
            } else {
                other.withdraw_consent("ana", "/claude", "client").await
            };
            assert!(gone.unwrap());
        });
        assert!(!allow(false).await);
        assert_eq!(allow(true).await, !removed);
        let kept = scene.store.code(code.hash).await.unwrap();
        assert_eq!(kept.is_some(), !removed);
    }
}

#[tokio::test]
async fn no_grant_outlives_a_person_who_is_removed_meanwhile() {
    let (scene, other, faulty) = two_nodes();
    scene.add("ana").await;
    scene.granted("client").await;
    let late = tokens();
    faulty.meanwhile(async move {
        other
            .issue_token("/claude", "ana", "script", Rights::READ, late)
            .await
            .unwrap();
    });
    assert!(scene.store.remove_person("ana").await.unwrap());
    assert!(!scene.is_known(late.access).await);
    assert_eq!(scene.store.active_tokens().await.unwrap(), 0);
}

#[tokio::test]
async fn no_code_is_redeemed_for_a_person_who_is_removed_meanwhile() {
    let (scene, other, faulty) = two_nodes();
    scene.add("ana").await;
    let code = scene.code("client").await;
    faulty.meanwhile(async move {
        assert!(other.remove_person("ana").await.unwrap());
    });
    let redeemed = scene.store.redeem_code(code, tokens()).await.unwrap();
    assert_eq!(redeemed, Redeemed::Unknown);
    assert_eq!(scene.store.active_tokens().await.unwrap(), 0);
}

#[tokio::test]
async fn no_token_outlives_a_grant_that_is_revoked_while_it_is_refreshed() {
    let (scene, other, faulty) = two_nodes();
    let (grant, first) = scene.granted("client").await;
    let second = tokens();
    let presented = first.refresh.unwrap();
    let rotated = other.rotate_refresh(presented, "client", None, second, HOUR);
    rotated.await.unwrap();
    // A repetition in the grace window, which does not touch the grant.
    let third = Tokens {
        access: secret(SecretKind::AccessToken).hash,
        ..second
    };
    faulty.meanwhile(async move {
        let rotated = other.rotate_refresh(presented, "client", None, third, HOUR);
        rotated.await.unwrap();
    });
    assert!(scene.store.revoke_grant(&grant.id).await.unwrap());
    for tokens in [first, second, third] {
        assert!(!scene.is_known(tokens.access).await);
    }
}
