"""Names and places that invented customers are put together from; mail domains and phones are reserved for examples.

The phone ranges are those that regulators keep free for films: Ofcom 07700 900xxx, NANPA 555-01xx, ARCEP
06 39 98 xx xx.
"""

from dataclasses import dataclass

DOMAINS = ("example.com", "example.org", "example.net")


@dataclass(frozen=True)
class Region:
    country: str
    language: str
    share: float
    first: str
    last: str
    cities: str
    postcode: str
    phone: str = ""


REGIONS = (
    Region("GB", "en", 0.23, "Ada Oliver Amelia Harry Isla Jack Freya Noah Ivy Arthur Poppy Leo Elsie Maya Theo Ruby",
           "Smith Jones Taylor Brown Patel Wilson Evans Thomas Khan Roberts Walker Wright Hughes Green Hall Okafor",
           "London,Bristol,Leeds,Glasgow,Brighton,York,Cardiff", "BS1 {}AA", "+447700900{:03d}"),
    Region("DE", "de", 0.2, "Anna Lukas Lena Jonas Mia Felix Clara Paul Greta Jürgen Ida Max Käthe Emil Frieda Anton",
           "Müller Schmidt Schneider Fischer Weber Wagner Becker Hoffmann Schäfer Koch Bauer Richter Klein Wolf Yılmaz",
           "Berlin,Hamburg,München,Köln,Leipzig,Freiburg,Bremen", "1{}0115"),
    Region("US", "en", 0.14, "Emma Liam Olivia Mason Ava Ethan Grace Logan Zoe Caleb Hannah Miles Nora Wyatt Jamal",
           "Johnson Williams Garcia Miller Davis Martinez Lopez Anderson Moore Jackson Lee Nguyen Rivera Cooper Reed",
           "Portland,Austin,Boston,Seattle,Denver,Chicago", "9{}210", "+12025550{:03d}"),
    Region("FR", "fr", 0.12, "Camille Hugo Chloé Louis Manon Gabriel Inès Jules Léa Arthur Zoé Raphaël Élise Anaïs",
           "Martin Bernard Dubois Robert Richard Petit Durand Leroy Moreau Laurent Lefèvre Garnier Faure Benali",
           "Paris,Lyon,Nantes,Bordeaux,Lille,Marseille", "7{}011", "+33639980{:03d}"),
    Region("CN", "zh", 0.09,
           "芳:Fang 伟:Wei 秀英:Xiuying 娜:Na 敏:Min 静:Jing 磊:Lei 洋:Yang 艳:Yan 思涵:Sihan 子轩:Zixuan 雨桐:Yutong",
           "王:Wang 李:Li 张:Zhang 刘:Liu 陈:Chen 杨:Yang 黄:Huang 赵:Zhao 吴:Wu 周:Zhou 徐:Xu 孙:Sun 林:Lin 郭:Guo",
           "上海,北京,杭州,成都,广州,苏州,深圳", "2{}0040"),
    Region("NL", "nl", 0.08, "Daan Emma Sem Julia Lars Tess Bram Sanne Finn Lotte Thijs Fleur Ruben Noor Joris Femke",
           "de_Jong Jansen de_Vries van_den_Berg Bakker Visser Smit Meijer de_Boer Mulder Bos Vos Peters Hendriks",
           "Amsterdam,Utrecht,Rotterdam,Groningen,Haarlem", "1{}11 AB"),
    Region("IT", "it", 0.06, "Giulia Marco Sofia Luca Chiara Matteo Elena Davide Sara Andrea Marta Paolo Irene Nicolò",
           "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De_Luca",
           "Milano,Torino,Bologna,Firenze,Roma", "2{}121"),
    Region("SE", "sv", 0.05, "Alice Oskar Maja Elias Saga Nils Ebba Axel Astrid Gustav Linnéa Björn Åsa Sven Tuva",
           "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Lindqvist Sjöberg Åkesson",
           "Stockholm,Göteborg,Malmö,Uppsala", "11{} 21"),
    Region("ES", "es", 0.03, "Lucía Hugo María Mateo Carmen Pablo Elena Diego Nuria Javier Alba Álvaro Irene Íñigo",
           "García Fernández González Rodríguez López Sánchez Pérez Gómez Martín Jiménez Ruiz Núñez Ibáñez",
           "Madrid,Barcelona,Valencia,Sevilla,Bilbao", "2{}013"),
)  # fmt: skip
COMPANIES = ("Café", "Studio", "Gästehaus", "Bakery", "Interiors", "Hotel", "Atelier", "Kantoor")
