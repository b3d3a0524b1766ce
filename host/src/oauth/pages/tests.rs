use axum::body::to_bytes;

use super::*;

async fn shown_error(language: Language, detail: &str, places: &[String]) -> (Response, String) {
    let t = language.texts();
    let page = ErrorPage {
        detail: Some(detail),
        way_out: Some(WayOut::Button {
            target: "/claude/authorize?a=1&b=\"2\"",
            csrf: "token",
            action: "sign-out",
            label: t.troubles.somebody_else,
        }),
        ..ErrorPage::new(t, &t.troubles.client)
    };
    let response = respond_leading_to(StatusCode::BAD_REQUEST, language, &page, places);
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (
        Response::from_parts(parts, axum::body::Body::empty()),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn every_page_has_the_headers_that_guard_it() {
    let places = ["https://claude.ai".to_owned(), "cursor:".to_owned()];
    let (response, _) = shown_error(Language::Spanish, "", &places).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self' https://claude.ai cursor:"
    );
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("content-language"), "es");
    assert!(header("vary").contains("Accept-Language"));
    assert!(response.headers().contains_key("permissions-policy"));
}

#[tokio::test]
async fn a_place_that_is_no_header_leaves_the_strict_policy() {
    let (response, _) = shown_error(Language::English, "", &["a\nb".to_owned()]).await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.ends_with("form-action 'self'"), "{policy}");
}

#[tokio::test]
async fn a_page_says_its_language_and_escapes_what_it_is_given() {
    let (_, html) = shown_error(Language::Spanish, "<script>alert(1)</script>\"'&", &[]).await;
    assert!(html.contains("<html lang=\"es\">"), "{html}");
    assert!(html.contains("Aplicación desconocida"), "{html}");
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&#60;script&#62;"), "{html}");
    assert!(
        html.contains("/claude/authorize?a=1&#38;b=&#34;2&#34;"),
        "{html}"
    );
    assert!(html.contains("name=\"csrf\" value=\"token\""), "{html}");
    assert!(
        !html.contains("style=\"") && !html.contains("onclick"),
        "{html}"
    );
}

#[tokio::test]
async fn the_sheet_is_kept_for_good_under_an_address_that_changes_with_it() {
    let (_, html) = shown_error(Language::English, "", &[]).await;
    let address = style_address();
    assert!(html.contains(&format!("href=\"{address}\"")), "{html}");
    let response = style().await;
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "text/css; charset=utf-8");
    assert!(header("cache-control").contains("immutable"));
}
