"""A one-page PDF of an invoice, written by hand (ISO 32000-1): two built-in fonts, lines of text, nothing else."""

from sandbox.stripe import money
from sandbox.stripe.lifecycle import periods
from sandbox.stripe.store import Document


def escaped(text: str) -> bytes:
    """This function will make text safe inside a PDF string, in the fonts' own alphabet."""
    return text.encode("cp1252", "replace").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


def written(text: str, *, x: int, y: int, size: int = 10, bold: bool = False) -> bytes:
    """This function will write one line at a place, in points from the lower left."""
    return b"BT /F%d %d Tf %d %d Td (%s) Tj ET\n" % (2 if bold else 1, size, x, y, escaped(text))


def invoice(document: Document, *, business: str) -> bytes:
    """This function will give the bytes of an invoice's PDF."""
    currency, y = document["currency"], 640
    content = written(business, x=50, y=780, size=20, bold=True)
    content += written(f"Invoice {document['number']}", x=50, y=745, size=14, bold=True)
    content += written(f"Date {periods.spoken(document['created'])}   Status: {document['status']}", x=50, y=725)
    content += written(f"To {document['customer_name'] or ''} {document['customer_email'] or ''}", x=50, y=705)
    content += written("Description", x=50, y=665, bold=True) + written("Amount", x=470, y=665, bold=True)
    for line in document["lines"]["data"][:28]:
        content += written((line["description"] or "")[:80], x=50, y=y)
        content += written(money.show(line["amount"], currency), x=470, y=y)
        y -= 18
    off = document["subtotal"] - document["total"]
    sums = [("Subtotal", document["subtotal"]), ("Discount", -off), ("Total", document["total"]),
            ("Amount due", document["amount_due"]), ("Amount paid", document["amount_paid"])]  # fmt: skip
    for name, amount in sums:
        if name != "Discount" or off:
            y -= 18
            content += written(name, x=360, y=y, bold=name == "Amount due")
            content += written(money.show(amount, currency), x=470, y=y, bold=name == "Amount due")
    content += written("Test mode: no money has moved.", x=50, y=50, size=9)
    return assembled(content)


def assembled(content: bytes) -> bytes:
    """This function will put objects, cross-reference table and trailer around one page's content."""
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
