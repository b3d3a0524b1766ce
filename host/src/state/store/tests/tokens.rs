//! Tokens and grants: refreshed, narrowed, withdrawn, revoked.

use super::*;

const GRACE: Duration = Duration::from_secs(30);

impl Scene {
    /// Exchanges `presented`, whose successor is `tokens.refresh`.
    async fn rotate(&self, presented: Tokens, tokens: Tokens) -> Rotated {
        self.rotate_as("client", presented, None, tokens).await
    }

    async fn rotate_as(
        &self,
        client_id: &str,
        presented: Tokens,
        asked: Option<Rights>,
        tokens: Tokens,
    ) -> Rotated {
        let refresh = presented.refresh.unwrap();
        self.store
            .rotate_refresh(refresh, client_id, asked, tokens, GRACE)
            .await
            .unwrap()
    }
}

/// Another access token with the same successor, as a repetition gets it.
fn repeated(tokens: Tokens) -> Tokens {
    Tokens {
        access: secret(SecretKind::AccessToken).hash,
        ..tokens
    }
}

fn is_granted(rotated: &Rotated) -> bool {
    matches!(rotated, Rotated::Granted(..))
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_and_moves_the_end_of_its_grant() {
    let scene = Scene::new();
    let (grant, first) = scene.granted("client").await;
    scene.pass(1_000_000);
    let second = tokens();
    let Rotated::Granted(later, rights) = scene.rotate(first, second).await else {
        panic!("not granted");
    };
    assert_eq!(later.id, grant.id);
    assert_eq!(rights, Rights::ALL);
    assert_eq!(later.used_at, scene.store.now());
    assert_eq!(later.expires_at, scene.store.now().after(30 * DAY));
    assert!(scene.is_known(second.access).await);
    assert!(is_granted(&scene.rotate(second, tokens()).await));
}

#[tokio::test]
async fn an_access_token_stays_good_when_its_grant_is_refreshed() {
    let scene = Scene::new();
    let (_, first) = scene.granted("client").await;
    scene.rotate(first, tokens()).await;
    scene.pass(3_599);
    assert!(scene.is_known(first.access).await);
    scene.pass(1);
    assert!(!scene.is_known(first.access).await);
}

#[tokio::test]
async fn inside_the_grace_window_the_same_token_has_the_same_successor() {
    let scene = Scene::new();
    let (_, first) = scene.granted("client").await;
    let second = tokens();
    scene.rotate(first, second).await;
    scene.pass(30);
    let again = repeated(second);
    assert!(is_granted(&scene.rotate(first, again).await));
    assert!(scene.is_known(second.access).await);
    assert!(scene.is_known(again.access).await);
    // There is one line of refresh tokens, not two.
    let third = tokens();
    assert!(is_granted(&scene.rotate(again, third).await));
    assert!(is_granted(&scene.rotate(third, tokens()).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_refresh_at_once_all_get_the_same_successor() {
    let scene = Scene::new();
    let (_, first) = scene.granted("client").await;
    let second = tokens();
    let rotations = (0..50).map(|_| {
        let store = scene.store.clone();
        let presented = first.refresh.unwrap();
        let tokens = repeated(second);
        tokio::spawn(async move {
            let rotated = store.rotate_refresh(presented, "client", None, tokens, GRACE);
            (tokens.access, rotated.await.unwrap())
        })
    });
    for rotation in rotations.collect::<Vec<_>>() {
        let (access, rotated) = rotation.await.unwrap();
        assert!(is_granted(&rotated), "{rotated:?}");
        assert!(scene.is_known(access).await);
    }
    assert!(is_granted(&scene.rotate(second, tokens()).await));
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_after_the_grace_window_revokes_its_grant() {
    let scene = Scene::new();
    let (grant, first) = scene.granted("client").await;
    let second = tokens();
    scene.rotate(first, second).await;
    scene.hand.advance(GRACE + Duration::from_millis(1));
    let third = repeated(second);
    // However much it asks for.
    let reused = scene
        .rotate_as("client", first, Some(Rights::ALL), third)
        .await;
    assert_eq!(reused, Rotated::Reused);
    for tokens in [first, second, third] {
        assert!(!scene.is_known(tokens.access).await);
        assert_eq!(
            scene.rotate(tokens, super::tokens()).await,
            Rotated::Unknown
        );
    }
    assert!(!scene.store.revoke_grant(&grant.id).await.unwrap());
    assert_eq!(scene.store.active_tokens().await.unwrap(), 0);
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_after_its_successor_was_used_revokes_its_grant() {
    let scene = Scene::new();
    let (_, first) = scene.granted("client").await;
    let second = tokens();
    scene.rotate(first, second).await;
    let third = tokens();
    scene.rotate(second, third).await;
    assert_eq!(scene.rotate(first, repeated(second)).await, Rotated::Reused);
    assert!(!scene.is_known(third.access).await);
    assert_eq!(scene.rotate(third, tokens()).await, Rotated::Unknown);
}

#[tokio::test]
async fn rights_are_narrowed_for_one_access_token_and_never_widened() {
    let scene = Scene::new();
    let code = scene.code("client").await;
    let first = tokens();
    scene.store.redeem_code(code, first).await.unwrap();
    let narrow = tokens();
    let rotated = scene
        .rotate_as("client", first, Some(Rights::READ), narrow)
        .await;
    assert!(matches!(rotated, Rotated::Granted(_, Rights::READ)));
    let known = scene
        .store
        .known_token(narrow.access)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(known.token.rights, Rights::READ);
    let wide = tokens();
    let rotated = scene.rotate_as("client", narrow, None, wide).await;
    assert!(matches!(rotated, Rotated::Granted(_, Rights::ALL)));

    let read_only = tokens();
    let issued = scene
        .store
        .issue_token("/claude", "ana", "client", Rights::READ, read_only)
        .await
        .unwrap();
    assert_eq!(issued.rights, Rights::READ);
    let more = tokens();
    let rotated = scene
        .rotate_as("client", read_only, Some(Rights::ALL), more)
        .await;
    assert_eq!(rotated, Rotated::TooMuch(Rights::READ));
    assert!(!scene.is_known(more.access).await);
    assert!(is_granted(&scene.rotate(read_only, more).await));
}

#[tokio::test]
async fn a_refresh_token_is_worth_nothing_to_another_client() {
    let scene = Scene::new();
    let (_, first) = scene.granted("client").await;
    let rotated = scene.rotate_as("other", first, None, tokens()).await;
    assert_eq!(rotated, Rotated::OtherClient);
    assert!(scene.is_known(first.access).await);
    assert!(is_granted(&scene.rotate(first, tokens()).await));
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_time() {
    let scene = Scene::new();
    let (_, first) = scene.granted("client").await;
    scene.hand.advance(30 * DAY);
    assert_eq!(scene.rotate(first, tokens()).await, Rotated::Unknown);
    let never = tokens();
    assert_eq!(scene.rotate(never, tokens()).await, Rotated::Unknown);
}

#[tokio::test]
async fn a_client_revokes_an_access_token_alone_and_a_refresh_token_with_all() {
    let scene = Scene::new();
    let (_, first) = scene.granted("client").await;
    let second = tokens();
    scene.rotate(first, second).await;
    let revoke = async |hash, client| scene.store.revoke_token(hash, client).await.unwrap();
    for hash in [first.access, first.refresh.unwrap()] {
        assert!(!revoke(hash, "other").await);
    }
    assert!(revoke(first.access, "client").await);
    assert!(!revoke(first.access, "client").await);
    assert!(!scene.is_known(first.access).await);
    assert!(scene.is_known(second.access).await);
    // One that was exchanged before speaks for its grant as well.
    assert!(revoke(first.refresh.unwrap(), "client").await);
    assert!(!scene.is_known(second.access).await);
    assert!(!revoke(second.refresh.unwrap(), "client").await);
    assert!(!revoke(secret(SecretKind::AccessToken).hash, "client").await);
}

#[tokio::test]
async fn a_grant_that_is_revoked_leaves_nothing_that_counts() {
    let scene = Scene::new();
    let (grant, first) = scene.granted("client").await;
    scene.rotate(first, tokens()).await;
    let (_, other) = scene.granted("client").await;
    assert_eq!(scene.store.active_tokens().await.unwrap(), 3);
    assert!(scene.store.revoke_grant(&grant.id).await.unwrap());
    assert!(!scene.store.revoke_grant(&grant.id).await.unwrap());
    assert_eq!(scene.store.active_tokens().await.unwrap(), 1);
    scene.pass(3_600);
    assert_eq!(scene.store.active_tokens().await.unwrap(), 0);
    scene.store.purge().await.unwrap();
    assert!(is_granted(&scene.rotate(other, tokens()).await));
}

#[tokio::test]
async fn grants_are_listed_and_revoked_by_person_client_and_scope() {
    let scene = Scene::new();
    let all = [
        ("/claude", "ana", "a"),
        ("/claude", "ben", "a"),
        ("/chatgpt", "ana", "a"),
        ("/chatgpt", "ana", "b"),
    ];
    for (scope, subject, client_id) in all {
        scene.pass(1);
        let code = scene.code_at(scope, subject, client_id).await;
        scene.store.redeem_code(code, tokens()).await.unwrap();
    }
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = |scope: &str, subject: &str, client_id: &str| GrantFilter {
        subject: some(subject),
        client_id: some(client_id),
        scope: some(scope),
    };
    let listed = async |filter| {
        let grants = scene.store.grants(&filter).await.unwrap();
        let place = |grant: &Grant| {
            let parts = (&*grant.scope, &*grant.subject, &*grant.client_id);
            all.iter().position(|known| *known == parts).unwrap()
        };
        grants.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(listed(filter("", "", "")).await, [3, 2, 1, 0]);
    assert_eq!(listed(filter("", "ana", "")).await, [3, 2, 0]);
    assert_eq!(listed(filter("", "", "a")).await, [2, 1, 0]);
    assert_eq!(listed(filter("/claude", "", "")).await, [1, 0]);
    assert_eq!(listed(filter("/chatgpt", "ana", "a")).await, [2]);
    assert_eq!(listed(filter("/chatgpt", "ben", "")).await, [0; 0]);

    let pending = scene.code_at("/chatgpt", "ana", "b").await;
    let revoked = scene.store.revoke_grants(&filter("/chatgpt", "", "")).await;
    let one_code = Revoked {
        codes: 1,
        grants: 2,
    };
    assert_eq!(revoked.unwrap(), one_code);
    assert_eq!(listed(filter("", "", "")).await, [1, 0]);
    assert_eq!(scene.store.code(pending).await.unwrap(), None);
    let revoked = scene.store.revoke_grants(&GrantFilter::default()).await;
    let no_code = Revoked {
        codes: 0,
        grants: 2,
    };
    assert_eq!(revoked.unwrap(), no_code);
}

#[tokio::test]
async fn what_is_allowed_later_adds_to_what_was_allowed_before() {
    let scene = Scene::new();
    scene.consent("ana", "/claude", "client").await;
    let uri = "https://claude.ai/callback";
    let kept = async || {
        let kept = scene.store.consent("ana", "/claude", "client", uri).await;
        kept.unwrap().unwrap()
    };
    let before = kept().await;
    scene.pass(60);
    for (rights, given, allowed) in [
        (Rights::ALL, false, false),
        (Rights::ALL, true, true),
        (Rights::READ, true, true),
        (Rights::ALL, false, true),
    ] {
        let consent = Consent {
            rights,
            given_at: scene.store.now(),
            ..before.clone()
        };
        let code = scene.some_code("/claude", "ana", "client", rights);
        let answer = scene.store.allow(Allowed {
            consent: &consent,
            code: &code,
            given,
            signed_in: false,
        });
        assert_eq!(answer.await.unwrap(), allowed, "{rights} {given}");
    }
    assert_eq!(kept().await.rights, Rights::ALL);
    assert_eq!(kept().await.given_at, before.given_at);
}

#[tokio::test]
async fn what_a_person_withdraws_is_forgotten_and_revoked_there_and_only_there() {
    let scene = Scene::new();
    scene.consent("ana", "/claude", "client").await;
    scene.pass(1);
    scene.consent("ana", "/chatgpt", "client").await;
    scene.consent("ben", "/claude", "client").await;
    let (_, here) = scene.granted("client").await;
    let (_, other) = scene.granted("other").await;
    let pending = scene.code("client").await;
    let consents = async |subject| scene.store.consents(subject).await.unwrap();
    let scopes: Vec<String> = consents("ana").await.into_iter().map(|c| c.scope).collect();
    assert_eq!(scopes, ["/chatgpt", "/claude"]);

    let withdraw = async || {
        scene
            .store
            .withdraw_consent("ana", "/claude", "client")
            .await
    };
    assert!(withdraw().await.unwrap());
    assert!(!withdraw().await.unwrap());
    assert!(!scene.is_known(here.access).await);
    assert!(scene.is_known(other.access).await);
    assert_eq!(scene.store.code(pending).await.unwrap(), None);
    assert_eq!(consents("ana").await.len(), 1);
    assert_eq!(consents("ben").await.len(), 1);
    let uri = "https://claude.ai/callback";
    let consent = async |scope| {
        scene
            .store
            .consent("ana", scope, "client", uri)
            .await
            .unwrap()
    };
    assert_eq!(consent("/claude").await, None);
    assert_eq!(consent("/chatgpt").await.unwrap().rights, Rights::READ);
}
