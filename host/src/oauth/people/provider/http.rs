//! Requests to the provider: over TLS off loopback, without redirects, bounded
//! in time and size.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::client_tls::{client_tls, native_roots};
use crate::oauth::issuer::is_protected;

/// Sends requests to the provider alone.
#[derive(Clone, Debug)]
pub(in crate::oauth) struct Http(reqwest::Client);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::oauth) enum RequestError {
    /// The client itself cannot be made.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The provider names an address that anybody between could change.
    #[error("{0} is neither https nor on loopback")]
    NotProtected(String),
    /// No connection, no answer in time, or a broken one.
    #[error("the request failed")]
    Request(#[from] reqwest::Error),
    /// It is not of the size of what was asked for.
    #[error("the answer has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// Something that HTTP does not allow.
    #[error("the answer is malformed")]
    Malformed(#[from] axum::http::Error),
}

impl Http {
    /// Trusts the machine's certificate authorities. Reads files.
    pub(super) fn new(issuer: &url::Url) -> Result<Self, RequestError> {
        let tls = client_tls(native_roots())?;
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT);
        // What is on this machine is not behind a proxy.
        let client = if issuer.scheme() == "http" {
            client.no_proxy()
        } else {
            client
        };
        Ok(Self(client.build()?))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, RequestError> {
        let request = reqwest::Request::try_from(request)?;
        if !is_protected(request.url()) {
            return Err(RequestError::NotProtected(request.url().to_string()));
        }
        let mut response = self.0.execute(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(RequestError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = axum::http::Response::builder().status(response.status());
        if let Some(headers) = answer.headers_mut() {
            std::mem::swap(headers, response.headers_mut());
        }
        Ok(answer.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = RequestError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, RequestError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

const TIMEOUT: Duration = Duration::from_secs(10);
/// Metadata and key sets have some 10 KB, tokens with many groups some 100 KB.
const MAX_BYTES: usize = 1 << 20;
