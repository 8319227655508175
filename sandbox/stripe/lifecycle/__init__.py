"""What happens between objects: paying, billing, changing plans, time passing."""
