"""How many machines so many cameras take, from what one was measured to take here."""
