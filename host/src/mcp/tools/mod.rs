//! `tools/list` and `tools/call`.

mod call;
mod content;
mod list;
mod result;

pub(crate) use call::{call, insufficient_scope};
pub(crate) use content::{write as write_content, write_base64};
pub(crate) use list::{Listings, list};
pub(crate) use result::{cacheable, complete, input_required};
