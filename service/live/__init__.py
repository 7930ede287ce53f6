"""What happens now: messages to whoever listens, pictures for whoever watches."""
