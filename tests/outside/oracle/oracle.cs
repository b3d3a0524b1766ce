// What Microsoft's own parser makes of T-SQL: one JSON string a line in, one JSON
// object a line out, with the errors, the kinds of statement, every kind of node, and
// the names, hints and calls that a rule can look at.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Web.Script.Serialization;
using Microsoft.SqlServer.TransactSql.ScriptDom;

static class Oracle
{
    // Deep nesting costs about a kilobyte of stack a level and rule.
    const int StackBytes = 512 * 1024 * 1024;

    static int Main()
    {
        var worker = new Thread(Answer, StackBytes);
        worker.Start();
        worker.Join();
        return 0;
    }

    static void Answer()
    {
        var utf8 = new UTF8Encoding(false);
        var input = new StreamReader(Console.OpenStandardInput(), utf8);
        var output = new StreamWriter(Console.OpenStandardOutput(), utf8);
        var json = new JavaScriptSerializer();
        var parser = new TSql150Parser(true);
        for (var line = input.ReadLine(); line != null; line = input.ReadLine())
        {
            output.WriteLine(json.Serialize(Judge(parser, json.Deserialize<string>(line))));
            output.Flush();
        }
    }

    static object Judge(TSqlParser parser, string sql)
    {
        IList<ParseError> errors;
        var script = parser.Parse(new StringReader(sql), out errors) as TSqlScript;
        var facts = new Facts();
        var statements = new List<string>();
        if (script != null)
        {
            script.Accept(facts);
            statements.AddRange(script.Batches.SelectMany(batch => batch.Statements).Select(statement => statement.GetType().Name));
        }
        return new
        {
            errors = errors.Select(error => error.Message + " at " + error.Offset),
            batches = script == null ? 0 : script.Batches.Count,
            statements = statements,
            nodes = facts.Nodes,
            facts = facts.Found,
        };
    }
}

// Walks the whole tree.
sealed class Facts : TSqlFragmentVisitor
{
    public readonly SortedSet<string> Nodes = new SortedSet<string>(StringComparer.Ordinal);
    public readonly SortedSet<string> Found = new SortedSet<string>(StringComparer.Ordinal);

    public override void Visit(TSqlFragment node)
    {
        Nodes.Add(node.GetType().Name);
    }

    public override void Visit(SelectStatement node)
    {
        if (node.Into != null) Found.Add("into");
        base.Visit(node);
    }

    public override void Visit(NamedTableReference node)
    {
        Found.Add("table " + Name(node.SchemaObject));
        base.Visit(node);
    }

    public override void Visit(FullTextTableReference node)
    {
        Found.Add("table " + Name(node.TableName));
        base.Visit(node);
    }

    public override void Visit(SchemaObjectFunctionTableReference node)
    {
        Found.Add("rows " + Name(node.SchemaObject));
        base.Visit(node);
    }

    public override void Visit(GlobalFunctionTableReference node)
    {
        Found.Add("rows " + node.Name.Value);
        base.Visit(node);
    }

    public override void Visit(FunctionCall node)
    {
        Found.Add("call " + Target(node.CallTarget) + node.FunctionName.Value.Replace('.', '_'));
        base.Visit(node);
    }

    public override void Visit(TableHint node)
    {
        Found.Add("hint " + node.HintKind);
        base.Visit(node);
    }

    public override void Visit(OptimizerHint node)
    {
        var value = node as LiteralOptimizerHint;
        Found.Add("option " + node.HintKind + (value == null ? "" : " " + value.Value.Value));
        base.Visit(node);
    }

    public override void Visit(UseHintList node)
    {
        foreach (var hint in node.Hints) Found.Add("use " + hint.Value);
        base.Visit(node);
    }

    public override void Visit(QualifiedJoin node)
    {
        if (node.JoinHint != JoinHint.None) Found.Add("join " + node.JoinHint);
        base.Visit(node);
    }

    public override void Visit(VariableReference node)
    {
        Found.Add("variable " + node.Name);
        base.Visit(node);
    }

    public override void Visit(GlobalVariableExpression node)
    {
        Found.Add("global " + node.Name);
        base.Visit(node);
    }

    // Dots divide the parts and stand nowhere else.
    static string Name(MultiPartIdentifier name)
    {
        return string.Join(".", name.Identifiers.Select(part => part.Value.Replace('.', '_')));
    }

    static string Target(CallTarget target)
    {
        var parts = target as MultiPartIdentifierCallTarget;
        if (parts != null) return Name(parts.MultiPartIdentifier) + ".";
        var type = target as UserDefinedTypeCallTarget;
        if (type != null) return Name(type.SchemaObjectName) + "::";
        return target == null ? "" : "().";
    }
}
