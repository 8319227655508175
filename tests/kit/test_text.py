"""Names as they are written: in Chinese, Japanese and Korean the family's comes first, without a blank."""

import pytest

from saas.kit import text


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        ("Ada", "Lovelace", "Ada Lovelace"), ("小明", "王", "王小明"), ("娜娜", "欧阳", "欧阳娜娜"), ("지훈", "김", "김지훈"), ("太郎", "ヤマダ", "ヤマダ太郎"),
        ("Ming", "王", "Ming 王"), ("", "王小明", "王小明"), ("小明", "", "小明"), ("Ada", "", "Ada"), ("", "", ""), ("𠮷", "野", "野𠮷"),
    ],
)  # fmt: skip
def test_a_name_is_written_as_its_script_has_it(first, last, written):
    assert text.full_name(first, last) == written
