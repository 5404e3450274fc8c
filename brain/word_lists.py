"""Words that cutting and speaking a reply need to know, in English, Spanish, Catalan and Russian."""

from __future__ import annotations

from typing import Final

_ABBREVIATIONS = """
    mr mrs ms dr prof sr jr st vs etc approx dept est fig inc ltd mt no vol e.g i.e a.m p.m ph.d
    sra srta dra ud uds pág núm tel ee.uu p.ej p.ex pàg av avda
    т.е т.д т.п т.к г гг ул руб др им стр см напр тыс млн млрд
"""
_CONNECTIVES = {
    "en": "and but because which that when while where so or if although until",
    "es": "y pero porque que cuando mientras donde aunque si",
    "ca": "i però perquè que quan mentre on encara si",
    "ru": "и но потому который которая которое когда пока где если хотя чтобы",
}
_LEAD_TO_ADDRESSES = {
    "en": "at to on see from visit open via in",
    "es": "a de en por ver visita",
    "ca": "a de en per és veure visita",
    "ru": "на в с от см",
}

ABBREVIATIONS: Final = frozenset(_ABBREVIATIONS.split())
"""Words, without their last dot, whose dot ends no sentence."""


def _by_language(lists: dict[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in lists.items()}


CONNECTIVES: Final = _by_language(_CONNECTIVES)
"""Words before which a long clause may end without a mark."""
LEAD_TO_ADDRESSES: Final = _by_language(_LEAD_TO_ADDRESSES)
"""Words behind which a full stop may belong to an address."""


def of_language(lists: dict[str, frozenset[str]], language: str) -> frozenset[str]:
    """The list of ``language``; all of them together where it has none."""
    return lists.get(language) or frozenset().union(*lists.values())


SYMBOL_WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "&": "and", "+": "plus", "=": "equals", "×": "times", "÷": "divided by", "%": "percent", "#": "number", "@": "at", "dot": "dot",
        "°": "degrees", "°C": "degrees Celsius", "°F": "degrees Fahrenheit", "$": "dollars", "€": "euros", "£": "pounds",
    },
    "es": {
        "&": "y", "+": "más", "=": "es igual a", "×": "por", "÷": "entre", "%": "por ciento", "#": "número", "@": "arroba", "dot": "punto",
        "°": "grados", "°C": "grados Celsius", "°F": "grados Fahrenheit", "$": "dólares", "€": "euros", "£": "libras",
    },
    "ca": {
        "&": "i", "+": "més", "=": "és igual a", "×": "per", "÷": "entre", "%": "per cent", "#": "número", "@": "arrova", "dot": "punt",
        "°": "graus", "°C": "graus Celsius", "°F": "graus Fahrenheit", "$": "dòlars", "€": "euros", "£": "lliures",
    },
    "ru": {
        "&": "и", "+": "плюс", "=": "равно", "×": "умножить на", "÷": "разделить на", "%": "процентов", "#": "номер", "@": "собака",
        "dot": "точка", "°": "градусов", "°C": "градусов Цельсия", "°F": "градусов Фаренгейта", "$": "долларов", "€": "евро", "£": "фунтов",
    },
}  # fmt: skip
"""What a symbol is called, by language."""
