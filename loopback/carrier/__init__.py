"""A telephone carrier in a box: it takes orders, calls back, and streams sound, as Twilio documents it. For tests and benchmarks."""
