"""What Fern & Kettle wrote in its mails, as MJML with Liquid: the past ones, and one that waits to be sent."""

FRAME = """<mjml>
  <mj-head>
    <mj-preview>{preview}</mj-preview>
    <mj-attributes>
      <mj-all font-family="Georgia, 'Times New Roman', serif" />
      <mj-text font-size="16px" line-height="26px" color="#33362f" />
      <mj-button background-color="#3c4a34" border-radius="4px" font-size="15px" inner-padding="12px 26px" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f3f1e8">
    <mj-section padding="28px 0 12px">
      <mj-column><mj-text align="center" font-size="24px" color="#3c4a34">Fern &amp; Kettle</mj-text></mj-column>
    </mj-section>
    <mj-section background-color="#ffffff" border-radius="6px" padding="24px 12px">
      <mj-column>
        <mj-text>Hello {{{{ customer.first_name | default: "there" }}}},</mj-text>
{paragraphs}
        <mj-button href="{{{{ shop.url }}}}">{button}</mj-button>
      </mj-column>
    </mj-section>
    {{% if offers.size > 0 %}}
    <mj-section padding="24px 0 0">
      <mj-column><mj-text align="center" font-size="18px">Chosen for you</mj-text></mj-column>
    </mj-section>
    <mj-section background-color="#ffffff" border-radius="6px" padding="12px 0">
      <mj-column>{{% offers limit: 3 %}}</mj-column>
    </mj-section>
    {{% endif %}}
    <mj-section padding="20px 0">
      <mj-column>
        <mj-text align="center" font-size="13px" line-height="20px" color="#66685f">Fern &amp; Kettle is an invented shop; this is simulated data.<br />
          <a href="{{{{ unsubscribe_url }}}}" style="color:#66685f;">Unsubscribe</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""

LETTERS = {
    "tea-week": (
        "Pots, kettles and the right mug.", "To the tea things",
        "Seven days for everything between the tap and the cup. The round teapots are back in Pine and in Plum, and there is a "
        "stovetop kettle that sings rather than shouts.",
        "If you only take one thing: the tea caddy keeps a pound of leaves dry for a year.",
    ),
    "missed-you": (
        "What is new on the shelf since you were here.", "See what is new",
        "It has been a while, and the shelf has filled up again. We will not pretend that you need any of it; but you liked "
        "something here once, and there is more of that kind now.",
    ),
    "warm-light": (
        "Lamps, lanterns and candles for the dark months.", "To the warm corner",
        "It is dark at five. A reading lamp, a lantern by the door and three candles on the table do more about that than one "
        "would think.",
        "The wool throws are from a mill that has woven since 1892, and they have not become worse at it.",
    ),
    "tea-again": (
        "New glazes for the pots you like.", "See the new glazes",
        "Two new glazes came out of the kiln this month, Fog and Rose, and the teapots wear them best.",
    ),
}  # fmt: skip


def letter(key):
    """This function will return the source of one mail."""
    preview, button, *paragraphs = LETTERS[key]
    texts = "\n".join(f"        <mj-text>{text}</mj-text>" for text in paragraphs)
    return FRAME.format(preview=preview, button=button, paragraphs=texts)
