//! Names, ids, the session and the server: functions and `@@` variables.

use super::{Compiler, Typed, literal};
use crate::engine::error::{Result, unsupported};
use crate::engine::types;
use crate::value::{Length, SqlType, Value};

const NAME: SqlType = SqlType::NVarChar(Length::Limited(128));

impl Compiler<'_> {
    /// `@@NAME`, or None where it is a variable of the batch.
    pub(super) fn system_variable(&self, name: &str) -> Option<Typed> {
        let context = self.context;
        let int = |i: i64| Some(Typed::constant(Value::Int(i), SqlType::Int));
        let text = |t: &str| {
            Some(Typed {
                nullable: false,
                ..named(t, types::text_type(true, Some(300)))
            })
        };
        match name.to_ascii_uppercase().as_str() {
            "@@VERSION" => text(VERSION),
            "@@ROWCOUNT" => int(context.row_count),
            "@@TRANCOUNT" => int(context.transactions.into()),
            "@@SPID" => Some(Typed::constant(
                Value::Int(context.spid.into()),
                SqlType::SmallInt,
            )),
            "@@ERROR" | "@@FETCH_STATUS" | "@@NESTLEVEL" => int(0),
            "@@LANGUAGE" => text("us_english"),
            "@@SERVERNAME" => text(SERVER),
            "@@SERVICENAME" => text("embedded"),
            "@@DATEFIRST" => Some(Typed::constant(Value::Int(7), SqlType::TinyInt)),
            "@@MAX_PRECISION" => Some(Typed::constant(Value::Int(38), SqlType::TinyInt)),
            "@@LOCK_TIMEOUT" => int(-1),
            "@@TEXTSIZE" => int(i32::MAX.into()),
            "@@IDENTITY" => Some(self.identity()),
            _ => None,
        }
    }

    /// CURRENT_USER and others that take no parentheses.
    pub(super) fn niladic(&self, name: &str) -> Option<Typed> {
        match name.to_ascii_uppercase().as_str() {
            "CURRENT_TIMESTAMP" => Some(self.now("CURRENT_TIMESTAMP")),
            "CURRENT_USER" | "SESSION_USER" | "USER" => Some(named("dbo", NAME)),
            "SYSTEM_USER" => Some(named(&self.context.user, NAME)),
            _ => None,
        }
    }

    /// A function about the server, or None where the name is another's.
    pub(super) fn metadata_call(&mut self, name: &str, values: &[Typed]) -> Result<Option<Typed>> {
        let context = self.context;
        let int = |i: i64| Typed {
            nullable: true,
            ..Typed::constant(Value::Int(i), SqlType::Int)
        };
        let null = |t| Typed::constant(Value::Null, t);
        Ok(Some(match (name, values) {
            ("DB_NAME", []) => named(&self.catalog.database, NAME),
            ("DB_NAME", [_]) => return Err(unsupported("DB_NAME of an id")),
            ("DB_ID", []) => Typed::constant(Value::Int(5), SqlType::SmallInt),
            ("SUSER_SNAME" | "SUSER_NAME" | "ORIGINAL_LOGIN" | "SYSTEM_USER", []) => {
                named(&context.user, NAME)
            }
            ("USER_NAME" | "CURRENT_USER" | "SESSION_USER" | "USER", []) => named("dbo", NAME),
            ("SCHEMA_NAME", []) => named("dbo", NAME),
            ("HOST_NAME" | "APP_NAME", []) => named("", NAME),
            ("XACT_STATE", []) => Typed::constant(
                Value::Int(i64::from(context.transactions > 0)),
                SqlType::SmallInt,
            ),
            ("SCOPE_IDENTITY", []) => self.identity(),
            ("ROWCOUNT_BIG", []) => Typed::constant(Value::Int(context.row_count), SqlType::BigInt),
            ("SESSION_CONTEXT", [key]) => {
                let Some(Value::Text(key)) = &key.constant else {
                    return Err(unsupported(
                        "SESSION_CONTEXT with a key that is not a constant",
                    ));
                };
                let found = context
                    .session_values
                    .iter()
                    .find(|(k, ..)| k.eq_ignore_ascii_case(key));
                match found {
                    Some((_, value, _)) => Typed::constant(value.clone(), SqlType::Variant),
                    None => null(SqlType::Variant),
                }
            }
            ("IS_SRVROLEMEMBER", [_, ..]) => int(0),
            ("IS_MEMBER" | "IS_ROLEMEMBER", [role, ..]) => {
                let role = match &role.constant {
                    Some(Value::Text(role)) => role.to_ascii_lowercase(),
                    _ => return Err(unsupported("a role that is not a constant")),
                };
                int(i64::from(
                    role == "public"
                        || role == "db_datareader"
                        || (role == "db_datawriter" && context.may_write),
                ))
            }
            ("HAS_PERMS_BY_NAME", [securable, class, permission, ..]) => {
                self.has_permission(securable, class, permission)?
            }
            ("SERVERPROPERTY", [property]) => {
                let Some(Value::Text(property)) = &property.constant else {
                    return Err(unsupported(
                        "SERVERPROPERTY of a name that is not a constant",
                    ));
                };
                let text = |t: &str| Value::Variant(Box::new((NAME, Value::Text(t.to_owned()))));
                let number = |i: i64| Value::Variant(Box::new((SqlType::Int, Value::Int(i))));
                let value = match property.to_ascii_lowercase().as_str() {
                    "productversion" => text(PRODUCT),
                    "productmajorversion" => text("16"),
                    "productlevel" => text("RTM"),
                    "edition" => text("Embedded database of mssql-mcp"),
                    "engineedition" => number(3),
                    "servername" | "machinename" => text(SERVER),
                    "collation" => text("SQL_Latin1_General_CP1_CI_AS"),
                    "isclustered"
                    | "ishadrenabled"
                    | "isfulltextinstalled"
                    | "isintegratedsecurityonly" => number(0),
                    _ => Value::Null,
                };
                Typed {
                    nullable: true,
                    ..Typed::constant(value, SqlType::Variant)
                }
            }
            ("DATABASEPROPERTYEX", [_, property]) => {
                let Some(Value::Text(property)) = &property.constant else {
                    return Err(unsupported(
                        "DATABASEPROPERTYEX of a name that is not a constant",
                    ));
                };
                let value = match property.to_ascii_lowercase().as_str() {
                    "collation" => "SQL_Latin1_General_CP1_CI_AS",
                    "status" => "ONLINE",
                    "updateability" => "READ_WRITE",
                    "useraccess" => "MULTI_USER",
                    "recovery" => "SIMPLE",
                    _ => return Ok(Some(null(SqlType::Variant))),
                };
                Typed {
                    nullable: true,
                    ..Typed::constant(
                        Value::Variant(Box::new((NAME, Value::Text(value.into())))),
                        SqlType::Variant,
                    )
                }
            }
            ("OBJECT_ID", [object, ..]) => {
                let key = format!("t_object({}) COLLATE ci_as", object.sql);
                self.look_up(&["sys.objects", "sys.tables"], "object_id", SqlType::Int, |c, t| {
                    let (s, n) = (c.system_column("sys.schemas", "schema_id")?, c.system_column("sys.schemas", "name")?);
                    let (schema, name) = (c.system_column(t, "schema_id")?, c.system_column(t, "name")?);
                    Ok(format!("((SELECT s.{n} FROM \"sys.schemas\" AS s WHERE s.{s} = o.{schema}) || '.' || o.{name}) = {key}"))
                })?
            }
            ("OBJECT_NAME", [id, ..]) => {
                let id = id.sql.clone();
                self.look_up(&["sys.objects", "sys.tables"], "name", NAME, |c, t| {
                    Ok(format!("o.{} = {id}", c.system_column(t, "object_id")?))
                })?
            }
            ("OBJECT_SCHEMA_NAME", [id, ..]) => {
                let id = id.sql.clone();
                let schema = self.look_up(
                    &["sys.objects", "sys.tables"],
                    "schema_id",
                    SqlType::Int,
                    |c, t| Ok(format!("o.{} = {id}", c.system_column(t, "object_id")?)),
                )?;
                self.look_up(&["sys.schemas"], "name", NAME, |c, t| {
                    Ok(format!(
                        "o.{} = {}",
                        c.system_column(t, "schema_id")?,
                        schema.sql
                    ))
                })?
            }
            ("SCHEMA_NAME", [id]) => {
                let id = id.sql.clone();
                self.look_up(&["sys.schemas"], "name", NAME, |c, t| {
                    Ok(format!("o.{} = {id}", c.system_column(t, "schema_id")?))
                })?
            }
            ("SCHEMA_ID", [schema]) => {
                let schema = schema.sql.clone();
                self.look_up(&["sys.schemas"], "schema_id", SqlType::Int, |c, t| {
                    Ok(format!(
                        "o.{} = {schema} COLLATE ci_as",
                        c.system_column(t, "name")?
                    ))
                })?
            }
            ("TYPE_NAME", [id]) => {
                let id = id.sql.clone();
                self.look_up(&["sys.types"], "name", NAME, |c, t| {
                    Ok(format!("o.{} = {id}", c.system_column(t, "user_type_id")?))
                })?
            }
            ("COL_NAME", [table, column]) => {
                let (table, column) = (table.sql.clone(), column.sql.clone());
                self.look_up(&["sys.columns"], "name", NAME, |c, t| {
                    Ok(format!(
                        "o.{} = {table} AND o.{} = {column}",
                        c.system_column(t, "object_id")?,
                        c.system_column(t, "column_id")?
                    ))
                })?
            }
            (
                "COLUMNPROPERTY" | "OBJECTPROPERTY" | "OBJECTPROPERTYEX" | "INDEXPROPERTY"
                | "TYPEPROPERTY" | "COL_LENGTH" | "OBJECT_DEFINITION",
                _,
            ) => self.property(name, values)?,
            _ => return Ok(None),
        }))
    }

    fn property(&mut self, name: &str, values: &[Typed]) -> Result<Typed> {
        let ("COLUMNPROPERTY", [table, column, property]) = (name, values) else {
            return Err(unsupported(format_args!("the function {name}")));
        };
        let Some(Value::Text(property)) = &property.constant else {
            return Err(unsupported("a property that is not a constant"));
        };
        let wanted = match property.to_ascii_lowercase().as_str() {
            "isidentity" => "is_identity",
            "allowsnull" => "is_nullable",
            "iscomputed" => "is_computed",
            "columnid" => "column_id",
            other => return Err(unsupported(format_args!("COLUMNPROPERTY {other}"))),
        };
        let (table, column) = (table.sql.clone(), column.sql.clone());
        self.look_up(&["sys.columns"], wanted, SqlType::Int, |c, t| {
            Ok(format!(
                "o.{} = {table} AND o.{} = {column} COLLATE ci_as",
                c.system_column(t, "object_id")?,
                c.system_column(t, "name")?
            ))
        })
    }

    /// A scalar read from the first of some catalogue views that exists.
    fn look_up(
        &self,
        tables: &[&'static str],
        wanted: &str,
        sql_type: SqlType,
        filter: impl Fn(&Self, &'static str) -> Result<String>,
    ) -> Result<Typed> {
        let table = tables
            .iter()
            .find(|t| {
                t.split_once('.')
                    .is_some_and(|(s, n)| self.catalog.table(s, n).is_some())
            })
            .ok_or_else(|| {
                unsupported(format_args!(
                    "a function that reads {}",
                    tables.join(" or ")
                ))
            })?;
        let column = self.system_column(table, wanted)?;
        Ok(Typed::new(
            format!(
                "(SELECT o.{column} FROM \"{table}\" AS o WHERE {})",
                filter(self, table)?
            ),
            sql_type,
            true,
        ))
    }

    fn system_column(&self, table: &str, column: &str) -> Result<String> {
        let (schema, name) = table.split_once('.').unwrap_or(("sys", table));
        self.catalog
            .table(schema, name)
            .and_then(|t| t.column(column))
            .map(|(i, _)| format!("c{i}"))
            .ok_or_else(|| unsupported(format_args!("a function that reads {table}.{column}")))
    }

    fn identity(&self) -> Typed {
        let sql_type = SqlType::Decimal {
            precision: 38,
            scale: 0,
        };
        match self.context.identity {
            Some(i) => Typed {
                nullable: true,
                ..Typed::constant(Value::Decimal(i.into()), sql_type)
            },
            None => Typed::constant(Value::Null, sql_type),
        }
    }

    fn has_permission(
        &self,
        securable: &Typed,
        class: &Typed,
        permission: &Typed,
    ) -> Result<Typed> {
        let text = |t: &Typed| match &t.constant {
            Some(Value::Text(text)) => Ok(Some(text.to_ascii_uppercase())),
            Some(Value::Null) => Ok(None),
            _ => Err(unsupported(
                "HAS_PERMS_BY_NAME with arguments that are not constants",
            )),
        };
        let answer = |allowed: Option<bool>| match allowed {
            Some(allowed) => Typed {
                nullable: true,
                ..Typed::constant(Value::Int(allowed.into()), SqlType::Int)
            },
            None => Typed::constant(Value::Null, SqlType::Int),
        };
        let (class, permission) = (text(class)?, text(permission)?);
        let Some(permission) = permission else {
            return Ok(answer(None));
        };
        let reads = matches!(
            permission.as_str(),
            "SELECT" | "VIEW DEFINITION" | "CONNECT"
        );
        let writes = matches!(permission.as_str(), "INSERT" | "UPDATE" | "DELETE");
        if class.as_deref() == Some("OBJECT") {
            let name = text(securable)?.unwrap_or_default().replace(['[', ']'], "");
            let names: Vec<&str> = name.split('.').collect();
            let known = self
                .resolve(&names)
                .is_ok_and(|(s, t)| self.catalog.has(&s, &t));
            if !known {
                return Ok(answer(None));
            }
        }
        Ok(answer(Some(reads || (writes && self.context.may_write))))
    }
}

fn named(text: &str, sql_type: SqlType) -> Typed {
    Typed {
        sql_type,
        nullable: true,
        ..literal::string(text, true)
    }
}

/// What `@@VERSION` says.
const VERSION: &str = concat!(
    "The embedded database of mssql-mcp ",
    env!("CARGO_PKG_VERSION"),
    " (not Microsoft SQL Server; T-SQL over SQLite, for demonstrations and tests)"
);

/// The version whose dialect is followed.
const PRODUCT: &str = "16.0.1000.6";

const SERVER: &str = "embedded";
