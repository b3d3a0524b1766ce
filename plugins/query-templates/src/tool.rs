//! Templates as tools.

use std::collections::HashMap;
use std::sync::Arc;

use mssql_mcp_sdk::{
    Access, Execute, Failure, FieldError, Host, OutputShape, Param, Reply, ToolEntry, UntypedTool,
};
use serde_json::value::RawValue;

use crate::schema;
use crate::template::Template;

/// A template with a SELECT.
pub(crate) struct Read(pub(crate) Arc<Template>);

/// A template that changes data.
pub(crate) struct Write(pub(crate) Arc<Template>);

impl<H: Host> UntypedTool<H> for Read {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn describe(&self) -> ToolEntry {
        entry(&self.0)
    }

    fn call_json(&self, host: &H, arguments: &str) -> Result<Reply<H::Cursor>, Failure> {
        let Template {
            database,
            sql,
            options,
            ..
        } = &*self.0;
        let params = bind(&self.0, arguments)?;
        Ok(Reply::rows(host.query(
            database,
            sql,
            &params,
            Some(*options),
        )?))
    }
}

impl<H: Execute> UntypedTool<H> for Write {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn describe(&self) -> ToolEntry {
        entry(&self.0)
    }

    fn call_json(&self, host: &H, arguments: &str) -> Result<Reply<H::Cursor>, Failure> {
        let Template {
            database,
            sql,
            options,
            ..
        } = &*self.0;
        let params = bind(&self.0, arguments)?;
        let affected = host.execute_within(database, sql, &params, Some(*options))?;
        Ok(Reply::json_text(format!(
            "{{\"rows_affected\":{affected}}}"
        )))
    }
}

fn entry(template: &Template) -> ToolEntry {
    ToolEntry {
        name: template.name.clone(),
        title: template.title.clone(),
        description: template.description.clone(),
        access: template.access,
        input_schema: schema::of(&template.parameters),
        output: Some(match template.access {
            Access::Read => OutputShape::Rows(template.rows),
            Access::Write => OutputShape::Schema(COUNT.to_owned()),
        }),
        annotations: template.annotations,
        icons: Vec::new(),
        meta: None,
    }
}

/// The arguments as parameters, or all that is wrong with them.
fn bind(template: &Template, arguments: &str) -> Result<Vec<Param>, Failure> {
    let given: HashMap<String, &RawValue> = serde_json::from_str(arguments)
        .map_err(|error| Failure::argument("", error.to_string()))?;
    let mut errors = Vec::new();
    for name in given.keys() {
        if !template.parameters.iter().any(|known| known.name == *name) {
            errors.push(wrong(name, "is not an argument of this tool".to_owned()));
        }
    }
    let mut params = Vec::with_capacity(template.parameters.len());
    for parameter in &template.parameters {
        match parameter.bind(given.get(&parameter.name).copied()) {
            Ok(param) => params.push(param),
            Err(message) => errors.push(wrong(&parameter.name, message)),
        }
    }
    if errors.is_empty() {
        Ok(params)
    } else {
        Err(Failure::InvalidArguments(errors))
    }
}

fn wrong(name: &str, message: String) -> FieldError {
    FieldError {
        path: format!("/{name}"),
        message,
    }
}

const COUNT: &str = r#"{"type":"object","properties":{"rows_affected":{"type":"integer"}},"required":["rows_affected"]}"#;
