//! `contact_of_customer`: somebody's name and number go to the model when the
//! person in front of it agrees.

use mssql_mcp_sdk::{
    Ability, Answer, Answers, Ask, Cursor, DEFAULT_DATABASE, Failure, Host, Reply, Tool, ToolInfo,
    Value, text_param,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::unexpected;

pub(crate) struct ContactOfCustomer;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// Customer number, such as ADLEA.
    #[schemars(length(min = 1, max = 5))]
    customer: String,
}

#[derive(Serialize, JsonSchema)]
struct Contact {
    company: String,
    /// Null when the person did not agree to share it.
    contact: Option<String>,
    /// Null when the person did not agree to share it.
    phone: Option<String>,
}

/// What the person answers.
#[derive(Deserialize)]
struct Consent {
    share: bool,
}

impl<H: Host> Tool<H> for ContactOfCustomer {
    const NAME: &'static str = "contact_of_customer";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Contact of a customer",
            "Company of a customer number, with the name and the telephone number of its contact. \
             Asks the person first; without their consent only the company is given.",
        )
        .returns::<Contact>()
    }

    fn call(&self, host: &H, arguments: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        // The call is made twice, and each time from the beginning: first it ends
        // with the question, then it has the answer.
        let contact = find(host, &arguments.customer)?;
        let answer = Answers::of(host).form::<Consent>(KEY);
        let shared = match answer {
            Some(Answer::Accepted(consent)) => consent.share,
            Some(Answer::Declined | Answer::Cancelled) => false,
            None if host.can_ask(Ability::Elicitation) => return Ok(question(&contact.company)),
            // Nobody there who could agree.
            None => false,
        };
        Reply::json(&Contact {
            company: contact.company,
            contact: contact.contact.filter(|_| shared),
            phone: contact.phone.filter(|_| shared),
        })
    }
}

fn question<C>(company: &str) -> Reply<C> {
    Ask::new()
        .form(
            KEY,
            &format!("Share the contact at {company} with the assistant?"),
            &json!({
                "type": "object",
                "properties": {
                    "share": {"type": "boolean", "title": "Share name and telephone number"}
                },
                "required": ["share"]
            }),
        )
        .reply()
}

fn find<H: Host>(host: &H, customer: &str) -> Result<Contact, Failure> {
    let cursor = host.query(
        DEFAULT_DATABASE,
        SQL,
        &[text_param("customer", customer)],
        None,
    )?;
    let rows = cursor.next(1)?.rows;
    let Some(row) = rows.first() else {
        return Err(Failure::problem(
            "not-found",
            format!("There is no customer {customer}."),
            "find_orders takes a company's name.",
        ));
    };
    let [Value::Text(company), contact, phone] = row.as_slice() else {
        return Err(unexpected());
    };
    Ok(Contact {
        company: company.clone(),
        contact: text(contact),
        phone: text(phone),
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// Of the question among those of the call.
const KEY: &str = "consent";

const SQL: &str = "
SELECT CompanyName, ContactName, Phone FROM dbo.Customers WHERE CustomerID = @customer";
