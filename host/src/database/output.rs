//! Rows into batches and JSON, under the caps on bytes and cells.

use serde::de::IgnoredAny;
use tiberius::ColumnData;

use super::convert::{self, Kind};
use super::cursor::Opened;
use super::error::{Error, LimitKind};
use super::exact;
use super::json::{self, Encoder};
use super::manager::text_size;
use super::page;
use super::reader::Caps;
use super::rows::Rows;
use super::text;
use super::value::{Batch, JsonShape, TruncatedBy, Value};

/// Turns rows into answers.
pub(super) struct Output {
    pub(super) opened: Opened,
    caps: Caps,
}

/// An answer, and whether the driver lost digits of it.
pub(super) struct Told<T> {
    pub(super) answer: T,
    pub(super) lossy: bool,
}

impl Output {
    pub(super) fn new(opened: Opened, caps: Caps) -> Self {
        Self { opened, caps }
    }

    /// For the same rows, read again with money as decimal.
    pub(super) fn exact(&self) -> Self {
        Self {
            opened: Opened {
                columns: self.opened.columns.clone(),
                kinds: exact::kinds(&self.opened.kinds),
                exact_types: true,
            },
            caps: self.caps,
        }
    }

    /// Typed rows.
    pub(super) async fn batch(&self, rows: &mut Rows<'_>, max: u32) -> Result<Told<Batch>, Error> {
        let mut lossy = false;
        let mut batch = Batch {
            rows: Vec::new(),
            done: false,
        };
        if let Some(kind) = self.chunked() {
            if let Some(document) = self.join(rows).await? {
                let value = match kind {
                    Kind::JsonChunks => Value::Json(document),
                    _ => Value::Other {
                        sql_type: "xml".to_owned(),
                        text: document,
                    },
                };
                batch.rows.push(vec![value]);
            }
            batch.done = true;
            return Ok(Told {
                answer: batch,
                lossy,
            });
        }
        while batch.rows.len() < max as usize {
            let Some(row) = rows.next().await? else {
                break;
            };
            let mut size = 0_usize;
            let mut cut = false;
            let values: Vec<Value> = row
                .into_iter()
                .zip(self.opened.kinds.iter().zip(&self.opened.columns))
                .map(|(data, (kind, column))| {
                    let mut value = convert::value(*kind, &column.sql_type, data);
                    lossy |= match (kind, &value) {
                        (Kind::Money, Value::Float(_)) => true,
                        (Kind::Variant, Value::Float(it)) => it.abs() >= text::MAX_EXACT_MONEY,
                        _ => false,
                    };
                    cut |= self.cap(&mut value);
                    size += size_of_value(&value);
                    value
                })
                .collect();
            if cut {
                rows.truncate(TruncatedBy::Cell, self.caps.max_cell as u64);
            }
            let bytes = rows.progress.stats.bytes + size as u64;
            if bytes > self.caps.max_bytes as u64 {
                rows.truncate(TruncatedBy::Bytes, self.caps.max_bytes as u64);
                rows.stop();
                break;
            }
            rows.progress.stats.bytes = bytes;
            rows.progress.stats.rows += 1;
            batch.rows.push(values);
        }
        batch.done = rows.is_done();
        Ok(Told {
            answer: batch,
            lossy,
        })
    }

    /// The remaining rows as an array, or as a whole document.
    pub(super) async fn json(
        &self,
        rows: &mut Rows<'_>,
        shape: JsonShape,
        document: bool,
    ) -> Result<Told<String>, Error> {
        let Opened { columns, kinds, .. } = &self.opened;
        let mut encoder = Encoder::new(columns, kinds, shape, self.caps.binary, self.caps.max_cell);
        let mut out = Vec::with_capacity(INITIAL.min(self.caps.max_bytes));
        let mut head = 0;
        let mut reserve = 1;
        if document {
            out.extend_from_slice(COLUMNS);
            encoder.columns(&mut out, columns);
            head = out.len();
            out.extend_from_slice(RESULTS);
            let money = kinds.iter().filter(|kind| **kind == Kind::Money).count();
            reserve = TAIL + money * LOSSY + self.caps.window.map_or(0, |_| page::ROOM);
        }
        out.push(b'[');
        let budget = self.caps.max_bytes.saturating_sub(reserve);
        if out.len() > budget {
            return Err(Error::Limit(LimitKind::Bytes));
        }
        let before = rows.progress.stats.rows;
        if self.chunked().is_some() {
            self.chunks(rows, &encoder, &mut out, budget).await?;
        } else {
            let mut first = true;
            while let Some(row) = rows.next().await? {
                let mark = out.len();
                if !first {
                    out.push(b',');
                }
                encoder.row(&mut out, row.iter());
                if out.len() > budget {
                    out.truncate(mark);
                    rows.truncate(TruncatedBy::Bytes, self.caps.max_bytes as u64);
                    rows.stop();
                    break;
                }
                first = false;
                rows.progress.stats.rows += 1;
            }
        }
        out.push(b']');
        if encoder.cut {
            rows.truncate(TruncatedBy::Cell, self.caps.max_cell as u64);
        }
        if document {
            if encoder.is_lossy() {
                let mut again = COLUMNS.to_vec();
                encoder.columns(&mut again, columns);
                out.splice(..head, again);
            }
            let count = rows.progress.stats.rows - before;
            out.extend_from_slice(format!(",\"row_count\":{count},\"truncated\":").as_bytes());
            match rows.progress.truncated {
                None => out.extend_from_slice(b"null"),
                Some(cut) => {
                    let notice =
                        format!("{{\"by\":\"{}\",\"limit\":{}}}", cut.by.as_str(), cut.limit);
                    out.extend_from_slice(notice.as_bytes());
                }
            }
            if let Some(window) = self.caps.window {
                // Of a page that was cut, the rest follows.
                let cut = rows.progress.truncated.map(|cut| cut.by);
                let is_cut = cut == Some(TruncatedBy::Bytes);
                window.write(&mut out, rows.progress.more || is_cut, is_cut);
            }
            out.push(b'}');
        }
        rows.progress.stats.bytes += out.len() as u64;
        let text = String::from_utf8(out)
            .map_err(|_| Error::Other("a result was not UTF-8".to_owned()))?;
        Ok(Told {
            answer: text,
            lossy: encoder.is_lossy(),
        })
    }

    /// FOR JSON and FOR XML send one document in rows of about 2 000
    /// characters.
    async fn chunks(
        &self,
        rows: &mut Rows<'_>,
        encoder: &Encoder,
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<(), Error> {
        let Some(document) = self.join(rows).await? else {
            return Ok(());
        };
        let is_json = self.chunked() == Some(Kind::JsonChunks)
            && rows.progress.truncated.is_none()
            && serde_json::from_str::<IgnoredAny>(&document).is_ok();
        let mark = out.len();
        if is_json {
            encoder.raw_row(out, document.as_bytes());
        } else {
            let mut text = Vec::with_capacity(document.len() + 16);
            json::string(&mut text, &document);
            encoder.raw_row(out, &text);
        }
        if out.len() <= budget {
            return Ok(());
        }
        // Its key, its quotes or its escapes are what does not fit any more.
        out.truncate(mark);
        rows.truncate(TruncatedBy::Bytes, self.caps.max_bytes as u64);
        let mut text = Vec::new();
        let kept = budget.saturating_sub(mark + KEY) / WORST_ESCAPE;
        let (kept, rest) = match json::cut(&document, kept, usize::MAX) {
            Some((kept, rest)) => (kept, Some(rest)),
            None => (&*document, None),
        };
        let rest = rest.map_or_else(String::new, |rest| rest.to_string());
        json::string(&mut text, &format!("{kept}{rest}"));
        encoder.raw_row(out, &text);
        Ok(())
    }

    /// The whole document, as far as the byte cap allows; `None` without rows.
    async fn join(&self, rows: &mut Rows<'_>) -> Result<Option<String>, Error> {
        let mut document: Option<String> = None;
        while let Some(row) = rows.next_raw().await? {
            let text = document.get_or_insert_default();
            if let Some(ColumnData::String(Some(chunk))) = row.into_iter().next() {
                text.push_str(&chunk);
            }
            if text.len() > self.caps.max_bytes {
                text.truncate(text.floor_char_boundary(self.caps.max_bytes));
                rows.truncate(TruncatedBy::Bytes, self.caps.max_bytes as u64);
                rows.stop();
                break;
            }
        }
        if let Some(text) = &document {
            rows.progress.stats.rows += 1;
            rows.progress.stats.bytes += text.len() as u64;
        }
        Ok(document)
    }

    fn chunked(&self) -> Option<Kind> {
        match self.opened.kinds.as_slice() {
            [kind @ (Kind::JsonChunks | Kind::XmlChunks)] => Some(*kind),
            _ => None,
        }
    }

    /// Cuts a long value; whether it did.
    fn cap(&self, value: &mut Value) -> bool {
        match value {
            Value::Text(text) | Value::Other { text, .. } => {
                let max = self.caps.max_cell;
                let Some((kept, rest)) = json::cut(text, max, text_size(max)) else {
                    return false;
                };
                *text = format!("{kept}{rest}");
                true
            }
            Value::Bytes(bytes) if bytes.len() > self.caps.max_cell => {
                bytes.truncate(self.caps.max_cell);
                true
            }
            _ => false,
        }
    }
}

/// Bytes a value takes in the guest, near enough.
fn size_of_value(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Decimal(text) | Value::Uuid(text) | Value::Json(text) => {
            text.len()
        }
        Value::Other { text, .. } => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 8,
    }
}

const COLUMNS: &[u8] = b"{\"columns\":";
const RESULTS: &[u8] = b",\"results\":";
/// `]`, the count and the notice, with numbers of 20 digits.
const TAIL: usize = 112;
/// `,"lossy":true`
const LOSSY: usize = 13;
/// Room for the key and the notice of a cut document.
const KEY: usize = 96;
/// A control character becomes six bytes.
const WORST_ESCAPE: usize = 6;
const INITIAL: usize = 16 * 1024;
