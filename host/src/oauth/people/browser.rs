//! A person's browser: its two cookies, and the tokens that bind forms to it.
//!
//! Both cookies are made anew when a person signs in, so one that was planted
//! before is worth nothing afterwards.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use cookie::{Cookie, SameSite};

use crate::oauth::context::OAuth;
use crate::oauth::issuer::PublicUrl;
use crate::state::{Person, Proof, SecretHash, SecretKind, Secrets, SignIn, StoreError};

/// The browser that a request comes from.
#[derive(Debug)]
pub(crate) struct Browser {
    secrets: Secrets,
    secure: bool,
    /// Its cookie, and whether it has it already.
    id: String,
    known: bool,
    sign_in: Option<SecretHash>,
}

impl Browser {
    /// Reads the cookies of a request to `base`; a browser without one gets it
    /// with the reply.
    pub(crate) fn of(
        oauth: &OAuth,
        base: &PublicUrl,
        headers: &HeaderMap,
    ) -> Result<Self, StoreError> {
        let secrets = oauth.shared.store.secrets().clone();
        let secure = base.is_https();
        let id = read(headers, secure, BROWSER)
            .filter(|id| secrets.recognise(SecretKind::Browser, id).is_some());
        let sign_in = read(headers, secure, SIGN_IN)
            .and_then(|text| secrets.recognise(SecretKind::SignIn, &text));
        let known = id.is_some();
        let id = match id {
            Some(id) => id,
            None => secrets.issue(SecretKind::Browser)?.expose().to_owned(),
        };
        Ok(Self {
            secrets,
            secure,
            id,
            known,
            sign_in,
        })
    }

    /// Hash of what only this browser has.
    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.id)
    }

    /// The token that a form carries which goes to `address`, a path with its
    /// query.
    pub(crate) fn csrf_token(&self, address: &str) -> String {
        self.secrets.seal("form", &[&self.id, address])
    }

    /// Whether a form that came to `address` is one that this browser was given.
    pub(crate) fn is_own_form(&self, address: &str, token: Option<&str>) -> bool {
        self.known
            && token
                .is_some_and(|token| self.secrets.is_sealed("form", &[&self.id, address], token))
    }

    /// Who has signed in here.
    pub(crate) async fn signed_in(
        &self,
        oauth: &OAuth,
    ) -> Result<Option<(SignIn, Person)>, StoreError> {
        match self.sign_in {
            Some(hash) => oauth.shared.store.signed_in(hash).await,
            None => Ok(None),
        }
    }

    /// Gives the browser its cookie, if it has none.
    pub(crate) fn keep(&self, response: Response) -> Response {
        if self.known {
            return response;
        }
        self.set(response, BROWSER, &self.id, BROWSER_TTL)
    }

    /// Notes that `subject` has signed in, and gives the browser new cookies;
    /// `None` for a person who was removed, or got another password, a moment
    /// ago.
    pub(crate) async fn sign_in(
        &self,
        oauth: &OAuth,
        subject: &str,
        proof: Proof<'_>,
        response: Response,
    ) -> Result<Option<Response>, StoreError> {
        let store = &oauth.shared.store;
        let Some(cookie) = store.sign_in(subject, proof, SIGN_IN_TTL).await? else {
            return Ok(None);
        };
        if let Some(before) = self.sign_in {
            store.sign_out(before).await?;
        }
        let id = self.secrets.issue(SecretKind::Browser)?;
        let response = self.set(response, SIGN_IN, cookie.expose(), SIGN_IN_TTL);
        Ok(Some(self.set(response, BROWSER, id.expose(), BROWSER_TTL)))
    }

    /// Ends the sign-in of this browser.
    pub(crate) async fn sign_out(
        &self,
        oauth: &OAuth,
        response: Response,
    ) -> Result<Response, StoreError> {
        if let Some(hash) = self.sign_in {
            oauth.shared.store.sign_out(hash).await?;
        }
        Ok(self.set(response, SIGN_IN, "", Duration::ZERO))
    }

    fn set(&self, mut response: Response, name: &str, value: &str, life: Duration) -> Response {
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        let cookie = Cookie::build((full_name(self.secure, name), value))
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .path("/")
            .max_age(cookie::time::Duration::seconds(seconds))
            .build();
        if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }
}

/// The cookie of that name; none when there are two, of which one was planted.
fn read(headers: &HeaderMap, secure: bool, name: &str) -> Option<String> {
    let name = full_name(secure, name);
    let lines = headers.get_all(header::COOKIE).iter();
    let mut values = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned());
    match (values.next(), values.next()) {
        (value, None) => value,
        _ => None,
    }
}

/// `__Host-` keeps other hosts of a domain from setting the cookie; it needs
/// https.
fn full_name(secure: bool, name: &str) -> String {
    if secure {
        format!("__Host-{name}")
    } else {
        name.to_owned()
    }
}

const BROWSER: &str = "mssql-mcp-browser";
const SIGN_IN: &str = "mssql-mcp-sign-in";
const BROWSER_TTL: Duration = Duration::from_secs(24 * 3_600);
/// A working day.
const SIGN_IN_TTL: Duration = Duration::from_secs(12 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing;

    fn browser(oauth: &OAuth, cookies: &str) -> Browser {
        let base = PublicUrl::parse(testing::PUBLIC_URL).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        Browser::of(oauth, &base, &headers).unwrap()
    }

    #[test]
    fn a_form_belongs_to_one_browser_and_one_address() {
        let (oauth, _) = testing::oauth();
        let id = |browser: &Browser| format!("__Host-{BROWSER}={}", browser.id);
        let new = browser(&oauth, "");
        let own = browser(&oauth, &id(&new));
        let token = new.csrf_token("/a?b=c");
        assert!(own.is_own_form("/a?b=c", Some(&token)));
        assert!(!own.is_own_form("/a?b=d", Some(&token)));
        assert!(!own.is_own_form("/a?b=c", None));
        assert!(!browser(&oauth, "").is_own_form("/a?b=c", Some(&token)));
        // One that sends no cookie cannot have been given a form.
        assert!(!new.is_own_form("/a?b=c", Some(&token)));
    }

    #[test]
    fn only_one_cookie_of_the_right_name_and_make_is_believed() {
        let (oauth, _) = testing::oauth();
        let made = |kind| {
            let issued = oauth.store().secrets().issue(kind).unwrap();
            issued.expose().to_owned()
        };
        let (one, other) = (made(SecretKind::Browser), made(SecretKind::Browser));
        let sign_in = made(SecretKind::SignIn);
        for (cookies, known) in [
            (format!("a=b; __Host-{BROWSER}={one}; c=d"), true),
            (
                format!("__Host-{BROWSER}={one}; __Host-{BROWSER}={other}"),
                false,
            ),
            (format!("{BROWSER}={one}"), false),
            (format!("__Host-{BROWSER}={sign_in}"), false),
            (format!("__Host-{BROWSER}={one}x"), false),
            ("no cookie at all;;=;".to_owned(), false),
        ] {
            assert_eq!(browser(&oauth, &cookies).known, known, "{cookies}");
        }
        let signed_in = |cookies: String| browser(&oauth, &cookies).sign_in.is_some();
        assert!(signed_in(format!("__Host-{SIGN_IN}={sign_in}")));
        assert!(!signed_in(format!("__Host-{SIGN_IN}={one}")));
    }
}
