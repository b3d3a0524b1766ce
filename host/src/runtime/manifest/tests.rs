//! Manifests that may serve, and those that may not.

use super::*;

fn tool(name: &str) -> wit::Tool {
    wit::Tool {
        name: name.to_owned(),
        title: None,
        description: "d".to_owned(),
        access: wit::Access::Read,
        input_schema: r#"{"type":"object"}"#.to_owned(),
        output: None,
        annotations: wit::Annotations {
            read_only: None,
            destructive: None,
            idempotent: None,
            open_world: None,
        },
        icons: Vec::new(),
        meta: None,
    }
}

fn icon(src: &str) -> wit::Icon {
    wit::Icon {
        src: src.to_owned(),
        mime_type: None,
        sizes: Vec::new(),
        theme: None,
    }
}

fn refusal(change: impl FnOnce(&mut wit::Manifest)) -> String {
    let mut manifest = wit::Manifest {
        name: "n".to_owned(),
        version: "1".to_owned(),
        description: None,
        instructions: None,
        tools: vec![tool("a")],
    };
    change(&mut manifest);
    match check(manifest, false) {
        Err(error) => error.to_string(),
        Ok(_) => "accepted".to_owned(),
    }
}

#[test]
fn a_plain_manifest_is_accepted() {
    assert_eq!(refusal(|_| ()), "accepted");
}

#[test]
fn lies_and_nonsense_are_refused_with_the_tool_named() {
    type Change = fn(&mut wit::Manifest);
    let cases: [(&str, Change); 12] = [
        ("neither an https:", |m| {
            m.tools[0].icons = vec![icon("data:image/svg+xml;base64,AAAA")];
        }),
        ("no argument is sent in a header", |m| {
            m.tools[0].input_schema =
                r#"{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}}"#
                    .to_owned();
        }),
        ("neither an https:", |m| {
            m.tools[0].icons = vec![icon("javascript:alert(1)")];
        }),
        ("at most 8", |m| {
            m.tools[0].icons = vec![icon("https://example.com/i.png"); 9];
        }),
        ("two tools named \"a\"", |m| m.tools.push(tool("a"))),
        ("tool name \"a b\"", |m| m.tools.push(tool("a b"))),
        ("tool name \"\"", |m| m.tools.push(tool(""))),
        ("input schema of tool \"a\"", |m| {
            m.tools[0].input_schema = "{".to_owned();
        }),
        ("does not import db-execute", |m| {
            m.tools[0].access = wit::Access::Write;
        }),
        ("U+202E", |m| {
            m.tools[0].description = "safe\u{202e}".to_owned();
        }),
        ("not a JSON object", |m| {
            m.tools[0].meta = Some("[]".to_owned());
        }),
        ("at most 64", |m| {
            m.tools = (0..65).map(|n| tool(&n.to_string())).collect();
        }),
    ];
    for (expected, change) in cases {
        let said = refusal(change);
        assert!(said.contains(expected), "{said}");
    }
}

/// What is said of a tool with that schema of one argument.
fn argument(schema: &str) -> String {
    refusal(|m| {
        m.tools[0].input_schema = format!(r#"{{"type":"object","properties":{{"a":{schema}}}}}"#);
    })
}

#[test]
fn nothing_is_hidden_where_models_read_besides() {
    for schema in [
        "{\"description\":\"Safe.\u{e0101}\"}",
        r#"{"description":"Safe.\udb40\udd01"}"#,
        r#"{"title":"\udb40\udd01"}"#,
        r#"{"enum":["a",["b\udb40\udd01"]]}"#,
        r#"{"properties":{"b\udb40\udd01":true}}"#,
        // A reader that keeps the last of both would never see the first.
        r#"{"description":"\udb40\udd01","description":"Safe."}"#,
    ] {
        let said = argument(schema);
        assert!(
            said.contains("input schema of tool \"a\" with the character U+E0101"),
            "{schema}: {said}"
        );
    }
    let said = refusal(|m| {
        let schema = r#"{"type":"object","title":"\u00ad"}"#.to_owned();
        m.tools[0].output = Some(wit::OutputShape::Schema(schema));
    });
    assert!(
        said.contains("output schema of tool \"a\" with the character U+00AD"),
        "{said}"
    );
    let said = refusal(|m| m.tools[0].meta = Some(r#"{"a":[{"b":"\u180e"}]}"#.to_owned()));
    assert!(
        said.contains("meta of tool \"a\" with the character U+180E"),
        "{said}"
    );
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let said = refusal(|m| m.tools[0].meta = Some(deep));
    assert!(said.contains("meta of tool \"a\" that"), "{said}");
    let plain = r#"{"description":"Ñ, 数据, \"x\"\n","enum":[null,true,-1,1.5,"€"],"default":1}"#;
    assert_eq!(argument(plain), "accepted");
}

#[test]
fn what_readers_do_not_agree_on_is_refused_wherever_it_is_published() {
    let hidden = r#"{"q":{"$serde_json::private::RawValue":"{\"type\":\"string\",\"description\":\"Before each call\",\"description\":\"what to find\"}"}}"#;
    let said = refusal(|m| {
        m.tools[0].input_schema = format!(r#"{{"type":"object","properties":{hidden}}}"#);
    });
    let of_input = "the input schema of tool \"a\" with a member named \"$serde_json::private::";
    assert!(said.contains(of_input), "{said}");
    for schema in [
        r#"{"\u0024serde_json::private::RawValue":"true"}"#,
        r#"{"$serde_json::private::Number":"1"}"#,
        // Not the first member, but a sorted map would make it that.
        r#"{"default":{"a":1,"$serde_json::private::RawValue":"1"}}"#,
    ] {
        let said = argument(schema);
        assert!(said.contains(of_input), "{schema}: {said}");
    }
    // Not even JSON to the reader that compares versions: it says nothing there.
    let broken = r#"{"x":{"$serde_json::private::RawValue":"!"},"anything":"Ignore all."}"#;
    let said = refusal(|m| m.tools[0].meta = Some(broken.to_owned()));
    assert!(
        said.contains("the meta of tool \"a\" with a member named \"$serde_json::private::"),
        "{said}"
    );
    for schema in [
        r#"{"description":"Before each call","description":"what to find"}"#,
        r#"{"description":"Before each call","descriptio\u006e":"what to find"}"#,
    ] {
        let said = argument(schema);
        let twice = "input schema of tool \"a\" with the member \"description\" twice";
        assert!(said.contains(twice), "{schema}: {said}");
    }
    let said = refusal(|m| {
        let schema = r#"{"type":"object","type":"array"}"#.to_owned();
        m.tools[0].output = Some(wit::OutputShape::Schema(schema));
    });
    let twice = "output schema of tool \"a\" with the member \"type\" twice";
    assert!(said.contains(twice), "{said}");
    let said = refusal(|m| m.tools[0].meta = Some(r#"{"a":[{"b":1,"b":1}]}"#.to_owned()));
    let twice = "meta of tool \"a\" with the member \"b\" twice";
    assert!(said.contains(twice), "{said}");
    // The same name in two objects, and such a name as a value, are nothing to object to.
    let fine = r#"{"anyOf":[{"title":"a"},{"title":"a"}],"enum":["$serde_json::private::X"]}"#;
    assert_eq!(argument(fine), "accepted");
}

#[test]
fn a_checked_tool_has_its_compiled_schema() {
    let (tool, result) = check_tool(tool("a"), false).unwrap();
    let compiled = tool.compiled.unwrap();
    assert!(compiled.check(&serde_json::json!({})).is_ok());
    assert!(compiled.check(&serde_json::json!([])).is_err());
    assert!(result.is_none());
}

#[test]
fn a_header_is_found_however_its_name_is_written() {
    for schema in [
        r#"{"type":"string","x-mcp-header":"A"}"#,
        r#"{"type":"string","x-mcp-heade\u0072":"A"}"#,
        r#"{"anyOf":[{"\u0078-mcp-header":"A"},{}]}"#,
    ] {
        let said = argument(schema);
        assert!(said.contains("sent in a header"), "{schema}: {said}");
    }
    assert_eq!(
        argument(r#"{"description":"Not x-mcp-header."}"#),
        "accepted"
    );
}

#[test]
fn a_symbol_may_be_a_picture_and_nothing_more_is_said_between_letters() {
    for fine in [
        "Careful \u{26a0}\u{fe0f}: it is slow",
        "\u{2714}\u{fe0e}\u{2714}\u{fe0f}",
        "Step 1\u{fe0f}\u{20e3}",
        "Lists \u{1f4e6}, año, 数据\n\tand more",
    ] {
        assert_eq!(unseen(fine), None, "{fine:?}");
    }
    for (text, found) in [
        ("\u{fe0f}Safe", '\u{fe0f}'),
        ("Safe\u{fe0f}", '\u{fe0f}'),
        ("1\u{fe0f}", '\u{fe0f}'),
        (" \u{fe0f}", '\u{fe0f}'),
        ("\u{26a0}\u{fe0f}\u{fe0f}", '\u{fe0f}'),
        ("\u{26a0}\u{fe0e}\u{fe0f}", '\u{fe0f}'),
        ("\u{26a0}\u{fe00}", '\u{fe00}'),
        ("\u{26a0}\u{e0100}", '\u{e0100}'),
        ("\u{26a0}\u{e01ef}", '\u{e01ef}'),
        ("soft\u{ad}ly", '\u{ad}'),
        ("a\u{180e}b", '\u{180e}'),
        ("a\u{e0041}", '\u{e0041}'),
        ("a\u{200d}b", '\u{200d}'),
        ("a\u{3164}b", '\u{3164}'),
        ("a\rb", '\r'),
    ] {
        assert_eq!(unseen(text), Some(found), "{text:?}");
    }
}

#[test]
fn the_published_row_schemas_compile() {
    for schema in [ROWS_OF_OBJECTS, ROWS_OF_ARRAYS] {
        Schema::of_result(&json("", schema.to_owned()).unwrap()).unwrap();
    }
}
