//! The contract changes only so that what was built against an older version goes
//! on: what guests export stays as it is, what they import may gain functions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use wit_parser::{
    Function, Handle, InterfaceId, Resolve, SourceMap, Type, TypeDef, TypeDefKind, TypeId,
    TypeOwner, WorldId, WorldKey,
};

use super::versions;

#[test]
fn nothing_changed_under_tool_sets_that_are_built() {
    let now = Contract::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit"));
    for version in versions() {
        let broken = Contract::read(&version.join("wit")).broken_by(&now);
        assert!(
            broken.is_empty(),
            "tool sets built for {} do not run on this contract; what is new needs a new name:\n{}",
            version.display(),
            broken.join("\n")
        );
    }
}

#[test]
fn a_change_that_breaks_is_told_from_one_that_does_not() {
    let contract = |imported: &str, exported: &str| {
        let mut sources = SourceMap::new();
        sources.push_str(
            "contract.wit",
            format!(
                "package mssql-mcp:tools@1.0.0;
                 interface imported {{ record r {{ a: u8 }} {imported} f: func(r: r); }}
                 interface exported {{ {exported} g: func() -> string; }}
                 world w {{ import imported; export exported; }}"
            ),
        );
        Contract::of(sources, Vec::new())
    };
    let first = contract("", "");
    for (imported, exported) in [("g: func();", ""), ("enum e { a }", "")] {
        let broken = first.broken_by(&contract(imported, exported));
        assert_eq!(broken, Vec::<String>::new(), "{imported} {exported}");
    }
    for (second, said) in [
        (contract("", "h: func();"), "exported@1 gained h"),
        (Contract::default(), "imported@1 is gone"),
    ] {
        let broken = first.broken_by(&second);
        assert!(broken.iter().any(|line| line.contains(said)), "{broken:?}");
    }
    let record = |fields: &str| contract(&format!("record s {{ {fields} }}"), "");
    assert_eq!(
        record("a: u8").broken_by(&record("a: u8, b: u8")),
        ["mssql-mcp:tools/imported@1: s = record { a: u8 } is now s = record { a: u8, b: u8 }"]
    );
    let more = contract("g: func();", "");
    assert_eq!(
        more.broken_by(&first),
        ["mssql-mcp:tools/imported@1: g is gone"]
    );
}

/// What each interface and world has, by its name with the major version.
#[derive(Default)]
struct Contract(BTreeMap<String, Shape>);

struct Shape {
    /// It may not gain anything.
    closed: bool,
    /// How each of its items is declared.
    items: BTreeMap<String, String>,
}

impl Contract {
    /// Of `wit/`: a package there, and one in each folder of `deps/`.
    fn read(folder: &Path) -> Self {
        let dependencies = entries(&folder.join("deps"));
        let dependencies = dependencies.iter().map(|path| sources(path)).collect();
        Self::of(sources(folder), dependencies)
    }

    fn of(main: SourceMap, dependencies: Vec<SourceMap>) -> Self {
        let parsed = |sources: SourceMap| match sources.parse() {
            Ok(package) => package,
            Err((_, error)) => panic!("{error}"),
        };
        let dependencies = dependencies.into_iter().map(parsed).collect();
        let mut resolve = Resolve::default();
        resolve
            .push_groups(parsed(main), dependencies)
            .expect("a good contract");
        let text = Text(&resolve);
        let interfaces = resolve.interfaces.iter().map(|(id, _)| text.interface(id));
        let worlds = resolve.worlds.iter().map(|(id, _)| text.world(id));
        Self(interfaces.chain(worlds).collect())
    }

    /// What guests built for this one miss in `now`, or have that it did not.
    fn broken_by(&self, now: &Self) -> Vec<String> {
        let mut broken = Vec::new();
        for (name, before) in &self.0 {
            let Some(after) = now.0.get(name) else {
                broken.push(format!("{name} is gone"));
                continue;
            };
            for (item, declared) in &before.items {
                match after.items.get(item) {
                    Some(found) if found == declared => {}
                    Some(found) => broken.push(format!("{name}: {declared} is now {found}")),
                    None => broken.push(format!("{name}: {item} is gone")),
                }
            }
            let gained = after.items.keys().filter(|item| {
                (before.closed || item.starts_with("export ")) && !before.items.contains_key(*item)
            });
            broken.extend(gained.map(|item| format!("{name} gained {item}")));
        }
        broken
    }
}

/// Declarations as text that is the same where they mean the same.
struct Text<'a>(&'a Resolve);

impl Text<'_> {
    fn interface(&self, id: InterfaceId) -> (String, Shape) {
        let interface = &self.0.interfaces[id];
        let types = interface
            .types
            .iter()
            .map(|(name, id)| (name.clone(), self.definition(&self.0.types[*id])));
        let functions = interface
            .functions
            .iter()
            .map(|(name, function)| (name.clone(), self.function(function)));
        let name = self.0.canonicalized_id_of(id).expect("a name");
        let shape = Shape {
            closed: self.is_exported(id),
            items: types.chain(functions).collect(),
        };
        (name, shape)
    }

    fn world(&self, id: WorldId) -> (String, Shape) {
        let world = &self.0.worlds[id];
        let package = world.package.expect("a package");
        let item = |direction: &str, key| {
            let name = self.0.name_world_key(key);
            (format!("{direction} {}", major(&name)), String::new())
        };
        let imports = world.imports.keys().map(|key| item("import", key));
        let exports = world.exports.keys().map(|key| item("export", key));
        let shape = Shape {
            closed: false,
            items: imports.chain(exports).collect(),
        };
        let name = self.0.canonicalized_id_of_name(package, &world.name);
        (format!("world {name}"), shape)
    }

    /// Guests have what a world exports, and the optional exports, which no world has:
    /// all that nothing imports.
    fn is_exported(&self, id: InterfaceId) -> bool {
        let mut imports = self.0.worlds.iter().flat_map(|(_, world)| &world.imports);
        !imports.any(|(key, _)| *key == WorldKey::Interface(id))
    }

    fn function(&self, function: &Function) -> String {
        let params = function
            .params
            .iter()
            .map(|param| format!("{}: {}", param.name, self.ty(&param.ty)));
        let params: Vec<String> = params.collect();
        let result = self.optional(function.result.as_ref());
        format!("{}({}) -> {result}", function.name, params.join(", "))
    }

    fn definition(&self, def: &TypeDef) -> String {
        let name = def.name.as_deref().unwrap_or_default();
        format!("{name} = {}", self.kind(&def.kind))
    }

    fn kind(&self, kind: &TypeDefKind) -> String {
        let list = |items: Vec<String>| items.join(", ");
        match kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields = fields.map(|field| format!("{}: {}", field.name, self.ty(&field.ty)));
                format!("record {{ {} }}", list(fields.collect()))
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases =
                    cases.map(|case| format!("{}({})", case.name, self.optional(case.ty.as_ref())));
                format!("variant {{ {} }}", list(cases.collect()))
            }
            TypeDefKind::Enum(cases) => {
                let names = cases.cases.iter().map(|case| case.name.clone());
                format!("enum {{ {} }}", list(names.collect()))
            }
            TypeDefKind::Tuple(tuple) => {
                let types = tuple.types.iter().map(|ty| self.ty(ty));
                format!("tuple<{}>", list(types.collect()))
            }
            TypeDefKind::Result(result) => {
                let (ok, err) = (result.ok.as_ref(), result.err.as_ref());
                format!("result<{}, {}>", self.optional(ok), self.optional(err))
            }
            TypeDefKind::Option(ty) => format!("option<{}>", self.ty(ty)),
            TypeDefKind::List(ty) => format!("list<{}>", self.ty(ty)),
            TypeDefKind::Type(ty) => self.ty(ty),
            TypeDefKind::Resource => "resource".to_owned(),
            TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", self.named(*id)),
            TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", self.named(*id)),
            other => panic!(
                "the contract has no {} yet: compare it here",
                other.as_str()
            ),
        }
    }

    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::Id(id) => self.named(*id),
            plain => format!("{plain:?}").to_lowercase(),
        }
    }

    /// By name, with the interface that it is from; what has none, as it is.
    fn named(&self, id: TypeId) -> String {
        let def = &self.0.types[id];
        let Some(name) = &def.name else {
            return self.kind(&def.kind);
        };
        match def.owner {
            TypeOwner::Interface(owner) => {
                let owner = self.0.canonicalized_id_of(owner).expect("a name");
                format!("{owner}.{name}")
            }
            _ => name.clone(),
        }
    }

    fn optional(&self, ty: Option<&Type>) -> String {
        ty.map_or_else(|| "_".to_owned(), |ty| self.ty(ty))
    }
}

/// The files of one package.
fn sources(folder: &Path) -> SourceMap {
    let mut sources = SourceMap::new();
    for path in entries(folder) {
        if path.extension().is_some_and(|extension| extension == "wit") {
            let text = fs::read_to_string(&path).expect("a file");
            sources.push_str(&path.display().to_string(), text);
        }
    }
    sources
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// `a:b/c@1` of `a:b/c@1.2.3`
fn major(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}
