"""Parley's voice for other Python programs, without asyncio: speech, hearing, calls by browser and telephone, appointments.

    from voice_services.tts_service import get_tts_service

Speech and hearing load their engines in this process; the others speak with a running Parley. See docs/voice-services.md.
"""
