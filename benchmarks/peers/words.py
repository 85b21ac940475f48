"""The message that peers write: the words of ours for a shipped parcel, in Django's and Jinja's language at once."""

SUBJECT = "Order {{ number }}: your parcel is on its way"
TEXT = """Hello {{ name }},

your order {{ number }} was shipped on {{ shipped }}. The parcel travels with {{ carrier }} under the number {{ parcel }}.

{% for item in items %}- {{ item.title }}: {{ item.price }}
{% endfor %}
It usually takes two to four weeks. You need not do anything now; we write again if something is the matter.

{{ shop }}
"""
HTML = """<!doctype html><html><head><meta charset="utf-8"><style>
body { font-family: sans-serif; background: #f4f4f4; margin: 0 } .card { max-width: 560px; margin: 24px auto; background: #fff }
p { line-height: 1.5; margin: 0 0 16px } td { padding: 8px 0; border-bottom: 1px solid #eee } .foot { color: #666; font-size: 13px }
</style></head><body><div class="card"><p>Hello {{ name }},</p>
<p>your order {{ number }} was shipped on {{ shipped }}. The parcel travels with {{ carrier }} under the number <b>{{ parcel }}</b>.</p>
<table>{% for item in items %}<tr><td>{{ item.title }}</td><td>{{ item.price }}</td></tr>{% endfor %}</table>
<p>It usually takes two to four weeks. You need not do anything now; we write again if something is the matter.</p>
<p class="foot">{{ shop }}</p></div></body></html>
"""


def values(number: int) -> dict[str, object]:
    """Return what one message is filled with."""
    titles = ("Деревянная головоломка «Кремль»", "Wooden puzzle, 500 parts", "Rompecabezas de madera")
    return {
        "number": f"{8_130_000_000 + number}", "name": f"Buyer {number}", "shipped": "2 March 2026", "carrier": "China Post",
        "parcel": f"RR{number:09d}CN", "items": [{"title": title, "price": "12,90 €"} for title in titles], "shop": "Sunny Toys",
    }  # fmt: skip
