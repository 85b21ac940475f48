"""Where a region's clocks stand: the regions of the countries with several zones and many buyers.

Facts only, as tables: zones, then what names them. A zone in which fewer than one in fifty of a region's people live is
left out: at worst they are written to an hour early. Of several zones the one with most people comes first.

Source: docs/sources.md, S9 (zones), S20 (ISO 3166-2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

ZoneNames = tuple[str, ...]
"""IANA names, the one with most people first."""

REGIONS: Final[Mapping[str, str]] = {
    "US": """
America/New_York: CT Connecticut, DC District of Columbia/Washington DC, DE Delaware, GA Georgia, MA Massachusetts,
    MD Maryland, ME Maine, MI Michigan, NC North Carolina, NH New Hampshire, NJ New Jersey, NY New York, OH Ohio,
    PA Pennsylvania, RI Rhode Island, SC South Carolina, VA Virginia, VT Vermont, WV West Virginia
America/New_York America/Chicago: FL Florida, KY Kentucky
America/Indiana/Indianapolis America/Chicago: IN Indiana
America/Chicago America/New_York: TN Tennessee
America/Chicago: AL Alabama, AR Arkansas, IA Iowa, IL Illinois, KS Kansas, LA Louisiana, MN Minnesota, MO Missouri,
    MS Mississippi, OK Oklahoma, WI Wisconsin
America/Chicago America/Denver: ND North Dakota, NE Nebraska, SD South Dakota, TX Texas
America/Denver: CO Colorado, MT Montana, NM New Mexico, UT Utah, WY Wyoming
America/Boise America/Los_Angeles: ID Idaho
America/Phoenix: AZ Arizona
America/Los_Angeles: CA California, NV Nevada, OR Oregon, WA Washington
America/Anchorage: AK Alaska
Pacific/Honolulu: HI Hawaii
America/Puerto_Rico: PR Puerto Rico, VI Virgin Islands/US Virgin Islands
Pacific/Guam: GU Guam, MP Northern Mariana Islands
Pacific/Pago_Pago: AS American Samoa
""",
    "CA": """
America/St_Johns America/Goose_Bay: NL/NF Newfoundland and Labrador/Newfoundland/Terre-Neuve-et-Labrador
America/Goose_Bay: - Labrador
America/Halifax: NS Nova Scotia/Nouvelle-Écosse, PE Prince Edward Island/PEI/Île-du-Prince-Édouard
America/Moncton: NB New Brunswick/Nouveau-Brunswick
America/Toronto: ON Ontario, QC/PQ Quebec/Québec
America/Winnipeg: MB Manitoba
America/Regina: SK Saskatchewan
America/Edmonton: AB Alberta, NT Northwest Territories/Territoires du Nord-Ouest
America/Vancouver: BC British Columbia/Colombie-Britannique
America/Whitehorse: YT/YK Yukon
America/Iqaluit America/Rankin_Inlet America/Cambridge_Bay: NU Nunavut
""",
    "AU": """
Australia/Sydney: NSW New South Wales, ACT Australian Capital Territory/Canberra
Australia/Melbourne: VIC Victoria
Australia/Brisbane: QLD Queensland
Australia/Hobart: TAS Tasmania
Australia/Adelaide: SA South Australia
Australia/Darwin: NT Northern Territory
Australia/Perth: WA Western Australia
""",
    "BR": """
America/Sao_Paulo: DF Distrito Federal/Brasília, ES Espírito Santo, GO Goiás, MG Minas Gerais, PR Paraná,
    RJ Rio de Janeiro, RS Rio Grande do Sul, SC Santa Catarina, SP São Paulo
America/Bahia: BA Bahia
America/Maceio: AL Alagoas, SE Sergipe
America/Recife: PE Pernambuco
America/Fortaleza: CE Ceará, MA Maranhão, PB Paraíba, PI Piauí, RN Rio Grande do Norte
America/Belem: AP Amapá, PA Pará
America/Araguaina: TO Tocantins
America/Campo_Grande: MS Mato Grosso do Sul
America/Cuiaba: MT Mato Grosso
America/Porto_Velho: RO Rondônia
America/Boa_Vista: RR Roraima
America/Manaus America/Eirunepe: AM Amazonas
America/Rio_Branco: AC Acre
""",
    "MX": """
America/Mexico_City: AGU/AGS/AG Aguascalientes, CHP/CHIS/CS Chiapas,
    CMX/CDMX/DIF/DF Ciudad de México/Distrito Federal, COL/CL Colima, GRO/GR Guerrero, GUA/GTO/GT Guanajuato,
    HID/HGO/HG Hidalgo, JAL/JA Jalisco, MEX/EM Estado de México, MIC/MICH/MI Michoacán/Michoacán de Ocampo,
    MOR/MO Morelos, OAX/OA Oaxaca, PUE/PU Puebla, QUE/QRO/QT Querétaro, SLP/SL San Luis Potosí, TAB/TB Tabasco,
    TLA/TLAX/TL Tlaxcala, VER/VE Veracruz/Veracruz de Ignacio de la Llave, ZAC/ZA Zacatecas
America/Monterrey: DUR/DGO/DG Durango, NLE/NL Nuevo León
America/Monterrey America/Matamoros: COA/COAH/CO Coahuila/Coahuila de Zaragoza
America/Matamoros America/Monterrey: TAM/TAMPS/TM Tamaulipas
America/Merida: CAM/CAMP/CM Campeche, YUC/YU Yucatán
America/Cancun: ROO/QROO/QR Quintana Roo
America/Chihuahua America/Ciudad_Juarez: CHH/CHIH/CH Chihuahua
America/Mazatlan America/Bahia_Banderas: NAY/NA Nayarit
America/Mazatlan: BCS/BS Baja California Sur, SIN/SI Sinaloa
America/Hermosillo: SON/SO Sonora
America/Tijuana: BCN/BC Baja California/Baja California Norte
""",
    "ID": """
Asia/Jakarta: AC Aceh, BB Bangka Belitung/Kepulauan Bangka Belitung, BE Bengkulu, BT Banten, JA Jambi,
    JB Jawa Barat/West Java, JI Jawa Timur/East Java, JK Jakarta/Jakarta Raya/Greater Jakarta,
    JT Jawa Tengah/Central Java, KR Kepulauan Riau/Riau Islands, LA Lampung, RI Riau,
    SB Sumatera Barat/West Sumatra, SS Sumatera Selatan/South Sumatra, SU Sumatera Utara/North Sumatra,
    YO Yogyakarta/D.I. Yogyakarta
Asia/Pontianak: KB Kalimantan Barat/West Kalimantan, KT Kalimantan Tengah/Central Kalimantan
Asia/Makassar: BA Bali, GO Gorontalo, KI Kalimantan Timur/East Kalimantan, KS Kalimantan Selatan/South Kalimantan,
    KU Kalimantan Utara/North Kalimantan, NB Nusa Tenggara Barat/West Nusa Tenggara,
    NT Nusa Tenggara Timur/East Nusa Tenggara, SA Sulawesi Utara/North Sulawesi,
    SG Sulawesi Tenggara/Southeast Sulawesi, SN Sulawesi Selatan/South Sulawesi, SR Sulawesi Barat/West Sulawesi,
    ST Sulawesi Tengah/Central Sulawesi
Asia/Jayapura: MA Maluku, MU Maluku Utara/North Maluku, PA Papua, PB Papua Barat/West Papua,
    PD Papua Barat Daya/Southwest Papua, PE Papua Pegunungan/Highland Papua, PS Papua Selatan/South Papua,
    PT Papua Tengah/Central Papua
""",
    "ES": """
Atlantic/Canary: CN Canarias/Islas Canarias/Canary Islands/Canaries,
    GC Las Palmas/Gran Canaria/Lanzarote/Fuerteventura,
    TF Santa Cruz de Tenerife/Tenerife/La Palma/La Gomera/El Hierro
Europe/Madrid: A Alicante/Alacant, AB Albacete, AL Almería, AN Andalucía/Andalusia, AR Aragón/Aragon, AS Asturias,
    AV Ávila, B Barcelona, BA Badajoz, BI Bizkaia/Vizcaya, BU Burgos, C A Coruña/La Coruña, CA Cádiz,
    CB/S Cantabria, CC Cáceres, CE Ceuta, CL Castilla y León, CM Castilla-La Mancha, CO Córdoba, CR Ciudad Real,
    CS Castellón/Castelló, CT Cataluña/Catalunya/Catalonia, CU Cuenca, EX Extremadura, GA Galicia, GI Girona/Gerona,
    GR Granada, GU Guadalajara, H Huelva, HU Huesca,
    IB/PM Illes Balears/Islas Baleares/Baleares/Balearic Islands/Mallorca, J Jaén, L Lleida/Lérida, LE León,
    LO/RI La Rioja, LU Lugo, M/MD Madrid, MA Málaga, MC/MU Murcia/Región de Murcia, ML Melilla,
    NA/NC Navarra/Nafarroa/Navarre/Foral de Navarra, O Principado de Asturias, OR Ourense/Orense, P Palencia,
    PO Pontevedra, PV País Vasco/Euskadi/Basque Country, SA Salamanca, SE Sevilla/Seville, SG Segovia, SO Soria,
    SS Gipuzkoa/Guipúzcoa, T Tarragona, TE Teruel, TO Toledo, V Valencia/València, VA Valladolid,
    VC Comunidad Valenciana/Comunitat Valenciana, VI Álava/Araba, Z Zaragoza, ZA Zamora
""",
    "PT": """
Atlantic/Azores: 20 Açores/Azores/Região Autónoma dos Açores/Ilha de São Miguel/São Miguel/Ponta Delgada
Atlantic/Madeira: 30 Madeira/Ilha da Madeira/Região Autónoma da Madeira/Funchal/Porto Santo
Europe/Lisbon: 01 Aveiro, 02 Beja, 03 Braga, 04 Bragança, 05 Castelo Branco, 06 Coimbra, 07 Évora, 08 Faro/Algarve,
    09 Guarda, 10 Leiria, 11 Lisboa/Lisbon, 12 Portalegre, 13 Porto/Oporto, 14 Santarém, 15 Setúbal,
    16 Viana do Castelo, 17 Vila Real, 18 Viseu
""",
    "RU": """
Europe/Kaliningrad: KGD Kaliningrad/Kaliningradskaya
Europe/Moscow: AD Adygea/Adygeya, ARK Arkhangelsk/Arkhangelskaya, BEL Belgorod/Belgorodskaya,
    BRY Bryansk/Bryanskaya, CE Chechnya/Chechen/Chechenskaya,
    CU Chuvashia/Chuvash/Chuvashskaya/Chuvashskaya Chuvashiya, DA Dagestan, IN Ingushetia/Ingushetiya,
    IVA Ivanovo/Ivanovskaya, KB Kabardino-Balkaria/Kabardino-Balkarskaya,
    KC Karachay-Cherkessia/Karachaevo-Cherkesskaya/Karachaevo-Cherkessiya, KDA Krasnodar/Krasnodarskiy,
    KL Kalmykia/Kalmykiya, KLU Kaluga/Kaluzhskaya, KO Komi, KOS Kostroma/Kostromskaya, KR Karelia/Kareliya,
    KRS Kursk/Kurskaya, LEN Leningrad/Leningradskaya, LIP Lipetsk/Lipetskaya, ME Mari El, MO Mordovia/Mordoviya,
    MOS Moscow Oblast/Moskovskaya, MOW Moscow/Moskva, MUR Murmansk/Murmanskaya, NEN Nenets/Nenetskiy,
    NGR Novgorod/Novgorodskaya, NIZ Nizhny Novgorod/Nizhegorodskaya, ORL Oryol/Orel/Orlovskaya,
    PNZ Penza/Penzenskaya, PSK Pskov/Pskovskaya, ROS Rostov/Rostovskaya/Rostov-on-Don/Rostov-na-Donu,
    RYA Ryazan/Ryazanskaya, SE North Ossetia/Severnaya Osetiya/North Ossetia-Alania/Severnaya Osetiya Alaniya,
    SMO Smolensk/Smolenskaya, SPE Saint Petersburg/St Petersburg/Sankt-Peterburg/Sankt-Petersburg,
    STA Stavropol/Stavropolskiy, TA Tatarstan, TAM Tambov/Tambovskaya, TUL Tula/Tulskaya, TVE Tver/Tverskaya,
    VLA Vladimir/Vladimirskaya, VLG Vologda/Vologodskaya, VOR Voronezh/Voronezhskaya, YAR Yaroslavl/Yaroslavskaya
Europe/Kirov: KIR Kirov/Kirovskaya
Europe/Volgograd: VGG Volgograd/Volgogradskaya
Europe/Astrakhan: AST Astrakhan/Astrakhanskaya
Europe/Samara: SAM Samara/Samarskaya, UD Udmurtia/Udmurt/Udmurtskaya/Udmurtiya
Europe/Saratov: SAR Saratov/Saratovskaya
Europe/Ulyanovsk: ULY Ulyanovsk/Ulyanovskaya
Asia/Yekaterinburg: BA Bashkortostan/Bashkiria/Bashkiriya, CHE Chelyabinsk/Chelyabinskaya, KGN Kurgan/Kurganskaya,
    KHM Khanty-Mansi/Khanty-Mansiysk/Khanty-Mansiyskiy/Khanty-Mansiyskiy Yugra/Yugra, ORE Orenburg/Orenburgskaya,
    PER Perm/Permskiy, SVE Sverdlovsk/Sverdlovskaya/Ekaterinburg, TYU Tyumen/Tumen/Tyumenskaya,
    YAN Yamalo-Nenets/Yamalo-Nenetskiy/Yamal
Asia/Omsk: OMS Omsk/Omskaya
Asia/Barnaul: AL Altai Republic/Altay, ALT Altai Krai/Altayskiy
Asia/Krasnoyarsk: KK Khakassia/Khakasiya, KYA Krasnoyarsk/Krasnoyarskiy, TY Tyva/Tuva
Asia/Novokuznetsk: KEM Kemerovo/Kemerovskaya/Kemerovskaya Kuzbass/Kuzbass
Asia/Novosibirsk: NVS Novosibirsk/Novosibirskaya
Asia/Tomsk: TOM Tomsk/Tomskaya
Asia/Irkutsk: BU Buryatia/Buryatiya, IRK Irkutsk/Irkutskaya
Asia/Chita: ZAB Zabaykalsky/Zabaikalskiy/Transbaikal/Chita
Asia/Yakutsk: AMU Amur/Amurskaya
Asia/Yakutsk Asia/Ust-Nera Asia/Srednekolymsk: SA Sakha/Yakutia/Yakutiya/Sakha Yakutia
Asia/Vladivostok: KHA Khabarovsk/Khabarovskiy, PRI Primorye/Primorskiy/Primorsky, YEV Jewish/Evreyskaya/Yevreyskaya
Asia/Magadan: MAG Magadan/Magadanskaya
Asia/Sakhalin: SAK Sakhalin/Sakhalinskaya
Asia/Kamchatka: KAM Kamchatka/Kamchatskiy
Asia/Anadyr: CHU Chukotka/Chukotskiy/Chukchi
""",
}
"""By country: ``CODE/CODE Name/Name`` after ISO 3166-2, with the codes and names that shops use as well.

Kazakhstan is missing on purpose: since 1 March 2024 it has one clock.
"""

_NOISE: Final = frozenset(
    """
    state province provincia prov provinsi estado region oblast obl krai okrug
    autonomous autonoma avtonomnaia avtonomni ao territori respublika resp republic republica gorod g citi
    comunidad the of de del daerah husus ibukota istimewa dki di
    """.split()  # noqa: SIM905  # as a list of quoted words it would fill a page
)
"""Words that say only what kind of region it is, as ``_key`` spells them."""
_CYRILLIC: Final = str.maketrans({
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "к": "k", "л": "l", "м": "m",
    "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "'": "", "’": "", "ʹ": "", "`": "",
})  # fmt: skip
_SPELLINGS: Final = (("y", "i"), ("j", "i"), ("ii", "i"), ("kh", "h"), ("ts", "c"), ("tz", "c"))
"""Ways of writing one sound: Altayskiy, Altaisky and Алтайский are one word."""


def zones_of_region(country: str, told: str) -> ZoneNames:
    """Return the zones of a region, by its ISO code or any of its names; empty when it is not in the table."""
    codes, names = _regions(country)
    plain = re.sub(r"[^a-z0-9]", "", told.casefold())
    for code in (plain, plain.removeprefix(country.casefold())):
        if code in codes:
            return codes[code]
    for words in (told, re.split(r"[(/,;]| [-–—] ", told, maxsplit=1)[0]):
        if _key(words) in names:
            return names[_key(words)]
    return ()


@cache
def _regions(country: str) -> tuple[Mapping[str, ZoneNames], Mapping[str, ZoneNames]]:
    """The zones of a country's regions by code and by name."""
    codes: dict[str, ZoneNames] = {}
    names: dict[str, ZoneNames] = {}
    for zones, entry in _entries(country):
        code, _, spoken = entry.partition(" ")
        codes.update(dict.fromkeys(code.casefold().split("/"), zones))
        names.update({_key(name): zones for name in spoken.split("/")})
    codes.pop("-", None)
    return codes, names


def _entries(country: str) -> Iterator[tuple[ZoneNames, str]]:
    for zones, text in rows(REGIONS.get(country, "")):
        for entry in text.split(", "):
            yield zones, entry


def rows(table: str) -> Iterator[tuple[ZoneNames, str]]:
    """Yield zones and text of each row of a table; a row that is too long goes on in indented lines."""
    for row in re.sub(r"\n +", " ", table).strip().splitlines():
        zones, _, text = row.partition(": ")
        yield tuple(zones.split()), text


def _key(name: str) -> str:
    """A name without case, accents, alphabet, spelling, and words such as ``state`` or ``oblast``; may be empty."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(one))
    latin = bare.translate(_CYRILLIC)
    for written, sound in _SPELLINGS:
        latin = latin.replace(written, sound)
    return "".join(dict.fromkeys(word for word in re.findall(r"[a-z0-9]+", latin) if word not in _NOISE))
