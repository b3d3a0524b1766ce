//! Who calls a page: the browser, its language and its address.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::answers::unavailable;
use crate::http_error::HttpError;
use crate::oauth::audit::Details;
use crate::oauth::pages::{Language, Texts};
use crate::oauth::people::Browser;
use crate::oauth::{ClientAddress, OAuth, PublicUrl, SignInMethod};

/// The address of a listener that is not the one of the public URL; whoever
/// serves it adds it to each request.
#[derive(Clone, Debug)]
pub(crate) struct OwnBase(pub(crate) PublicUrl);

/// One request to a page.
pub(crate) struct Caller {
    pub(super) oauth: OAuth,
    pub(super) base: PublicUrl,
    pub(super) address: ClientAddress,
    pub(super) language: Language,
    pub(super) browser: Browser,
}

impl Caller {
    /// Whether people have passwords here.
    pub(super) fn has_passwords(&self) -> bool {
        matches!(self.oauth.shared.sign_in, SignInMethod::Password)
    }

    pub(super) fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    /// For the audit.
    pub(super) fn details<'a>(&self, subject: &'a str) -> Details<'a> {
        Details {
            subject,
            address: Some(self.address.0),
            ..Details::default()
        }
    }
}

impl FromRequestParts<OAuth> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, oauth: &OAuth) -> Result<Self, Response> {
        let Ok(address) = ClientAddress::from_request_parts(parts, oauth).await;
        let language = Language::of_request(&parts.uri, &parts.headers);
        let own = parts.extensions.get::<OwnBase>().cloned();
        let base = own.map(|OwnBase(base)| base);
        let base = base.or_else(|| oauth.base(&parts.headers));
        let base = base.ok_or_else(|| HttpError::not_found().into_response())?;
        let browser = Browser::of(oauth, &base, &parts.headers);
        let browser = browser.map_err(|error| unavailable(language, &error))?;
        Ok(Self {
            oauth: oauth.clone(),
            base,
            address,
            language,
            browser,
        })
    }
}
