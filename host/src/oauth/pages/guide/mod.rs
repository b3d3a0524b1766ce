//! `/` and `/docs`: what this server is, and how to connect to it. They name no
//! database, person or tool set, and of the scopes only `claude` and `chatgpt`, which
//! are called after products and tell a stranger nothing.

mod english;
mod spanish;

use std::sync::LazyLock;

use askama::Template;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::{Language, PageFile, Texts, respond_with_script};
use crate::oauth::PublicUrl;
use crate::oauth::issuer::loopback_base;
use english::ENGLISH;
use spanish::SPANISH;

/// What the pages say of this server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guide {
    /// There is a scope of that name.
    pub(crate) claude: bool,
    pub(crate) chatgpt: bool,
    /// People sign in.
    pub(crate) signs_in: bool,
}

/// `GET /`, or `GET /docs` if `whole`. `base` is the server's address as far as it is
/// known; without it, it is what the request calls it.
pub(crate) fn guide(
    guide: Guide,
    whole: bool,
    base: Option<PublicUrl>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<Response> {
    let host = headers.get(axum::http::header::HOST);
    let base = base.or_else(|| loopback_base(host?))?;
    let language = Language::of_request(uri, headers);
    let (t, v) = (language.texts(), View::new(guide, language, base.as_str()));
    let response = if whole {
        respond_with_script(StatusCode::OK, language, &DocsPage { t, v })
    } else {
        respond_with_script(StatusCode::OK, language, &HomePage { t, v })
    };
    Some(Language::keep_choice(uri, base.is_https(), response))
}

/// `GET /copy.js`
pub(crate) async fn copy_script() -> Response {
    COPY.respond()
}

static COPY: LazyLock<PageFile> = LazyLock::new(|| {
    let script = include_str!("../../../../templates/copy.js");
    PageFile::new("/copy.js", "text/javascript; charset=utf-8", script)
});

/// What both pages are made of.
#[derive(Debug)]
struct View {
    t: &'static Texts,
    g: &'static GuideTexts,
    guide: Guide,
    /// The address for Claude.
    claude: String,
    /// The address for ChatGPT.
    chatgpt: String,
    /// The addresses of the scope at the root, and of the others.
    root: String,
    others: String,
    claude_code: String,
    vs_code: String,
    doctor: String,
    /// Servers of Anthropic and `OpenAI` can reach it.
    is_public: bool,
}

impl View {
    fn new(guide: Guide, language: Language, base: &str) -> Self {
        let root = format!("{base}/mcp");
        let at = |has: bool, name: &str| match has {
            true => format!("{base}/{name}/mcp"),
            false => root.clone(),
        };
        let claude = at(guide.claude, "claude");
        let server = serde_json::json!({"servers": {"sql": {"type": "http", "url": claude}}});
        Self {
            t: language.texts(),
            g: match language {
                Language::English => &ENGLISH,
                Language::Spanish => &SPANISH,
            },
            guide,
            chatgpt: at(guide.chatgpt, "chatgpt"),
            others: format!("{base}/{}/mcp", language_word(language)),
            claude_code: format!("claude mcp add --transport http sql {claude}"),
            vs_code: serde_json::to_string_pretty(&server).unwrap_or_default(),
            doctor: format!("mssql-mcp doctor {claude}"),
            is_public: base.starts_with("https://"),
            claude,
            root,
        }
    }

    fn script(&self) -> &'static str {
        COPY.address()
    }
}

/// What stands for the name of a scope.
fn language_word(language: Language) -> &'static str {
    match language {
        Language::English => "NAME",
        Language::Spanish => "NOMBRE",
    }
}

#[derive(Debug, Template)]
#[template(path = "home.html")]
struct HomePage {
    t: &'static Texts,
    v: View,
}

#[derive(Debug, Template)]
#[template(path = "docs.html")]
struct DocsPage {
    t: &'static Texts,
    v: View,
}

/// In one language.
#[derive(Debug)]
struct GuideTexts {
    home_title: &'static str,
    home_lead: &'static str,
    /// What people do here.
    account: &'static str,
    account_means: &'static str,
    how: &'static str,
    docs_title: &'static str,
    docs_lead: &'static str,
    /// The address is not one that others reach.
    not_public: &'static str,
    addresses: &'static str,
    for_claude: &'static str,
    for_chatgpt: &'static str,
    at_root: &'static str,
    for_others: &'static str,
    others_mean: &'static str,
    no_slash: &'static str,
    copy: &'static str,
    copied: &'static str,
    claude: Steps,
    chatgpt: Steps,
    claude_code: Steps,
    vs_code: Steps,
    after: Steps,
    after_open: &'static str,
    trouble: Steps,
    back: &'static str,
}

/// One way in, step by step.
#[derive(Debug)]
struct Steps {
    title: &'static str,
    lead: &'static str,
    steps: &'static [&'static str],
    note: &'static str,
}

#[cfg(test)]
mod tests;
