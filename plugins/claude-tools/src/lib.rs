//! Tool set for Claude: list_tables, describe_table, execute_sql, get_table_sample.
