//! Resources and prompts that misbehave.

use mssql_mcp_sdk::offers::{Body, Contents, Entry, Offers, Prompt, PromptReply};
use mssql_mcp_sdk::{DEFAULT_DATABASE, Execute, Failure, Host, Question};

use crate::spin;

/// Of the world `read-tools`.
#[derive(Debug)]
pub struct Hostile;

/// Of the world `write-tools`: a resource that writes.
#[derive(Debug)]
pub struct HostileWriter;

impl<H: Host> Offers<H> for Hostile {
    /// The setting `list` says how.
    fn resources(&self, host: &H) -> Result<Vec<Entry>, Failure> {
        Ok(match host.config("list").as_deref() {
            Some("spin") => spin(),
            Some("foreign") => vec![entry("mssql://demo/dbo/Orders")],
            _ => vec![entry("test://good")],
        })
    }

    fn read(&self, _: &H, uri: &str) -> Result<Option<Vec<Contents>>, Failure> {
        let contents = |uri: &str| {
            Ok(Some(vec![Contents {
                uri: uri.to_owned(),
                mime_type: None,
                body: Body::Text("good".to_owned()),
            }]))
        };
        match uri {
            "test://spin" => spin(),
            "test://foreign" => contents("mssql://demo/dbo/Orders"),
            "test://good" => contents(uri),
            "test://fail" => Err(Failure::problem("not-found", "It was here.", "Look there.")),
            _ => Ok(None),
        }
    }

    fn prompts(&self) -> Vec<Prompt> {
        if crate::lies::asked().is_some() {
            return Vec::new();
        }
        vec![
            Prompt::new("spin", "Never ends"),
            Prompt::new("ask_nothing", "Asks nothing"),
        ]
    }

    fn prompt(&self, _: &H, name: &str, _: &[(String, String)]) -> Result<PromptReply, Failure> {
        if name == "spin" {
            spin()
        }
        Ok(PromptReply::Ask(Question {
            requests: "{}".to_owned(),
            state: Vec::new(),
        }))
    }
}

impl<H: Execute> Offers<H> for HostileWriter {
    fn read(&self, host: &H, uri: &str) -> Result<Option<Vec<Contents>>, Failure> {
        let Some(sql) = uri.strip_prefix("test://execute/") else {
            return Ok(None);
        };
        host.execute(DEFAULT_DATABASE, &sql.replace("%20", " "), &[])?;
        Ok(Some(Vec::new()))
    }
}

fn entry(uri: &str) -> Entry {
    Entry {
        uri: uri.to_owned(),
        name: "n".to_owned(),
        title: None,
        description: None,
        mime_type: None,
        size: None,
    }
}
