//! What the catalogue is asked about one table, `@id`.

/// Seven result sets in one round trip: columns, keys, foreign keys, checks, indexes,
/// triggers, partitioning.
pub(super) const DETAILS: &str = "\
SELECT c.name, t.name, b.name, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity,
       d.definition, k.definition, CAST(e.value AS nvarchar(4000)), c.collation_name, c.is_sparse,
       k.is_persisted, CAST(n.seed_value AS nvarchar(40)), CAST(n.increment_value AS nvarchar(40)),
       CASE WHEN t.is_user_defined = 1 THEN s.name END, t.is_assembly_type
FROM sys.columns AS c
JOIN sys.types AS t ON t.user_type_id = c.user_type_id
LEFT JOIN sys.schemas AS s ON s.schema_id = t.schema_id
LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id
LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id
LEFT JOIN sys.computed_columns AS k ON k.object_id = c.object_id AND k.column_id = c.column_id
LEFT JOIN sys.identity_columns AS n ON n.object_id = c.object_id AND n.column_id = c.column_id
LEFT JOIN sys.extended_properties AS e
  ON e.class = 1 AND e.major_id = c.object_id AND e.minor_id = c.column_id
 AND e.name = N'MS_Description'
WHERE c.object_id = @id
ORDER BY c.column_id;
SELECT k.name, k.type, c.name
FROM sys.key_constraints AS k
JOIN sys.index_columns AS i ON i.object_id = k.parent_object_id AND i.index_id = k.unique_index_id
JOIN sys.columns AS c ON c.object_id = i.object_id AND c.column_id = i.column_id
WHERE k.parent_object_id = @id
ORDER BY k.name, i.key_ordinal;
SELECT f.object_id, f.parent_object_id, f.referenced_object_id, f.name,
       ps.name, pt.name, pc.name, rs.name, rt.name, rc.name,
       f.delete_referential_action_desc, f.update_referential_action_desc
FROM sys.foreign_keys AS f
JOIN sys.foreign_key_columns AS l ON l.constraint_object_id = f.object_id
JOIN sys.tables AS pt ON pt.object_id = f.parent_object_id
JOIN sys.schemas AS ps ON ps.schema_id = pt.schema_id
JOIN sys.columns AS pc ON pc.object_id = l.parent_object_id AND pc.column_id = l.parent_column_id
JOIN sys.tables AS rt ON rt.object_id = f.referenced_object_id
JOIN sys.schemas AS rs ON rs.schema_id = rt.schema_id
JOIN sys.columns AS rc
  ON rc.object_id = l.referenced_object_id AND rc.column_id = l.referenced_column_id
WHERE f.parent_object_id = @id OR f.referenced_object_id = @id
ORDER BY f.name, f.object_id, l.constraint_column_id;
SELECT name, definition FROM sys.check_constraints WHERE parent_object_id = @id ORDER BY name;
SELECT i.name, i.type_desc, i.is_unique, i.filter_definition, c.name,
       ic.is_descending_key, ic.is_included_column
FROM sys.indexes AS i
JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE i.object_id = @id AND i.index_id > 0 AND i.is_primary_key = 0 AND i.is_unique_constraint = 0
ORDER BY i.name, ic.is_included_column, ic.key_ordinal, ic.index_column_id;
SELECT name FROM sys.triggers WHERE parent_id = @id ORDER BY name;
SELECT c.name, s.name, f.name, p.partitions
FROM sys.indexes AS i
JOIN sys.partition_schemes AS s ON s.data_space_id = i.data_space_id
JOIN sys.partition_functions AS f ON f.function_id = s.function_id
JOIN (SELECT object_id, index_id, COUNT(*) AS partitions FROM sys.partitions
      GROUP BY object_id, index_id) AS p ON p.object_id = i.object_id AND p.index_id = i.index_id
LEFT JOIN sys.index_columns AS ic
  ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.partition_ordinal = 1
LEFT JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE i.object_id = @id AND i.index_id IN (0, 1)";

/// What the catalogue has since SQL Server 2016: masked columns, the history of a table.
pub(super) const SINCE_2016: &str = "\
SELECT name FROM sys.columns WHERE object_id = @id AND is_masked = 1;
SELECT CASE WHEN h.object_id IS NULL THEN 0 ELSE 1 END, s.name, o.name
FROM sys.tables AS t
LEFT JOIN sys.tables AS h ON h.object_id = t.history_table_id
LEFT JOIN sys.tables AS c ON c.history_table_id = t.object_id
JOIN sys.tables AS o ON o.object_id = COALESCE(h.object_id, c.object_id)
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE t.object_id = @id";
