"""Reading files as programs write them: encodings, delimiters, headers, and those that mean harm."""

from __future__ import annotations

import csv
import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.integrations import sheets, workbooks
from saas.integrations.sheets import Broken

GERMAN = [
    ["Name", "E-Mail", "Straße"],
    ["Jürgen Müller", "j@x.example", "Große Gärtnerstraße 5"],
    ["Zoë Weiß", "z@x.example", "Öhringer Höhe"],
]
CHINESE = [
    ["姓名", "邮箱", "城市"],
    ["王小明", "w@x.example", "北京市朝阳区"],
    ["李丽华", "l@x.example", "上海市静安区"],
]
TRADITIONAL = [
    ["姓名", "電郵", "城市"],
    ["陳大文", "c@x.example", "臺北市信義區"],
    ["林美麗", "l@x.example", "高雄市前鎮區"],
]
RUSSIAN = [
    ["Имя", "Почта", "Город"],
    ["Иван Петров", "i@x.example", "Москва"],
    ["Ольга Смирнова", "o@x.example", "Екатеринбург"],
]
WRITTEN = [
    *((GERMAN, name) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")),
    *((CHINESE, name) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk")),
    *((TRADITIONAL, name) for name in ("utf-8", "utf-16", "big5")),
    *((RUSSIAN, name) for name in ("utf-8", "cp1251")),
]  # fmt: skip
CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)


def written(rows, *, encoding="utf-8", delimiter=",", end="\r\n", quoting=csv.QUOTE_MINIMAL):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return buffer.getvalue().encode(encoding)


def read(path, content, name="file.csv"):
    path.write_bytes(content)
    reading = sheets.find(path, name=name)
    header = sheets.headers(path, reading)
    return reading, header, [cells for _line, cells in sheets.rows(path, reading, width=len(header))]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


class TestFindingOut:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize(("rows", "encoding"), WRITTEN)
    def test_every_encoding_with_every_delimiter(self, path, rows, encoding, delimiter):
        reading, header, found = read(path, written(rows, encoding=encoding, delimiter=delimiter))
        assert reading.delimiter == delimiter
        assert header == rows[0]
        assert found == rows[1:]

    @given(
        rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12), delimiter=st.sampled_from(",;\t|"),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), end=st.sampled_from(["\n", "\r\n"]),
    )  # fmt: skip
    @settings(max_examples=60, deadline=None)
    def test_whatever_is_written_is_read(self, tmp_path_factory, rows, delimiter, encoding, end):
        header = ["Name", "E-mail", "City"]
        content = written([header, *rows], encoding=encoding, delimiter=delimiter, end=end, quoting=csv.QUOTE_ALL)
        path = tmp_path_factory.getbasetemp() / "any.csv"
        _reading, names, found = read(path, content)
        assert names == header
        assert found == [list(row) for row in rows if any(row)]

    def test_a_title_above_the_header_is_left_out(self, path):
        _reading, header, rows = read(path, b"Our customers 2026\n\nName,E-mail\nAda,a@x.example\nBob,b@x.example\n")
        assert header == ["Name", "E-mail"]
        assert len(rows) == 2

    def test_without_a_header_columns_are_numbered(self, path):
        _reading, header, rows = read(path, b"Ada,a@x.example\nBob,b@x.example\n")
        assert header == ["Column 1", "Column 2"]
        assert len(rows) == 2

    def test_json_lines_with_inner_objects(self, path):
        _reading, header, rows = read(
            path, b'{"email":"a@x.example","consent":{"email":"granted"},"tags":["a","b"]}\n[1]\n'
        )
        assert header == ["email", "consent.email", "tags"]
        assert rows[0] == ["a@x.example", "granted", "a, b"]
        assert isinstance(rows[1], Broken)

    def test_a_workbook_gives_dates_numbers_and_leading_zeros(self, path):
        import datetime

        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(["Name", "Since", "Phone", "Zip", "Spent"])
        sheet.append(["Ada", datetime.datetime(2020, 5, 1), 4420794600018, 1067, 12.5])
        sheet["D2"].number_format = "00000"
        book.create_sheet("Second").append(["x"])
        book.save(path)
        reading, _header, rows = read(path, path.read_bytes(), "people.xlsx")
        assert reading.format == "xlsx"
        assert rows == [["Ada", "2020-05-01", "4420794600018", "01067", "12.5"]]
        assert workbooks.sheets(path) == ["Sheet", "Second"]


class TestHostile:
    def test_a_quote_that_is_never_closed_costs_its_own_line(self, path):
        content = b'a,b\n1,"open\n' + b"".join(b"%d,x\n" % n for n in range(5000))
        _reading, _header, rows = read(path, content)
        assert isinstance(rows[0], Broken)
        assert len(rows) == 5001

    def test_null_bytes_are_left_out(self, path):
        assert read(path, b"a,b\x00\n1\x00,2\n")[1:] == (["a", "b"], [["1", "2"]])

    def test_a_line_with_more_cells_than_columns_fails_alone(self, path):
        _reading, _header, rows = read(path, b"a,b\n" + b"1,2\n" * 60 + b"1,2,3\n")
        assert isinstance(rows[-1], Broken)

    def test_a_bomb_is_not_unpacked(self, path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", "<x/>")
            archive.writestr("xl/workbook.xml", "<x/>")
            archive.writestr("xl/worksheets/sheet1.xml", "0" * 80_000_000)
        with pytest.raises(workbooks.BadWorkbook, match="unpacks to far more"):
            sheets.find(path, name="x.xlsx")

    def test_entities_are_not_read(self, path):
        book = openpyxl.Workbook()
        book.active.append(["Name"])
        book.save(path)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, bomb if name == "xl/worksheets/sheet1.xml" else content)
        with pytest.raises(workbooks.BadWorkbook):
            sheets.find(path, name="x.xlsx")

    @given(st.binary(min_size=1, max_size=400))
    @settings(max_examples=150, deadline=None)
    def test_any_bytes_are_rows_or_a_refusal(self, tmp_path_factory, content):
        path = tmp_path_factory.getbasetemp() / "noise"
        try:
            _reading, header, rows = read(path, content)
        except (sheets.BadFile, workbooks.BadWorkbook):
            return
        assert header and all(isinstance(cell, str) for cells in (header, *rows) for cell in cells)
