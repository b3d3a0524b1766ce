use axum::http::header;

use super::*;
use crate::oauth::testing::Reply;

const ALL: Guide = Guide {
    claude: true,
    chatgpt: true,
    signs_in: true,
};

async fn shown(what: Guide, whole: bool, base: &str, address: &str) -> Reply {
    let base = PublicUrl::parse(base).unwrap();
    let headers = HeaderMap::new();
    let uri = address.parse().unwrap();
    Reply::of(guide(what, whole, Some(base), &uri, &headers).unwrap()).await
}

#[tokio::test]
async fn the_addresses_are_those_of_this_server() {
    for whole in [false, true] {
        let page = shown(ALL, whole, "https://data.example.com", "/")
            .await
            .text;
        for address in [
            ">https://data.example.com/claude/mcp<",
            ">https://data.example.com/chatgpt/mcp<",
        ] {
            assert!(page.contains(address), "{address}: {page}");
        }
        assert!(!page.contains("class=\"warning\""), "{page}");
    }
    let page = shown(ALL, true, "https://data.example.com", "/docs").await;
    let command = "claude mcp add --transport http sql https://data.example.com/claude/mcp";
    assert!(page.text.contains(command), "{}", page.text);
}

#[tokio::test]
async fn without_scopes_of_those_names_both_go_to_the_root() {
    let neither = Guide {
        claude: false,
        chatgpt: false,
        signs_in: false,
    };
    let page = shown(neither, true, "http://127.0.0.1:8008", "/docs")
        .await
        .text;
    assert!(!page.contains("/claude/mcp") && !page.contains("/chatgpt/mcp"));
    assert!(
        page.contains("id=\"claude\">http://127.0.0.1:8008/mcp<"),
        "{page}"
    );
    // Not reached from elsewhere, and nobody has an account.
    assert!(page.contains("class=\"warning\"") && !page.contains("/account"));
}

#[tokio::test]
async fn the_switch_of_language_is_remembered() {
    let page = shown(ALL, true, "https://data.example.com", "/docs?lang=es").await;
    assert!(page.text.contains("<html lang=\"es\">"));
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("mssql-mcp-language=es;"), "{cookie}");
    assert!(
        cookie.contains("Secure") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    let page = shown(ALL, true, "https://data.example.com", "/docs").await;
    assert!(page.headers.get(header::SET_COOKIE).is_none());
}

#[tokio::test]
async fn the_only_script_is_a_file_of_this_server() {
    let page = shown(ALL, true, "https://data.example.com", "/docs").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.text.matches("<script").count(), 1);
    assert!(
        page.text
            .contains(&format!("<script src=\"{}\" defer>", COPY.address()))
    );
    assert!(!page.text.contains("style=\"") && !page.text.contains("onclick"));
}
