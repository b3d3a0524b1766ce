//! The whole state as records, out of one kind of store and into any.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Store;
use crate::clock::Timestamp;
use crate::state::backend::{Change, Commit, Index, Key, Write};
use crate::state::records::{Order, Report};
use crate::state::transaction::Record;
use crate::state::{Event, StoreError};

/// A record outside of a store.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedRecord {
    key: String,
    body: Box<RawValue>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    indexes: Vec<String>,
}

impl ExportedRecord {
    fn new(record: Write) -> Result<Self, StoreError> {
        let key = record.key.as_str().to_owned();
        let corrupt = |message: String| StoreError::Corrupt {
            key: record.key.to_string(),
            message,
        };
        let text = String::from_utf8(record.body).map_err(|error| corrupt(error.to_string()))?;
        let body = RawValue::from_string(text).map_err(|error| corrupt(error.to_string()))?;
        let names = record.indexes.iter();
        Ok(Self {
            key,
            body,
            expires_at: record.expires_at.map(|end| end.0),
            indexes: names.map(|name| name.as_str().to_owned()).collect(),
        })
    }

    fn into_write(self) -> Write {
        let body: Box<str> = self.body.into();
        Write {
            key: Key::from_text(self.key),
            body: String::from(body).into_bytes(),
            expires_at: self.expires_at.map(Timestamp),
            indexes: self.indexes.into_iter().map(Index::from_text).collect(),
        }
    }
}

impl Store {
    /// Every record that lives, all from one moment, in the order of their keys;
    /// but not what commands and nodes have to tell each other.
    pub async fn export(&self) -> Result<Vec<ExportedRecord>, StoreError> {
        let mut records = self.backend.dump(self.now()).await?;
        records.retain(|record| !is_passing(&record.key));
        records.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        records.into_iter().map(ExportedRecord::new).collect()
    }

    /// How many records there are.
    pub async fn size(&self) -> Result<usize, StoreError> {
        let records = self.backend.dump(self.now()).await?;
        let kept = records.iter().filter(|record| !is_passing(&record.key));
        Ok(kept.count())
    }

    /// How many records lie there, expired or not.
    #[cfg(test)]
    pub(crate) async fn kept(&self) -> usize {
        self.backend.dump(Timestamp(i64::MIN)).await.unwrap().len()
    }

    /// Puts these in place of all that is there, whole or not at all; how many of
    /// them still live. No node may be at work: what it knows would be gone.
    pub async fn import(&self, records: Vec<ExportedRecord>) -> Result<usize, StoreError> {
        let now = self.now();
        let writes: Vec<Write> = records
            .into_iter()
            .map(ExportedRecord::into_write)
            .filter(|record| record.expires_at.is_none_or(|end| end > now))
            .collect();
        let before = self.backend.dump(now).await?;
        let count = writes.len();
        let change = Change {
            at: now,
            writes,
            deletes: before.into_iter().map(|record| record.key).collect(),
            events: vec![Event::EverythingChanged],
            ..Change::default()
        };
        match self.backend.commit(change).await? {
            Commit::Done => Ok(count),
            // Nothing is expected, so nothing can be otherwise.
            Commit::Conflict => Err(StoreError::Contended),
        }
    }
}

fn is_passing(key: &Key) -> bool {
    let of = |kind: &str| {
        let rest = key.as_str().strip_prefix(kind);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    of(Order::KIND) || of(Report::KIND)
}
