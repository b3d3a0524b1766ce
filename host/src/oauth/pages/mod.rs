//! What people see: pages made here, none of which needs a script, in their language, each
//! with the headers that keep it from being framed, cached or injected into.
//!
//! A page is a struct with `t`, its [`Texts`], that derives
//! [`Template`]; its file in `templates/` extends
//! `layout.html`, and [`respond`] makes the answer of it.

mod account;
mod asking;
mod consent;
mod error_page;
mod file;
mod guide;
mod headers;
mod invitation;
mod language;
mod record;
mod shown;
mod sign_in;
mod style;
mod texts;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

pub(crate) use account::{AccountPage, Allowed};
pub(crate) use asking::{Asking, Destination};
pub(crate) use consent::ConsentPage;
pub(crate) use error_page::{ErrorPage, WayOut};
pub(crate) use file::PageFile;
pub(crate) use guide::{Guide, copy_script, guide};
pub(crate) use invitation::InvitationPage;
pub(crate) use language::Language;
pub(crate) use record::{RecordLine, RecordPage};
pub(crate) use shown::shown;
pub(crate) use sign_in::{SignInChoice, SignInPage};
pub(crate) use style::{style, style_address};
pub(crate) use texts::{Texts, Trouble};

use headers::Script;

/// The answer that shows `page`; its forms lead nowhere but here.
pub(crate) fn respond(status: StatusCode, language: Language, page: &impl Template) -> Response {
    respond_leading_to(status, language, page, &[])
}

/// The same for a page whose forms may end at other places: sources of CSP,
/// such as `https://claude.ai`. Chromium holds every redirect that follows a
/// form to `form-action`.
pub(crate) fn respond_leading_to(
    status: StatusCode,
    language: Language,
    page: &impl Template,
    places: &[String],
) -> Response {
    answer(status, language, page, places, Script::Never)
}

/// The same for a page that has a script of ours, which it must not need.
pub(crate) fn respond_with_script(
    status: StatusCode,
    language: Language,
    page: &impl Template,
) -> Response {
    answer(status, language, page, &[], Script::Ours)
}

fn answer(
    status: StatusCode,
    language: Language,
    page: &impl Template,
    places: &[String],
    script: Script,
) -> Response {
    let mut response = match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    let tag = HeaderValue::from_static(language.tag());
    response.headers_mut().insert(header::CONTENT_LANGUAGE, tag);
    headers::protect(response.headers_mut(), places, script);
    response
}

#[cfg(test)]
mod tests;
