"""What a column of a file can fill, for each kind of record, and how its text is read.

Most are the fields of `kit.records`, the company's own among them; what the acting person must not see or change is not
offered. A few exist only here: a full name that is split, what somebody agreed to, the lines of an order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from saas.kit import access, records, text, values
from saas.kit.text import gettext as _
from saas.kit.text import later as _l

Reader = Callable[[str, values.Manner], Any]
HAN = re.compile(r"[\u3400-\u9fff]")
TWO_SIGNS = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "夏侯",
        "司徒",
        "歐陽",
        "司馬",
        "諸葛",
        "東方",
        "長孫",
        "长孙",
        "宇文",
        "端木",
    ]
)
GRANTED = frozenset(
    [
        "granted",
        "subscribed",
        "opted-in",
        "opt-in",
        "optin",
        "agreed",
        "confirmed",
        "active",
        "ja-angemeldet",
        "已同意",
        "同意",
        "已订阅",
        "订阅",
    ]
)
WITHDRAWN = frozenset(
    [
        "withdrawn",
        "unsubscribed",
        "opted-out",
        "opt-out",
        "optout",
        "cancelled",
        "bounced",
        "inactive",
        "已撤回",
        "撤回",
        "已退订",
        "退订",
        "不同意",
        "拒绝",
    ]
)
UNKNOWN = frozenset(["unknown", "not-known", "not-set", "pending", "none", "n/a", "null", "-", "未知", "待定"])
STATES = {
    "pending": "pending on-hold on_hold open unpaid awaiting 待付款 未付款 待处理",
    "paid": "paid processing complete_paid captured 已付款 已支付 付款",
    "fulfilled": "fulfilled completed complete shipped delivered done 已完成 已发货 完成 已送达",
    "cancelled": "cancelled canceled voided void 已取消 取消",
    "refunded": "refunded returned 已退款 退款",
    "failed": "failed declined error 失败",
}


@dataclass(frozen=True)
class Target:
    """One thing a column can fill. `words` are what such columns are called elsewhere; `like` is what its values look like."""

    name: str
    label: Any
    read: Reader
    group: Any = ""
    words: str = ""
    like: str = ""
    personal: bool = False


def of(kind: str) -> dict[str, Target]:
    """Return what columns may fill in a kind of record, by name, as far as the acting person may change it."""
    known = records.kind(kind)
    made = {"customer": _customer, "product": _product, "order": _order}[kind]()
    barred = access.locked(kind)
    made = {name: target for name, target in made.items() if name not in barred}
    for name, field in known.editable().items():
        if field.custom and field.type not in ("formula", "record"):
            made[name] = Target(name, field.label, field.read, _("Own fields"), words=str(field.label), like=field.type)
    return made


def _from_field(kind: str, name: str, words: str, like: str = "") -> Target | None:
    field = records.kind(kind).fields().get(name)
    if field is None:
        return None
    return Target(name, field.label, field.read, field.group, words, like or field.type, field.personal)


def _many(kind: str, table: dict[str, str]) -> dict[str, Target]:
    found = {name: _from_field(kind, name, words) for name, words in table.items()}
    return {name: target for name, target in found.items() if target is not None}


CUSTOMER = {
    "email": "email e-mail mail emailaddress mailaddress emailadresse 邮箱 电子邮箱 电子邮件 邮件 邮箱地址 電郵 電子郵件 courriel correo billingemail",
    "phone": "phone telephone tel mobile mobilephone cell phonenumber telefon handy mobil 电话 手机 手机号 手机号码 联系电话 電話 手機 telefono billingphone whatsapp",
    "first_name": "firstname givenname forename vorname prenom nombre first 名 名字 billingfirstname",
    "last_name": "lastname surname familyname nachname nom apellido apellidos last 姓 姓氏 billinglastname",
    "company": "company organisation organization firm firma account business employer societe empresa 公司 公司名称 单位 企业 billingcompany",
    "address": "address street address1 addressline1 strasse streetaddress adresse direccion 地址 详细地址 街道 billingaddress1",
    "postcode": "postcode zip zipcode postalcode plz cp codepostal 邮编 邮政编码 郵遞區號 billingpostcode",
    "city": "city town ort stadt ville ciudad 城市 市 billingcity",
    "country": "country countrycode land pays pais 国家 國家 国家地区 billingcountry",
    "language": "language locale lang sprache langue idioma 语言 語言",
    "tags": "tags tag labels keywords groups schlagworte 标签 標籤",
    "external_id": "externalid id customerid customernumber customerno kundennummer userid shopid clientid 客户编号 会员号 会员编号 编号 客戶編號 numberintheshop",
    "note": "note notes comment comments remark remarks description bemerkung notiz 备注 備註 说明",
}
PRODUCT = {
    "external_id": "externalid id productid artikelid itemid handle 商品编号 商品ID 产品编号 编号 numberintheshop",
    "sku": "sku articlenumber article artikelnummer itemnumber partnumber variantsku 货号 商品货号 款号",
    "name": "name title product productname artikel bezeichnung item 名称 商品名称 产品名称 商品 标题",
    "description": "description body details beschreibung bodyhtml 描述 商品描述 说明 详情",
    "price": "price unitprice preis regularprice variantprice amount 价格 售价 单价",
    "currency": "currency currencycode waehrung 货币 币种",
    "categories": "categories category productcategory type kategorie producttype 分类 类别 商品分类",
    "tags": "tags tag labels 标签",
    "stock": "stock quantity inventory qty bestand stockquantity variantinventoryqty 库存 库存数量",
    "active": "active onsale published enabled visible aktiv 上架 是否上架 启用",
    "url": "url link address permalink producturl 链接 网址 商品链接 addressintheshop",
    "image_url": "image imageurl picture imagesrc images bild photo 图片 图片链接 商品图片 addressofthepicture",
}


def _customer() -> dict[str, Target]:
    made = _many("customer", CUSTOMER)
    if "first_name" in made and "last_name" in made:
        words = "name fullname displayname customername contact contactname customer ansprechpartner 姓名 客户姓名 名称 客户名称 联系人 客户"
        made["name"] = Target(
            "name",
            _l("Full name"),
            lambda said, manner: split_name(said),
            made["first_name"].group,
            words,
            "name",
            True,
        )
    consent = records.kind("customer").fields().get("email_consent")
    if consent is not None:
        words = "consent emailconsent newsletter subscribed marketing optin emailmarketing acceptsmarketing acceptsemailmarketing status emailstatus consenttomails 同意 订阅 邮件订阅 营销同意"
        made["email_consent"] = Target(
            "email_consent", consent.label, lambda said, manner: read_consent(said), _("Mails"), words, "consent"
        )
        words = "consentat consentdate optindate subscribedat signupdate optintime confirmtime 同意时间 订阅时间"
        made["consent_at"] = Target(
            "consent_at",
            _l("Agreed or withdrawn on"),
            lambda said, manner: values.moment(said, manner),
            _("Mails"),
            words,
            "moment",
        )
    words = "createdat created customersince registered registrationdate datecreated since memberssince signedup anlagedatum 注册时间 创建时间 注册日期"
    made["created_at"] = Target(
        "created_at", _l("Customer since"), lambda said, manner: values.moment(said, manner), _("More"), words, "moment"
    )
    return made


def _product() -> dict[str, Target]:
    made = _many("product", PRODUCT)
    if "currency" in made:
        made["currency"] = Target(
            "currency",
            made["currency"].label,
            lambda said, manner: read_currency(said),
            made["currency"].group,
            PRODUCT["currency"],
            "currency",
        )
    return made


def _order() -> dict[str, Target]:
    money = lambda said, manner: values.amount(said, manner)  # noqa: E731 - seven rows below read the same way
    whole = lambda said, manner: _whole(values.number(said, manner))  # noqa: E731
    words = lambda most: lambda said, manner: values.words(said, most)  # noqa: E731
    order, line, who = _("Order"), _("Line"), _("Customer")
    table = (
        ("external_id", _l("Order’s id in the shop"), words(200), order, "externalid id orderid bestellid 订单ID 订单编号 numberintheshop", ""),
        ("number", _l("Order number"), words(100), order, "number ordernumber orderno order name bestellnummer 订单号 单号", ""),
        ("placed_at", _l("Placed on"), lambda said, manner: values.moment(said, manner), order, "placedat placed date orderdate createdat created paidat datum bestelldatum datecreated 下单时间 订单日期 日期 创建时间", "moment"),
        ("status", _l("State"), lambda said, manner: read_state(said), order, "status state orderstatus financialstatus 状态 订单状态", "state"),
        ("currency", _l("Currency"), lambda said, manner: read_currency(said), order, "currency currencycode ordercurrency 货币 币种", "currency"),
        ("total", _l("Total"), money, order, "total ordertotal grandtotal totalamount amount summe gesamtsumme 总价 总额 订单金额 实付金额", "money"),
        ("shipping", _l("Shipping"), money, order, "shipping shippingtotal shippingcost versand versandkosten 运费", "money"),
        ("tax", _l("Tax"), money, order, "tax taxes totaltax vat mwst steuer 税 税额", "money"),
        ("discount", _l("Discount"), money, order, "discount discountamount discounttotal rabatt 折扣 优惠", "money"),
        ("country", _l("Country"), words(60), order, "country shippingcountry billingcountry land 国家", ""),
        ("customer.email", _l("Customer’s e-mail"), lambda said, manner: values.email(said), who, CUSTOMER["email"] + " customeremail", "email"),
        ("customer.external_id", _l("Customer’s id in the shop"), words(200), who, "customerid userid kundennummer 客户编号 会员号", ""),
        ("customer.name", _l("Customer’s name"), lambda said, manner: split_name(said), who, "customer customername name billingname shippingname fullname 客户姓名 姓名 收货人", "name"),
        ("customer.phone", _l("Customer’s phone"), words(40), who, CUSTOMER["phone"], "phone"),
        ("product", _l("Product’s id in the shop"), words(200), line, "product productid lineitemid itemid 商品编号 商品ID", ""),
        ("sku", _l("Article number"), words(120), line, "sku lineitemsku itemsku artikelnummer 货号", ""),
        ("name", _l("Product’s name"), words(500), line, "productname lineitemname item itemname artikel 商品名称 商品 产品", ""),
        ("quantity", _l("Quantity"), whole, line, "quantity qty lineitemquantity menge anzahl 数量", "number"),
        ("unit_price", _l("Unit price"), money, line, "unitprice price lineitemprice itemprice einzelpreis preis 单价 价格", "money"),
    )  # fmt: skip
    hidden = {"customer." + name for name in access.hidden("customer")}
    return {
        name: Target(name, label, read, group, known_as, like, name.startswith("customer."))
        for name, label, read, group, known_as, like in table
        if name not in hidden
    }


def split_name(said: str) -> tuple[str, str]:
    """Return (first name, last name) of a full name: 王小明, Ada Lovelace, or Lovelace, Ada."""
    plain = text.clean(said, most=240)
    if HAN.match(plain) and " " not in plain and len(plain) <= 6:
        cut = 2 if plain[:2] in TWO_SIGNS and len(plain) > 2 else 1
        return plain[cut:], plain[:cut]
    if plain.count(",") == 1:
        last, first = (part.strip() for part in plain.split(","))
        return first[:120], last[:120]
    first, _blank, last = plain.rpartition(" ")
    return (first[:120], last[:120]) if first else ("", last[:120])


def read_consent(said: str) -> str:
    """Return granted, withdrawn or unknown for a word that says so; raises NotReadable."""
    word = text.fold(said).replace(" ", "-")
    if word in GRANTED:
        return "granted"
    if word in WITHDRAWN:
        return "withdrawn"
    if word in UNKNOWN:
        return "unknown"
    try:
        return "granted" if values.yes_no(said) else "withdrawn"
    except values.NotReadable:
        raise values.NotReadable(_("Write yes or no, or leave it empty.")) from None


def read_state(said: str) -> str:
    """Return the state of an order that a word means; raises NotReadable."""
    word = text.fold(said).replace(" ", "_")
    for state, known in STATES.items():
        if word == state or word in known.split():
            return state
    raise values.NotReadable(_("Write pending, paid, fulfilled, cancelled, refunded or failed."))


def read_currency(said: str) -> str:
    """Return a currency's code; raises NotReadable."""
    word = text.clean(said, most=10).upper()
    word = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "CNY", "元": "CNY", "人民币": "CNY", "RMB": "CNY"}.get(word, word)
    if not re.fullmatch(r"[A-Z]{3}", word):
        raise values.NotReadable(_("Three letters, such as EUR."))
    return word


def _whole(number: Any) -> int:
    if number != number.to_integral_value() or abs(number) > 10**9:
        raise values.NotReadable(_("Give a whole number."))
    return int(number)
