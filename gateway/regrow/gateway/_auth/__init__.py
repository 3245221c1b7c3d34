"""Who may connect: tokens that a server signs and takes back."""
