"""Other voice frameworks, each in a virtual environment of its own: nothing here is imported by Parley."""
