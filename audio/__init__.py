"""Sound, and the engines that turn it into words and back."""
