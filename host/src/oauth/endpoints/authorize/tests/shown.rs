//! What the pages say.

use super::*;

#[tokio::test]
async fn a_hostile_name_is_shown_as_harmless_text() {
    let oauth = with_people().await;
    let long = "x".repeat(1_000);
    let name = format!("<script>alert(1)</script>\"'\u{202e}\u{200b}{long}");
    let id = client(&oauth, "claude", &name, CALLBACK).await;
    let path = request("/claude", &id, &[("state", "<img src=x>")]);
    let mut ana = Visitor::new(&oauth);
    let sign_in = ana.get(&path).await;
    ana.sign_in(&path, "ana", PASSWORD).await;
    for page in [sign_in, ana.get(&path).await] {
        assert_is_guarded_page(&page);
        assert!(
            page.text.contains("&#60;script&#62;alert(1)"),
            "{}",
            page.text
        );
        for not in [
            "<script>alert",
            "<img",
            "\u{202e}",
            "\u{200b}",
            &long[..100],
        ] {
            assert!(!page.text.contains(not), "{not:?} in {}", page.text);
        }
    }
    let fields = [
        ("action", "sign-in"),
        ("username", "\"><script>"),
        ("password", "wrong"),
    ];
    let page = ana.get(&path).await;
    let wrong = ana.press(&page, &path, &fields).await;
    assert_is_guarded_page(&wrong);
}

#[tokio::test]
async fn pages_speak_spanish_to_who_asks_for_it() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.language = "es-MX,es;q=0.9,en;q=0.5";
    let sign_in = ana.get(&path).await;
    assert!(sign_in.text.contains("Contraseña"), "{}", sign_in.text);
    ana.sign_in(&path, "ana", PASSWORD).await;
    let consent = ana.get(&path).await;
    assert!(consent.text.contains("Permitir"), "{}", consent.text);
    let error = ana.get("/claude/authorize").await;
    assert!(
        error.text.contains("No se puede responder"),
        "{}",
        error.text
    );
    for page in [sign_in, consent, error] {
        assert_eq!(page.header("content-language"), "es");
        assert!(page.text.contains("<html lang=\"es\">"));
    }
}

#[tokio::test]
async fn forms_may_end_where_codes_may_go_and_nowhere_else() {
    let (mut config, _) = testing::config();
    for scope in &mut config.scopes {
        scope.redirects = vec!["claude.ai".parse().unwrap(), "cursor:".parse().unwrap()];
    }
    let oauth = OAuth::new(config);
    for (redirect, own) in [
        (CALLBACK, "https://claude.ai"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://[::1]:3000/cb", "http:"),
        ("cursor://anysphere/cb", "cursor:"),
    ] {
        let id = client(&oauth, "claude", "", redirect).await;
        let path = request("/claude", &id, &[("redirect_uri", redirect)]);
        let page = Visitor::new(&oauth).get(&path).await;
        let policy = page.header("content-security-policy");
        let places =
            format!("form-action 'self' {own} https://claude.ai https://*.claude.ai cursor:");
        assert!(policy.ends_with(&places), "{policy}");
        assert!(
            page.text.contains("An application without a name"),
            "{}",
            page.text
        );
    }
}

#[tokio::test]
async fn a_form_that_is_out_of_date_leads_back_to_the_beginning() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let page = Visitor::new(&oauth)
        .post(&path, &[("action", "allow")])
        .await;
    let href = path.replace('&', "&#38;");
    assert!(
        page.text.contains(&format!("href=\"{href}\"")),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn only_get_and_post_are_taken_and_forms_have_a_bound() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut visitor = Visitor::new(&oauth);
    let reply = visitor.send(Request::put(&path), Body::empty()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("allow")),
        (405, "GET, HEAD, POST")
    );
    let page = visitor.get(&path).await;
    let long = "x".repeat(20_000);
    let reply = visitor.press(&page, &path, &[("password", &long)]).await;
    assert_eq!(reply.status, 413);
}
