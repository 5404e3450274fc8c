"""One microphone, one speaker and one script for everything compared. Needs nothing but numpy, so that it runs in any environment."""
