"""Reads dbo.AllTypes with a Python driver and compares it with execute_sql.

usage: tds.py pymssql|python-tds|mssql-python

The job comes as JSON on standard input: where to log in, whether with TLS, and
what `execute_sql` says of the same rows. The last line of the output sums up;
a difference is printed and makes the exit code 1.
"""

import base64
import decimal
import json
import os
import struct
import sys
import uuid

UNNUMBERED = "login failed, without a number"


class Driver:
    """Everything but opening a connection is DB-API 2.0 (PEP 249)."""

    # Types whose values the driver does not give in full, and what is compared
    # in their place.
    losses = {
        "time": "microseconds",
        "datetime2": "microseconds",
        "datetimeoffset": "microseconds",
    }

    def __init__(self, job):
        self.job = job

    # How a statement names a parameter.
    mark = "%s"

    def rows(self, sql, *parameters):
        """The rows of a statement, as dictionaries."""
        connection = self.connect(self.job["password"])
        try:
            cursor = connection.cursor()
            cursor.execute(sql.replace("?", self.mark), parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]
        finally:
            connection.close()

    def refusal(self):
        """The error that a wrong password ends in."""
        try:
            self.connect("not the password").close()
        except Exception as error:  # each driver has its own class
            return error
        raise AssertionError("a wrong password was let in")


class Pymssql(Driver):
    """FreeTDS. It has no setting for certificates but a file of its own, so
    the server's is not verified."""

    # The value's bytes without its base type: nothing to compare.
    losses = Driver.losses | {"sql_variant": "bytes without a type"}

    def connect(self, password):
        import pymssql

        return pymssql.connect(
            server=self.job["host"],
            port=str(self.job["port"]),
            user=self.job["user"],
            password=password,
            database=self.job["database"],
            encryption="require" if self.job["tls"] else "off",
            tds_version="7.4",
            # Without it datetime2 is rounded to the 1/300 s of datetime.
            use_datetime2=True,
        )

    def refusal_code(self, error):
        return error.args[0][0]


class PythonTds(Driver):
    def connect(self, password):
        import pytds

        return pytds.connect(
            self.job["host"],
            port=self.job["port"],
            user=self.job["user"],
            password=password,
            database=self.job["database"],
            cafile=self.job["ca_file"] if self.job["tls"] else None,
            # python-tds reads the name with an API that pyOpenSSL dropped; the
            # chain is still verified.
            validate_host=False,
        )

    def refusal_code(self, error):
        return error.number


class MssqlPython(Driver):
    mark = "?"

    def connect(self, password):
        # Where OpenSSL, and so Microsoft's ODBC driver, looks for authorities;
        # read once, by the first connection.
        os.environ["SSL_CERT_FILE"] = self.job["ca_file"]
        import mssql_python

        settings = {
            "Server": f"{self.job['host']},{self.job['port']}",
            "Database": self.job["database"],
            "UID": self.job["user"],
            "PWD": "{" + password.replace("}", "}}") + "}",
            "Encrypt": "yes" if self.job["tls"] else "no",
        }
        if self.job["tls"]:
            # The driver compares names alone, no addresses.
            settings["HostnameInCertificate"] = "localhost"
        else:
            # The log-in is encrypted all the same.
            settings["TrustServerCertificate"] = "yes"
        return mssql_python.connect(";".join(f"{key}={value}" for key, value in settings.items()))

    def refusal_code(self, error):
        # Its errors have the sentence of 18456 without the number.
        return UNNUMBERED if "Login failed for user" in error.ddbc_error else error


def text(sql_type, value):
    """A driver's value as `execute_sql` writes it."""
    kind = sql_type.partition("(")[0]
    if value is None or kind in ("bit", "xml"):
        return value
    if kind == "sql_variant":
        return text(variant_type(value), value)
    if kind in ("tinyint", "smallint", "int", "bigint"):
        return value if abs(value) < 2**53 else str(value)
    if kind in ("decimal", "numeric", "money", "smallmoney"):
        scale = 4 if "money" in kind else int(sql_type.rstrip(")").partition(",")[2])
        return format(decimal.Context(prec=38).quantize(value, decimal.Decimal(1).scaleb(-scale)), "f")
    if kind == "real":
        return real(value)
    if kind in ("char", "nchar"):
        return value.rstrip(" ")
    if kind in ("timestamp", "rowversion", "geography", "geometry", "hierarchyid"):
        return "0x" + value.hex().upper()
    if kind in ("binary", "varbinary", "image"):
        return base64.b64encode(value).decode()
    if kind == "uniqueidentifier":
        return str(uuid.UUID(str(value))).upper()
    if kind == "date":
        return value.isoformat()
    if kind == "datetime":
        return value.isoformat(timespec="milliseconds")
    if kind == "smalldatetime":
        return value.isoformat(timespec="seconds")
    if kind in ("time", "datetime2", "datetimeoffset"):
        return fraction(value.isoformat(timespec="microseconds"), digits(sql_type))
    return value


def expected_text(sql_type, value):
    """What `execute_sql` says, as far as a Python value can hold it."""
    kind = sql_type.partition("(")[0]
    if value is None:
        return value
    if kind == "real":
        return real(value)
    if kind in ("time", "datetime2", "datetimeoffset"):
        return fraction(value, min(digits(sql_type), 6))
    if kind == "sql_variant" and isinstance(value, str) and "T" in value:
        return fraction(value, 6)
    return value


def variant_type(value):
    """The declaration that has the text form of a variant's value."""
    if isinstance(value, decimal.Decimal):
        return f"decimal(38,{-value.as_tuple().exponent})"
    return {"int": "int", "str": "nvarchar", "datetime": "datetime2(6)"}[type(value).__name__]


def real(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def digits(sql_type):
    """n of time(n), datetime2(n), datetimeoffset(n); 6 is the most Python has."""
    return min(int(sql_type.partition("(")[2].rstrip(")")), 6)


def fraction(timestamp, wanted):
    """Cuts the fraction of the second to `wanted` digits, before any offset."""
    head, point, tail = timestamp.partition(".")
    if not point:
        return timestamp
    offset = next((tail[at:] for at in range(len(tail)) if tail[at] in "+-"), "")
    kept = tail[: len(tail) - len(offset)][:wanted]
    return head + ("." + kept if kept else "") + offset


def main(name):
    job = json.load(sys.stdin)
    driver = {"pymssql": Pymssql, "python-tds": PythonTds, "mssql-python": MssqlPython}[name](job)
    refusal = driver.refusal_code(driver.refusal())
    assert refusal in (18456, UNNUMBERED), refusal
    rows = driver.rows("SELECT * FROM dbo.AllTypes ORDER BY Id")
    columns = [column["name"] for column in job["expected"]["columns"]]
    parameters = rows[0]["c_nvarchar"], rows[0]["c_int"]
    first = driver.rows("SELECT Id FROM dbo.AllTypes WHERE c_nvarchar = ? AND c_int = ?", *parameters)
    assert first == [{"Id": 1}], f"by parameters: {first}"
    wanted = job["expected"]["results"]
    assert len(rows) == len(wanted), f"{len(rows)} rows for {len(wanted)}"
    different = compared = 0
    for row, wanted_row in zip(rows, wanted):
        assert list(row) == columns, f"columns {list(row)}"
        for column in job["expected"]["columns"]:
            column_name, sql_type = column["name"], column["type"]
            if driver.losses.get(sql_type) == "bytes without a type":
                continue
            found = text(sql_type, row[column_name])
            should = expected_text(sql_type, wanted_row[column_name])
            compared += 1
            # The driver under the tool reads money as a double.
            if column.get("lossy") and found is not None:
                found, should = float(found), float(should)
            if found != should:
                different += 1
                print(f"row {wanted_row['Id']}, {column_name} {sql_type}: {found!r:.200} for {should!r:.200}")
    losses = ", ".join(f"{kind}: {loss}" for kind, loss in driver.losses.items())
    agree = f"{compared - different} of {compared} values agree"
    print(f"wrong password: {refusal}; {len(rows)} rows, {agree} (client keeps of {losses})")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
