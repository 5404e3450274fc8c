"""What is said on the telephone before anything else: that an AI speaks. In the language of the call."""

from __future__ import annotations

from typing import Final

_NOTICE: Final = {
    "en": "Hello, this is {name}, an AI assistant; what you say is written down.",
    "ca": "Hola, sóc {name}, un assistent d'intel·ligència artificial; el que digui queda per escrit.",
    "es": "Hola, soy {name}, un asistente de inteligencia artificial; lo que diga queda por escrito.",
    "ru": "Здравствуйте, это {name}, ассистент на основе искусственного интеллекта; сказанное вами записывается в виде текста.",
}
_HOW_CAN_I_HELP: Final = {
    "en": "How can I help you?",
    "ca": "En què el puc ajudar?",
    "es": "¿En qué puedo ayudarle?",
    "ru": "Чем могу помочь?",
}
_A_MOMENT: Final = {
    "en": "Do you have a moment?",
    "ca": "Té un moment?",
    "es": "¿Tiene un momento?",
    "ru": "У вас есть минута?",
}
_STRANGER: Final = {
    "en": "Hello. This number does not take calls from you. Good-bye.",
    "ca": "Hola. Aquest número no accepta les seves trucades. Adéu.",
    "es": "Hola. Este número no acepta sus llamadas. Adiós.",
    "ru": "Здравствуйте. Этот номер не принимает ваши звонки. До свидания.",
}
_NO_ROOM: Final = {
    "en": "Hello. I cannot take your call just now. Please call again later.",
    "ca": "Hola. Ara mateix no puc atendre la trucada. Torni a trucar més tard.",
    "es": "Hola. Ahora mismo no puedo atender su llamada. Vuelva a llamar más tarde.",
    "ru": "Здравствуйте. Сейчас я не могу ответить. Пожалуйста, перезвоните позже.",
}


def that_an_ai_speaks(language: str, name: str) -> str:
    """The notice itself."""
    return _in(_NOTICE, language).format(name=name)


def to_a_caller(language: str, name: str) -> str:
    """The first words to somebody who calls: the notice, and an offer of help."""
    return f"{that_an_ai_speaks(language, name)} {_in(_HOW_CAN_I_HELP, language)}"


def to_the_called(language: str, name: str, then: str | None) -> str:
    """The first words to somebody who was called: the notice, and ``then`` what it is about, or a question whether they have time."""
    return f"{that_an_ai_speaks(language, name)} {then or _in(_A_MOMENT, language)}"


def purpose(told: str) -> str:
    """What the brain is told of a call that Parley has placed."""
    return f"You have called somebody on the telephone, and it is you who wants something. {told}".strip()


PURPOSE_OF_CALLER: Final = "Somebody has called you on the telephone."


def to_a_stranger(language: str) -> str:
    """To somebody whose calls are not taken."""
    return _in(_STRANGER, language)


def no_room(language: str) -> str:
    """To somebody whose call would be taken at another time."""
    return _in(_NO_ROOM, language)


def _in(texts: dict[str, str], language: str) -> str:
    return texts.get(language, texts["en"])
