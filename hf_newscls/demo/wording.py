"""What the page says, in English and in a few other languages; the browser's language chooses."""

from collections.abc import Mapping

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "card": "Model card",
        "text": "Text",
        "placeholder": "Paste a headline or an article",
        "classify": "Classify",
        "probabilities": "Probabilities",
        "unsure": "Not sure: no label reaches",
        "empty": "Enter a text first.",
        "cut": "The text is too long for the model. Tokens that it read:",
        "explain": "Compute the effects",
        "effects": "Effect of each word (red: for the answer, violet: against it)",
        "examples": "Examples",
        "limitations": "Limitations",
    },
    "de": {
        "card": "Modellkarte",
        "text": "Text",
        "placeholder": "Schlagzeile oder Artikel einfügen",
        "classify": "Klassifizieren",
        "probabilities": "Wahrscheinlichkeiten",
        "unsure": "Unsicher: keine Kategorie erreicht",
        "empty": "Zuerst einen Text eingeben.",
        "cut": "Der Text ist zu lang für das Modell. Gelesene Tokens:",
        "explain": "Wirkungen berechnen",
        "effects": "Wirkung der einzelnen Wörter (rot: für die Antwort, violett: dagegen)",
        "examples": "Beispiele",
        "limitations": "Grenzen",
    },
    "es": {
        "card": "Ficha del modelo",
        "text": "Texto",
        "placeholder": "Pegue un titular o un artículo",
        "classify": "Clasificar",
        "probabilities": "Probabilidades",
        "unsure": "No es seguro: ninguna categoría alcanza el",
        "empty": "Primero introduzca un texto.",
        "cut": "El texto es demasiado largo para el modelo. Tokens leídos:",
        "explain": "Calcular los efectos",
        "effects": "Efecto de cada palabra (rojo: a favor de la respuesta, violeta: en contra)",
        "examples": "Ejemplos",
        "limitations": "Limitaciones",
    },
    "fr": {
        "card": "Fiche du modèle",
        "text": "Texte",
        "placeholder": "Collez un titre ou un article",
        "classify": "Classer",
        "probabilities": "Probabilités",
        "unsure": "Incertain : aucune catégorie n'atteint",
        "empty": "Saisissez d'abord un texte.",
        "cut": "Le texte est trop long pour le modèle. Tokens lus :",
        "explain": "Calculer les effets",
        "effects": "Effet de chaque mot (rouge : pour la réponse, violet : contre)",
        "examples": "Exemples",
        "limitations": "Limites",
    },
    "it": {
        "card": "Scheda del modello",
        "text": "Testo",
        "placeholder": "Incolla un titolo o un articolo",
        "classify": "Classifica",
        "probabilities": "Probabilità",
        "unsure": "Incerto: nessuna categoria raggiunge il",
        "empty": "Inserisci prima un testo.",
        "cut": "Il testo è troppo lungo per il modello. Token letti:",
        "explain": "Calcola gli effetti",
        "effects": "Effetto di ogni parola (rosso: a favore della risposta, viola: contro)",
        "examples": "Esempi",
        "limitations": "Limiti",
    },
}


def select_words(language: str) -> dict[str, Mapping[str, str]]:
    """Return the words of the page in English and, if they are known, in the language of the model.

    >>> [*select_words("fr-CA")], [*select_words("en")], [*select_words("zh")]
    (['en', 'fr'], ['en'], ['en'])
    """
    names = dict.fromkeys(["en", language.partition("-")[0].lower()])
    return {name: _WORDS[name] for name in names if name in _WORDS}
