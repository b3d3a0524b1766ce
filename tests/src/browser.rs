//! A browser as plain as can be: cookies and forms, no script.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, redirect};

/// One person's browser.
pub struct Browser {
    http: Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What came, redirects not followed.
#[derive(Debug, Clone)]
pub struct Page {
    /// The address that was asked.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// Headers of the reply.
    pub headers: HeaderMap,
    /// The page.
    pub body: String,
}

impl Browser {
    /// Without any cookie.
    pub fn new() -> Self {
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .build()
            .expect("a client");
        Self {
            http,
            cookies: Mutex::default(),
        }
    }

    /// The cookies that it would send, by name.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().expect("cookies").clone()
    }

    /// Plants a cookie, as an attacker on a neighbouring host could.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.lock().expect("cookies");
        cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Opens an address.
    pub async fn get(&self, url: &str) -> Page {
        self.send(url, self.http.request(Method::GET, url)).await
    }

    /// Sends a form.
    pub async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.http.request(Method::POST, url).form(fields);
        self.send(url, request).await
    }

    /// Fills in the first form of `page` that has a control named and valued as
    /// `button`, and presses that button.
    pub async fn submit(&self, page: &Page, button: (&str, &str), fields: &[(&str, &str)]) -> Page {
        let (action, hidden) = page.form(button);
        let mut all: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        all.push(button);
        all.extend(fields);
        self.post(&page.resolve(&action), &all).await
    }

    async fn send(&self, url: &str, request: RequestBuilder) -> Page {
        let cookies: Vec<String> = self
            .cookies()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = if cookies.is_empty() {
            request
        } else {
            request.header(COOKIE, cookies.join("; "))
        };
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            self.keep(cookie.to_str().expect("a cookie in ASCII"));
        }
        Page {
            url: url.to_owned(),
            status,
            headers,
            body: response.text().await.expect("a whole page"),
        }
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').expect("a name and a value");
        let mut cookies = self.cookies.lock().expect("cookies");
        if value.is_empty() || attributes.contains("Max-Age=0") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Page {
    /// Where a redirect leads.
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// A parameter of the address that a redirect leads to.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let location = reqwest::Url::parse(self.location()?).ok()?;
        let found = location.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// Action and hidden fields of the form with that button.
    pub fn form(&self, button: (&str, &str)) -> (String, Vec<(String, String)>) {
        let forms = self.body.split("<form").skip(1);
        let form = forms
            .map(|rest| rest.split("</form>").next().unwrap_or_default())
            .find(|form| {
                tags(form).any(|tag| {
                    attribute(tag, "name").as_deref() == Some(button.0)
                        && attribute(tag, "value").as_deref() == Some(button.1)
                })
            })
            .unwrap_or_else(|| panic!("no form with {button:?}: {} {}", self.status, self.body));
        let action = attribute(form.split('>').next().unwrap_or_default(), "action");
        let hidden = tags(form)
            .filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"))
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
            .filter(|(name, _)| name != button.0);
        (action.unwrap_or_default(), hidden.collect())
    }

    fn resolve(&self, action: &str) -> String {
        let base = reqwest::Url::parse(&self.url).expect("an address");
        base.join(action).expect("an action").into()
    }
}

fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<')
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap_or_default())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    let entities = [
        ("&#38;", "&"),
        ("&amp;", "&"),
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
    ];
    Some(
        entities
            .iter()
            .fold(value.to_owned(), |text, (from, to)| text.replace(from, to)),
    )
}
