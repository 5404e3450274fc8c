"""Words that cutting and speaking a reply need to know, in English, Spanish, Catalan and Russian."""

from __future__ import annotations

from typing import Final

_ABBREVIATIONS = """
    mr mrs ms dr prof sr jr st vs etc approx dept est fig inc ltd mt no vol e.g i.e a.m p.m ph.d
    sra srta dra ud uds pág núm tel ee.uu p.ej p.ex pàg av avda
    т.е т.д т.п т.к г гг ул руб др им стр см напр тыс млн млрд
"""
_CONNECTIVES = """
    and but because which that when while where so or if although until
    y pero porque que cuando mientras donde aunque si i però perquè quan mentre on encara
    и но потому который которая которое когда пока где если хотя чтобы
"""

ABBREVIATIONS: Final = frozenset(_ABBREVIATIONS.split())
"""Words, without their last dot, whose dot ends no sentence."""
CONNECTIVES: Final = frozenset(_CONNECTIVES.split())
"""Words before which a long clause may end without a mark."""

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
