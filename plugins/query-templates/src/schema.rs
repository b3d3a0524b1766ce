//! The JSON Schema of a tool's arguments, in the order of the file.

use crate::decimal;
use crate::kind::quoted;
use crate::parameter::Parameter;

/// A closed object with one property a parameter.
pub(crate) fn of(parameters: &[Parameter]) -> String {
    let mut properties = Object::default();
    for parameter in parameters {
        properties.member(&parameter.name, &property(parameter));
    }
    let required = parameters.iter().filter(|parameter| parameter.required);
    let required: Vec<_> = required.map(|parameter| quoted(&parameter.name)).collect();
    let mut schema = Object::default();
    schema.text("type", "object");
    schema.member("properties", &properties.close());
    schema.member("required", &list(&required));
    schema.member("additionalProperties", "false");
    schema.close()
}

fn property(parameter: &Parameter) -> String {
    // Whoever leaves an argument out may as well say null.
    let nullable = !parameter.required && parameter.default.is_none();
    let mut schema = Object::default();
    if parameter.array {
        schema.member("type", &types(&["array"], nullable));
    } else {
        schema.member("type", &types(parameter.kind.json_types(), nullable));
    }
    schema.text("description", &parameter.description);
    if parameter.array {
        let mut items = Object::default();
        items.member("type", &types(parameter.kind.json_types(), false));
        limits(&mut items, parameter, false);
        schema.member("items", &items.close());
        schema.count("minItems", parameter.min_items);
        schema.count("maxItems", parameter.max_items);
    } else {
        limits(&mut schema, parameter, nullable);
    }
    if let Some(default) = &parameter.default {
        schema.member("default", default.get());
    }
    schema.close()
}

fn limits(schema: &mut Object, parameter: &Parameter, nullable: bool) {
    let limits = &parameter.limits;
    if let Some((key, form)) = parameter.kind.form() {
        schema.text(key, form);
    }
    if !limits.any_of.is_empty() {
        let mut values: Vec<_> = limits
            .any_of
            .iter()
            .map(|json| json.get().to_owned())
            .collect();
        if nullable {
            values.push("null".to_owned());
        }
        schema.member("enum", &list(&values));
    }
    for (key, bound) in [("minimum", &limits.min), ("maximum", &limits.max)] {
        if let Some(bound) = bound {
            schema.member(key, &decimal::number(bound.get().trim_matches('"')));
        }
    }
    schema.count("minLength", limits.min_length);
    schema.count("maxLength", limits.max_length);
    if let Some(pattern) = &limits.pattern {
        schema.text("pattern", pattern);
    }
}

fn types(names: &[&str], nullable: bool) -> String {
    let null = nullable.then_some("null");
    let names: Vec<_> = names.iter().copied().chain(null).map(quoted).collect();
    match names.as_slice() {
        [name] => name.clone(),
        names => list(names),
    }
}

fn list(values: &[String]) -> String {
    format!("[{}]", values.join(","))
}

/// A JSON object whose members keep their order.
#[derive(Default)]
struct Object(Vec<String>);

impl Object {
    fn member(&mut self, key: &str, json: &str) {
        self.0.push(format!("{}:{json}", quoted(key)));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.member(key, &quoted(text));
    }

    fn count(&mut self, key: &str, count: Option<u32>) {
        if let Some(count) = count {
            self.member(key, &count.to_string());
        }
    }

    fn close(self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}
