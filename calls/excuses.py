"""What the bot says when an engine leaves it without an answer: short, in the language of the call, and once per trouble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UNREACHABLE: Final = "Sorry, I cannot think just now. Please ask me again in a moment."
UNHEARD: Final = "Sorry, I did not catch that. Could you say it again?"

_UNREACHABLE_IN: Final = {
    "en": UNREACHABLE,
    "es": "Perdona, ahora mismo no puedo pensar. Vuelve a preguntarme dentro de un momento.",
    "ca": "Perdona, ara mateix no puc pensar. Torna-m'ho a preguntar d'aquí a un moment.",
    "ru": "Извините, сейчас я не могу думать. Спросите меня ещё раз чуть позже.",
}
_UNHEARD_IN: Final = {
    "en": UNHEARD,
    "es": "Perdona, no te he entendido. ¿Puedes repetirlo?",
    "ca": "Perdona, no t'he entès. Ho pots repetir?",
    "ru": "Извините, я не расслышал. Повторите, пожалуйста.",
}


def excuses_in(language: str) -> tuple[str, str]:
    """What is said when nothing can be thought, and when nothing was understood; in English where the language has none."""
    return _UNREACHABLE_IN.get(language, UNREACHABLE), _UNHEARD_IN.get(language, UNHEARD)


@dataclass(slots=True)
class Excuses:
    """One call's. What is not empty is to be said."""

    thinking_fails: bool = False
    hearing_fails: bool = False

    def for_thinking(self, language: str, *, failed: bool, answered: bool) -> str:
        """A reply has ended: thinking ``failed``, and nothing of it was ``answered``."""
        excused, self.thinking_fails = self.thinking_fails, failed
        return excuses_in(language)[0] if failed and not answered and not excused else ""

    def for_hearing(self, language: str) -> str:
        """Somebody said something to the bot that it has not understood."""
        excused, self.hearing_fails = self.hearing_fails, True
        return "" if excused else excuses_in(language)[1]

    def understood(self) -> None:
        """Words came: hearing works."""
        self.hearing_fails = False
