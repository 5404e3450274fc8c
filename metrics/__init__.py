"""What Prometheus is told of Parley: counted from the events of calls, read off what is shared, served on a port of this machine."""
