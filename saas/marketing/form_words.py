"""The small words of a form that nobody has to write: labels, what is missing, what happens next; in shoppers' languages.

They stand here and not among the staff's translations, because a shopper's language has nothing to do with the member's.
"""

from __future__ import annotations

NAMES = (
    "email", "first_name", "last_name", "phone", "birthday", "button", "close", "missing", "bad_email", "failed", "thanks", "mailed", "coupon", "mailed_code", "stock", "price",
)  # fmt: skip
WORDS: dict[str, tuple[str, ...]] = {
    "en": ("E-mail", "First name", "Last name", "Phone", "Birthday", "Send", "Close", "Please fill this in.", "This does not look like an e-mail address.",
           "That did not work. Please try again in a moment.", "Thank you.", "Please look into your mailbox and confirm.", "Your code", "Your code is on its way to your mailbox.", "Tell me when it is back",
           "Tell me when it costs less"),
    "zh": ("邮箱", "名", "姓", "电话", "生日", "发送", "关闭", "请填写此项。", "这不像是邮箱地址。", "没有成功，请稍后再试。", "谢谢。", "请到邮箱中确认。", "您的优惠码", "优惠码会发送到您的邮箱。", "到货时通知我", "降价时通知我"),
    "de": ("E-Mail", "Vorname", "Nachname", "Telefon", "Geburtstag", "Absenden", "Schließen", "Bitte ausfüllen.", "Das sieht nicht nach einer E-Mail-Adresse aus.",
           "Das hat nicht geklappt. Bitte gleich noch einmal versuchen.", "Vielen Dank.", "Bitte im Postfach nachsehen und bestätigen.", "Ihr Code", "Ihr Code ist unterwegs in Ihr Postfach.",
           "Bescheid geben, wenn es wieder da ist", "Bescheid geben, wenn es weniger kostet"),
    "fr": ("E-mail", "Prénom", "Nom", "Téléphone", "Date de naissance", "Envoyer", "Fermer", "Veuillez remplir ce champ.", "Cela ne ressemble pas à une adresse e-mail.",
           "Cela n’a pas fonctionné. Réessayez dans un instant.", "Merci.", "Consultez votre messagerie et confirmez.", "Votre code", "Votre code arrive par e-mail.", "Me prévenir du retour en stock",
           "Me prévenir si le prix baisse"),
    "es": ("Correo electrónico", "Nombre", "Apellidos", "Teléfono", "Fecha de nacimiento", "Enviar", "Cerrar", "Rellena este campo.",
           "Esto no parece una dirección de correo.", "No ha funcionado. Inténtalo de nuevo en un momento.", "Gracias.", "Mira tu correo y confirma.", "Tu código", "Tu código llega a tu correo.",
           "Avísame cuando vuelva", "Avísame cuando baje de precio"),
    "it": ("E-mail", "Nome", "Cognome", "Telefono", "Data di nascita", "Invia", "Chiudi", "Compila questo campo.", "Non sembra un indirizzo e-mail.",
           "Non ha funzionato. Riprova tra un momento.", "Grazie.", "Controlla la posta e conferma.", "Il tuo codice", "Il tuo codice arriva per e-mail.", "Avvisami quando torna", "Avvisami se costa meno"),
    "nl": ("E-mail", "Voornaam", "Achternaam", "Telefoon", "Verjaardag", "Versturen", "Sluiten", "Vul dit in.", "Dit lijkt niet op een e-mailadres.",
           "Dat lukte niet. Probeer het zo nog eens.", "Bedankt.", "Kijk in je mailbox en bevestig.", "Je code", "Je code komt eraan per e-mail.", "Laat weten als het terug is",
           "Laat weten als het goedkoper is"),
    "ar": ("البريد الإلكتروني", "الاسم", "اسم العائلة", "الهاتف", "تاريخ الميلاد", "إرسال", "إغلاق", "يرجى ملء هذا الحقل.", "هذا لا يبدو عنوان بريد إلكتروني.",
           "لم ينجح ذلك. حاول مرة أخرى بعد قليل.", "شكراً لك.", "يرجى فتح بريدك والتأكيد.", "رمزك", "رمزك في طريقه إلى بريدك.", "أعلمني عند توفره", "أعلمني عند انخفاض السعر"),
}  # fmt: skip


def in_language(language: str) -> dict[str, str]:
    """Return the words in a language, or in English."""
    short = language.replace("_", "-").partition("-")[0].lower()
    return dict(zip(NAMES, WORDS.get(short, WORDS["en"]), strict=True))
