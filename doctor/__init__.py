"""Is this machine ready for Parley? One function per check; each finding says what is so and, where something is wrong, what to do."""
