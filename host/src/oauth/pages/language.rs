//! The language of a page: the one that the person chose, else from
//! `Accept-Language` (RFC 9110 §12.5.4).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use cookie::{Cookie, SameSite};
use url::form_urlencoded;

use super::Texts;
use super::texts::{ENGLISH, SPANISH};

/// A language that pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// Also for everybody who reads neither.
    #[default]
    English,
    Spanish,
}

impl Language {
    /// The one that a switch in the page's address asks for, else [`Language::of`].
    pub(crate) fn of_request(uri: &Uri, headers: &HeaderMap) -> Self {
        Self::asked(uri).unwrap_or_else(|| Self::of(headers))
    }

    /// The one that was chosen before, else the one that the browser likes best.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::COOKIE).iter();
        let mut cookies = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok);
        let chosen = cookies.find(|cookie| cookie.name() == CHOSEN);
        let chosen = chosen.and_then(|cookie| Self::with_tag(cookie.value()));
        chosen.unwrap_or_else(|| Self::accepted(headers))
    }

    fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT_LANGUAGE).iter();
        let ranges = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let mut best = (0, Self::default());
        for range in ranges {
            let (tag, weight) = weighted(range);
            if let Some(language) = Self::named(tag)
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    /// Has the browser keep a choice that the page's address makes.
    pub(crate) fn keep_choice(uri: &Uri, secure: bool, mut response: Response) -> Response {
        let Some(language) = Self::asked(uri) else {
            return response;
        };
        let cookie = Cookie::build((CHOSEN, language.tag()))
            .http_only(true)
            .secure(secure)
            .same_site(SameSite::Lax)
            .path("/")
            .max_age(cookie::time::Duration::days(365))
            .build();
        if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }

    fn asked(uri: &Uri) -> Option<Self> {
        let query = uri.query().unwrap_or_default();
        let mut asked = form_urlencoded::parse(query.as_bytes());
        let (_, tag) = asked.find(|(name, _)| name == "lang")?;
        Self::with_tag(&tag)
    }

    fn with_tag(tag: &str) -> Option<Self> {
        let mut all = [Self::English, Self::Spanish].into_iter();
        all.find(|language| language.tag() == tag)
    }

    /// Its tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        self.texts().tag
    }

    /// All that pages say in it.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Spanish => &SPANISH,
        }
    }

    fn named(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        if primary.eq_ignore_ascii_case("es") {
            return Some(Self::Spanish);
        }
        let english = primary == "*" || primary.eq_ignore_ascii_case("en");
        english.then_some(Self::English)
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// The cookie with a choice; it says nothing about anybody.
const CHOSEN: &str = "mssql-mcp-language";

/// Tag and weight, in thousandths, of one language range; none for a weight
/// that is no number.
fn weighted(range: &str) -> (&str, u16) {
    let mut parts = range.split(';').map(str::trim);
    let tag = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q="));
    let thousandths = match weight.map(str::parse::<f32>) {
        None => 1_000,
        Some(Ok(weight)) => (weight.clamp(0.0, 1.0) * 1_000.0) as u16,
        Some(Err(_)) => 0,
    };
    (tag, thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_person_chose_wins_over_what_the_browser_says() {
        for (address, cookie, language) in [
            ("/", "", Language::English),
            ("/", "a=b; mssql-mcp-language=es", Language::Spanish),
            ("/", "mssql-mcp-language=fr", Language::English),
            ("/?lang=es", "", Language::Spanish),
            ("/?x=1&lang=en", "mssql-mcp-language=es", Language::English),
            ("/?lang=*", "mssql-mcp-language=es", Language::Spanish),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            let found = Language::of_request(&address.parse().unwrap(), &headers);
            assert_eq!(found, language, "{address} {cookie}");
        }
    }

    #[test]
    fn the_language_liked_best_is_taken_and_english_by_default() {
        for (accepted, language) in [
            ("", Language::English),
            ("es", Language::Spanish),
            ("es-MX,es;q=0.9,en;q=0.8", Language::Spanish),
            ("en-GB,es;q=0.9", Language::English),
            ("de, es;q=0.5, en;q=0.4", Language::Spanish),
            ("de,fr;q=0.9", Language::English),
            ("es;q=0, en", Language::English),
            ("es;q=0", Language::English),
            ("ES", Language::Spanish),
            ("*, es;q=0.5", Language::English),
            ("es;q=rather", Language::English),
            ("est", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(Language::of(&headers), language, "{accepted}");
        }
    }
}
