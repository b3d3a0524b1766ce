//! What a running call tells its client before its reply.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::jsonrpc::{encode, write_string};
use super::version::Revision;
use crate::tools::Progress;

/// Sends `notifications/progress` of one request (basic/utilities/progress).
pub(crate) struct Outlet {
    /// As the client spelled it.
    token: Box<RawValue>,
    revision: Revision,
    /// Whether there was room for it.
    sink: Box<dyn Fn(Bytes) -> bool + Send + Sync>,
    last: Mutex<f64>,
}

impl Outlet {
    pub(crate) fn new(
        token: Box<RawValue>,
        revision: Revision,
        sink: impl Fn(Bytes) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            token,
            revision,
            sink: Box::new(sink),
            last: Mutex::new(f64::NEG_INFINITY),
        }
    }

    fn encoded(&self, done: f64, total: Option<f64>, message: Option<&str>) -> Vec<u8> {
        let mut json =
            br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#
                .to_vec();
        json.extend_from_slice(self.token.get().as_bytes());
        json.extend_from_slice(b",\"progress\":");
        encode(&mut json, &number(done));
        if let Some(total) = total.filter(|total| total.is_finite()) {
            json.extend_from_slice(b",\"total\":");
            encode(&mut json, &number(total));
        }
        if let Some(message) = message.filter(|_| self.revision.has_annotations()) {
            json.extend_from_slice(b",\"message\":");
            write_string(&mut json, message);
        }
        json.extend_from_slice(b"}}");
        json
    }
}

impl Progress for Outlet {
    /// What does not go on is not told: progress must increase. Nor is what a
    /// slow client has no room for.
    fn report(&self, done: f64, total: Option<f64>, message: Option<String>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !done.is_finite() || done <= *last {
            return;
        }
        let encoded = self.encoded(done, total, message.as_deref());
        if (self.sink)(encoded.into()) {
            *last = done;
        }
    }
}

/// Whole numbers without a fraction, as people would write them.
fn number(value: f64) -> serde_json::Number {
    #[expect(clippy::cast_possible_truncation, reason = "within the range of i64")]
    if value.fract() == 0.0 && value.abs() < MAX_SAFE_INTEGER {
        return (value as i64).into();
    }
    serde_json::Number::from_f64(value).unwrap_or_else(|| 0.into())
}

/// 2^53
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn progress_increases_and_says_what_the_revision_knows() {
        for (revision, first) in [
            (
                Revision::V2024_11_05,
                r#"{"progressToken":"t","progress":1,"total":2.5}"#,
            ),
            (
                Revision::V2025_03_26,
                r#"{"progressToken":"t","progress":1,"total":2.5,"message":"a \"b\""}"#,
            ),
        ] {
            let told = Arc::new(Mutex::new(Vec::new()));
            let sink = Arc::clone(&told);
            let sink = move |message: Bytes| {
                let mut told = sink.lock().unwrap();
                told.push(String::from_utf8(message.to_vec()).unwrap());
                told.len() < 3
            };
            let token = RawValue::from_string("\"t\"".to_owned()).unwrap();
            let outlet = Outlet::new(token, revision, sink);
            outlet.report(1.0, Some(2.5), Some("a \"b\"".to_owned()));
            for repeated in [1.0, 0.5, f64::NAN, f64::INFINITY] {
                outlet.report(repeated, None, None);
            }
            outlet.report(2.0, None, None);
            let told = told.lock().unwrap();
            let [one, two] = &told[..] else {
                panic!("{told:?}");
            };
            assert!(one.ends_with(&format!("\"params\":{first}}}")), "{one}");
            assert!(
                two.ends_with(r#"{"progressToken":"t","progress":2}}"#),
                "{two}"
            );
        }
    }
}
