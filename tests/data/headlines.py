# ruff: noqa: RUF001
"""Made-up headlines in several languages."""

HEADLINES = {
    "chinese": (
        "央行宣布下调存款准备金率",
        "新能源汽车销量连续三个月增长",
        "北京今日迎来入冬以来第一场雪",
        "房价连续下跌",
    ),
    "taiwanese": ("颱風來襲全台停班停課", "股市收盤上漲創新高", "捷運新線路明年底通車", "醫師提醒民眾施打流感疫苗"),
    "japanese": (
        "首相が国会で新しい経済政策を発表",
        "東京で桜が満開",
        "株価が三日続けて上昇",
        "大手メーカーが電気自動車を発売",
    ),
    "korean": (
        "국회, 내년도 예산안 통과",
        "서울 아파트 값 상승",
        "태풍 북상에 항공편 결항",
        "LG가 새로운 공장을 건설한다",
    ),
    "polish": (
        "Rząd przyjął projekt budżetu",
        "Śnieżyce sparaliżowały południe",
        "Ceny żywności rosną",
        "Pociąg pod Łodzią",
    ),
    "czech": (
        "Vláda schválila rozpočet na příští rok",
        "Vědci objevili nový druh",
        "Sníh zkomplikoval dopravu na dálnicích",
    ),
    "russian": (
        "Правительство утвердило бюджет",
        "Цены на продукты растут",
        "Учёные открыли новый вид",
        "«Север» удвоил прибыль",
    ),
    "greek": (
        "Η κυβέρνηση ενέκρινε τον προϋπολογισμό",
        "Οι τιμές αυξάνονται",
        "Χιόνια έκλεισαν τους δρόμους",
        "Τρένο κοντά στη Λάρισα",
    ),
    "turkish": (
        "Hükümet bütçeyi onayladı",
        "Gıda fiyatları arttı",
        "Kar yağışı ulaşımı durdurdu",
        "İtfaiye yangını söndürdü",
    ),
    "arabic": ("الحكومة تقر موازنة العام المقبل", "الثلوج تعطل حركة المرور في الجنوب", "أسعار المواد الغذائية ترتفع"),
    "lithuanian": (
        "Vyriausybė patvirtino biudžetą",
        "Maisto kainos kyla šeštą mėnesį",
        "Traukinys nuvažiavo nuo bėgių",
    ),
    "french": (
        "Le gouvernement adopte le budget de l’année",
        "La neige bloque les routes à Nîmes",
        "Même le président est là",
    ),
    "german": ("Bundestag beschließt Haushalt für nächstes Jahr", "„Es war schwer“, sagt der Trainer", "Ärzte warnen"),
    "hebrew": (
        "ראש הממשלה נפגש עם נשיא ארצות הברית",
        "מזג האוויר: גשם בצפון הארץ",
        "הפועל תל אביב ניצחה את מכבי חיפה",
        "מחירי הדירות עלו השנה",
    ),
    "english": (
        "The government’s budget passes by one vote after a long night in parliament",
        "Farmers’ protest – again",
        "“It was tough,” says Beyoncé’s coach",
        "It’s £2m and there is no end in sight for those who live near the old harbor",
    ),
}
